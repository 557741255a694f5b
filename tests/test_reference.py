"""Agreement with numbers recorded from the published implementation.

The folder is `REFERENCE_DIR`, by default the one beside the project; any folder with files of the
same form is checked just as well. Its README states the tolerances:
logits and losses 1e-5 relative, gradients 1e-3 of their norm, trajectories 1e-2 of the change of
the weights.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from deltaloss.batches import Batch
from deltaloss.checkpoints import from_published, to_published
from deltaloss.losses import Criterion, make_loss
from deltaloss.network import RecallNetwork
from deltaloss.schedules import learning_rate_factor
from deltaloss.settings import TrainingSettings
from deltaloss.tasks import Task, load_task
from deltaloss.training import make_optimizer, set_learning_rate, train_epoch

REFERENCE = Path(
    os.environ.get("REFERENCE_DIR", Path(__file__).resolve().parents[2] / "shared" / "golden")
)
MODELS = sorted(REFERENCE.glob("model_*.npz"))
TRAJECTORIES = sorted(REFERENCE.glob("trajectory_*.npz"))
SCHEDULES = sorted(REFERENCE.glob("schedules*.json"))

pytestmark = [
    pytest.mark.reference,
    pytest.mark.skipif(
        "REFERENCE_DIR" not in os.environ and not REFERENCE.is_dir(),
        reason=f"no recorded numbers in {REFERENCE} (set REFERENCE_DIR)",
    ),
]


def test_a_folder_that_is_asked_for_has_recorded_numbers() -> None:
    """A REFERENCE_DIR without numbers is a mistake, not a reason to skip."""
    assert MODELS or TRAJECTORIES or SCHEDULES


Recorded = dict[str, np.ndarray]


def _names(paths: list[Path]) -> list[str]:
    return [path.stem for path in paths]


def _load(path: Path) -> Recorded:
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def _task_of(path: Path) -> Task:
    names = [name for name in ("prefix_sums", "mazes", "chess") if name in path.stem]
    assert len(names) == 1, f"{path.name} names no puzzle"
    return load_task(names[0])


def _bits(task: Task, inputs: np.ndarray) -> torch.Tensor:
    """Turn recorded network inputs back into the bits that we store."""
    values = torch.from_numpy(inputs)
    if task.name == "prefix_sums":
        values = values + 0.5
    assert ((values == 0) | (values == 1)).all()
    bits = values.to(torch.uint8)
    assert torch.equal(task.encode(bits), torch.from_numpy(inputs))
    return bits


def _network(task: Task, recorded: Recorded, prefix: str, *, relu: bool = True) -> RecallNetwork:
    weights = from_published(
        {
            name.removeprefix(prefix): torch.from_numpy(value)
            for name, value in recorded.items()
            if name.startswith(prefix)
        }
    )
    network = RecallNetwork(
        dimensions=task.dimensions,
        channels=task.channels,
        width=len(weights["projection.weight"]),
        head=[len(weights["head.0.weight"]), len(weights["head.1.weight"])],
        recall_relu=relu,
    )
    network.load_state_dict(weights)
    return network


def _gradients(task: Task, network: RecallNetwork) -> dict[str, np.ndarray]:
    grads = {
        name: torch.zeros_like(p) if p.grad is None else p.grad
        for name, p in network.named_parameters()
    }
    published = to_published(grads, dimensions=task.dimensions)
    return {name: grad.numpy() for name, grad in published.items()}


def _close(ours: float | np.ndarray, recorded: np.ndarray, relative: float) -> None:
    scale = max(float(np.abs(recorded).max()), 1e-30)
    assert np.abs(np.asarray(ours) - recorded).max() <= relative * scale


@pytest.fixture(params=MODELS, ids=_names(MODELS))
def model(request: pytest.FixtureRequest) -> tuple[Task, Recorded, RecallNetwork, torch.Tensor]:
    task, recorded = _task_of(request.param), _load(request.param)
    bits = _bits(task, recorded["input"])
    return task, recorded, _network(task, recorded, "weight/"), bits


def _criterion(task: Task, recorded: Recorded, bits: torch.Tensor) -> Criterion:
    targets = torch.from_numpy(recorded["target"]).long()
    return Criterion(targets=targets, counted=task.counted(bits))


class TestModel:
    def test_logits_losses_and_answers_at_every_step(self, model):
        task, recorded, network, bits = model
        criterion = _criterion(task, recorded, bits)
        steps = recorded["logits"].shape[1]
        with torch.inference_mode():
            logits = [network.readout(s) for s in network.unroll(task.encode(bits), steps)]
            losses = np.array([float(criterion(one)) for one in logits])
            answers = np.stack([task.answer(one, bits).flatten(1).numpy() for one in logits], 1)
            correct = np.stack(
                [task.correct(one, bits, criterion.targets).numpy() for one in logits], 1
            )
        _close(torch.stack(logits, 1).numpy(), recorded["logits"], 1e-5)
        _close(losses, recorded["loss_per_step"], 1e-5)
        assert np.array_equal(answers, recorded["predicted"].astype(bool))
        assert np.array_equal(correct, recorded["correct"])

    def test_delta_loss_and_gradients(self, model):
        task, recorded, network, bits = model
        steps = recorded["logits"].shape[1]
        loss = make_loss("delta", steps=steps)
        outcome = loss(network, task.encode(bits), _criterion(task, recorded, bits))
        _close(float(outcome.loss), recorded["delta_loss"], 1e-5)
        for name, grad in _gradients(task, network).items():
            wanted = recorded[f"delta_grad/{name}"]
            assert np.linalg.norm(grad - wanted) <= 1e-3 * np.linalg.norm(wanted), name

    def test_progressive_losses_and_gradients(self, model):
        task, recorded, network, bits = model
        steps = recorded["logits"].shape[1]
        criterion = _criterion(task, recorded, bits)
        keys = [name.rsplit("/", 1)[0] for name in recorded if name.endswith("/grad_norm")]
        assert keys, "no progressive losses recorded"
        for key in keys:
            alpha, n, k = (part.split("=")[1] for part in key.split("/")[1:])
            loss = make_loss("progressive", steps=steps, alpha=float(alpha))
            network.zero_grad()
            outcome = loss(network, task.encode(bits), criterion, int(n), int(k))
            _close(float(outcome.loss), recorded[f"{key}/loss"], 1e-5)
            grads = _gradients(task, network)
            norms = np.array([np.linalg.norm(grads[name]) for name in recorded["param_order"]])
            assert np.allclose(norms, recorded[f"{key}/grad_norm"], rtol=1e-3, atol=0), key


@pytest.mark.parametrize("path", TRAJECTORIES, ids=_names(TRAJECTORIES))
def test_short_training(path: Path) -> None:
    recorded, task = _load(path), _task_of(path)
    given = json.loads(str(recorded["settings"]))
    settings = TrainingSettings(
        optimizer=given["optimizer"],
        learning_rate=given["lr"],
        milestones=tuple(given["milestones"]),
        decay_factor=given["decay_factor"],
        warmup_epochs=given["warmup_period"],
        epochs=given["epochs"],
        clip_norm=given["clip"],
        throttle=given["lr_throttle"],
        batch_size=recorded["inputs"].shape[1],
        weight_decay=given["weight_decay"],
    )
    steps, alpha = given["train_steps"], given["alpha"]
    network = _network(task, recorded, "weight_before/", relu=given["recall_relu"])
    optimizer = make_optimizer(network, settings, steps=steps)
    loss = make_loss(given["loss"], steps=steps, alpha=alpha)
    inputs = [_bits(task, one) for one in recorded["inputs"]]
    targets = [torch.from_numpy(one).to(torch.uint8) for one in recorded["targets"]]
    batches = [Batch(inputs=x, targets=y) for x, y in zip(inputs, targets, strict=True)]
    drawn = [tuple(int(v) for v in pair) for pair in recorded["n_k"]] or [()] * (
        settings.epochs * len(batches)
    )
    for epoch in range(settings.epochs):
        set_learning_rate(optimizer, settings, epoch)
        rates = sorted({group["lr"] for group in optimizer.param_groups})
        assert np.allclose(rates, sorted(set(recorded["epoch_lr"][epoch])), rtol=1e-9)
        draws = drawn[epoch * len(batches) : (epoch + 1) * len(batches)]
        losses, accuracy = train_epoch(
            network,
            optimizer,
            loss,
            zip(batches, draws, strict=True),
            task=task,
            clip_norm=settings.clip_norm,
        )
        column = 1 if given["loss"] == "delta" else 0
        _close(float(losses[:, column].mean()), recorded["epoch_loss"][epoch], 1e-3)
        assert abs(accuracy - recorded["epoch_accuracy"][epoch]) < 1e-6
    after = to_published(dict(network.state_dict()), dimensions=task.dimensions)
    change, difference = [], []
    for name, value in after.items():
        before, wanted = recorded[f"weight_before/{name}"], recorded[f"weight_after/{name}"]
        change.append((wanted - before).ravel())
        difference.append((value.numpy() - wanted).ravel())
    ratio = np.linalg.norm(np.concatenate(difference)) / np.linalg.norm(np.concatenate(change))
    assert ratio <= 1e-2


@pytest.mark.parametrize("path", SCHEDULES, ids=_names(SCHEDULES))
def test_learning_rate_at_every_epoch(path: Path) -> None:
    for name, schedule in json.loads(path.read_text()).items():
        ours = [
            schedule["lr"]
            * learning_rate_factor(
                epoch,
                warmup_epochs=schedule["warmup_period"],
                milestones=schedule["milestones"],
                decay_factor=schedule["decay_factor"],
            )
            for epoch in range(len(schedule["lr_at_epoch"]))
        ]
        assert np.allclose(ours, schedule["lr_at_epoch"], rtol=1e-9, atol=0), name
