"""Agreement with numbers recorded from the published implementation.

``pytest -m reference --device cuda --precision tf32`` computes them on a GPU. The folder is
`REFERENCE_DIR`, by default the one beside the project; its README states the tolerances.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from deltaloss.config.settings import TrainingSettings
from deltaloss.evaluation.batches import Batch
from deltaloss.evaluation.loop import evaluate
from deltaloss.losses.base import Criterion, make_loss
from deltaloss.model.network import RecallNetwork
from deltaloss.model.precision import set_precision
from deltaloss.model.weights import from_published, to_published
from deltaloss.puzzles.base import Task, load_task
from deltaloss.training.loop import train_epoch
from deltaloss.training.optimizer import (
    learning_rate_factor,
    make_optimizer,
    set_learning_rate,
)

REFERENCE = Path(
    os.environ.get("REFERENCE_DIR", Path(__file__).resolve().parents[2] / "shared" / "golden")
)
MODELS = sorted(REFERENCE.glob("model_*.npz"))
TRAJECTORIES = sorted(REFERENCE.glob("trajectory_*.npz"))
SCHEDULES = sorted(REFERENCE.glob("schedules*.json"))

# Largest relative error of logits and losses, and of gradients. TF32 and bf16 keep fewer bits:
# they fail where it is no longer the same computation. Rounding grows in a trained network.
TOLERANCES = {"fp32": (1e-5, 1e-3), "tf32": (2e-2, 1e-1), "bf16": (1e-1, 5e-1)}
TRAINED_TOLERANCE = 1e-4
DOUBLE_TOLERANCE = 1e-9

pytestmark = [
    pytest.mark.reference,
    pytest.mark.skipif(
        "REFERENCE_DIR" not in os.environ and not REFERENCE.is_dir(),
        reason=f"no recorded numbers in {REFERENCE} (set REFERENCE_DIR)",
    ),
]

Recorded = dict[str, NDArray]


def test_the_folder_holds_recorded_numbers() -> None:
    """A REFERENCE_DIR without numbers is a mistake, not a reason to skip."""
    assert MODELS or TRAJECTORIES or SCHEDULES


def load(path: Path) -> tuple[Task, Recorded]:
    (name,) = (name for name in ("prefix_sums", "mazes", "chess") if name in path.stem)
    with np.load(path, allow_pickle=False) as stored:
        return load_task(name), {key: stored[key] for key in stored.files}


def stored_bits(task: Task, inputs: NDArray) -> torch.Tensor:
    """The bits that recorded network inputs encode, uint8 [N, C, *S]."""
    values = torch.from_numpy(inputs)
    bits = (values - task.encode(torch.zeros(1, dtype=torch.uint8))).to(torch.uint8)
    assert torch.equal(task.encode(bits), values)
    return bits


def load_network(
    task: Task, recorded: Recorded, prefix: str, *, recall_relu: bool = True
) -> RecallNetwork:
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
        recall_relu=recall_relu,
    )
    network.load_state_dict(weights)
    return network


def gradients(task: Task, network: RecallNetwork) -> Recorded:
    """Gradients by published name; zero where a parameter has none."""
    found = {
        name: torch.zeros_like(p) if p.grad is None else p.grad
        for name, p in network.named_parameters()
    }
    published = to_published(found, dimensions=task.dimensions)
    return {name: value.cpu().numpy() for name, value in published.items()}


def relative_error(found: object, recorded: NDArray) -> float:
    """Largest difference relative to the largest recorded number."""
    values = found.detach().cpu().numpy() if isinstance(found, torch.Tensor) else np.asarray(found)
    return float(np.abs(values - recorded).max() / max(float(np.abs(recorded).max()), 1e-30))


@dataclass(frozen=True, kw_only=True)
class Model:
    """A recorded network with its puzzles, on the device and in the precision asked for."""

    task: Task
    recorded: Recorded
    network: RecallNetwork
    bits: torch.Tensor  # uint8 [N, C, *S]
    trained: bool
    tolerance: float
    gradient_tolerance: float

    @property
    def steps(self) -> int:
        return self.recorded["logits"].shape[1]

    @property
    def x(self) -> torch.Tensor:
        return self.task.encode(self.bits).to(self.network.projection.weight.dtype)

    @property
    def criterion(self) -> Criterion:
        targets = torch.from_numpy(self.recorded["target"]).to(self.bits.device).long()
        return Criterion(targets=targets, counted=self.task.counted(self.bits))

    def progressive_cases(self, prefix: str = "") -> list[tuple[str, float, int, int]]:
        """Key, alpha, n and k of every recorded Progressive Loss."""
        cases = []
        for key in sorted(name.removesuffix("/loss") for name in self.recorded):
            if key.startswith(f"{prefix}progressive/") and f"{key}/loss" in self.recorded:
                alpha, n, k = (part.split("=")[1] for part in key.split("/")[-3:])
                cases.append((key, float(alpha), int(n), int(k)))
        return cases


@pytest.fixture(params=MODELS, ids=lambda path: path.stem)
def model(request: pytest.FixtureRequest) -> Model:
    device = torch.device(request.config.getoption("--device"))
    precision = request.config.getoption("--precision")
    task, recorded = load(request.param)
    network = load_network(task, recorded, "weight/").to(device)
    network.compute_dtype = set_precision(precision, device)
    tolerance, gradient_tolerance = TOLERANCES[precision]
    trained = "trained" in request.param.stem
    return Model(
        task=task,
        recorded=recorded,
        network=network,
        bits=stored_bits(task, recorded["input"]).to(device),
        trained=trained,
        tolerance=max(tolerance, TRAINED_TOLERANCE) if trained else tolerance,
        gradient_tolerance=gradient_tolerance,
    )


def is_exact(request: pytest.FixtureRequest) -> bool:
    """Whether whole answers must be the recorded ones: not where fewer bits are kept."""
    return request.config.getoption("--precision") == "fp32"


class TestModel:
    def test_logits_losses_and_predictions_of_every_step_are_the_recorded_ones(
        self, model: Model, request: pytest.FixtureRequest
    ) -> None:
        with torch.inference_mode():
            _, *states = model.network.unroll(model.x, model.steps)
            logits = [model.network.readout(state) for state in states]
            losses = torch.stack([model.criterion(one) for one in logits])
            answers = [model.task.answer(one, model.bits).flatten(1) for one in logits]
        assert relative_error(torch.stack(logits, 1), model.recorded["logits"]) <= model.tolerance
        assert relative_error(losses, model.recorded["loss_per_step"]) <= model.tolerance
        if is_exact(request):
            predicted = torch.stack(answers, 1).cpu().numpy()
            assert np.array_equal(predicted, model.recorded["predicted"].astype(bool))

    @pytest.mark.parametrize("batch_size", [1, 4, 100])
    def test_evaluation_finds_the_recorded_answers(
        self, model: Model, request: pytest.FixtureRequest, batch_size: int
    ) -> None:
        targets = torch.from_numpy(model.recorded["target"]).to(torch.uint8)
        answers = evaluate(
            model.network,
            Batch(inputs=model.bits.cpu(), targets=targets),
            task=model.task,
            steps=model.steps,
            batch_size=batch_size,
        )
        different = model.recorded["correct"] != answers.correct.T
        assert different.mean() <= (0 if is_exact(request) else 0.1)

    def test_delta_loss_and_gradients_are_the_recorded_ones(self, model: Model) -> None:
        outcome = make_loss("delta", steps=model.steps)(model.network, model.x, model.criterion)
        assert relative_error(outcome.loss, model.recorded["delta_loss"]) <= model.tolerance
        if model.trained:
            return  # ill-conditioned in float32: test_losses_in_double_precision
        for name, found in gradients(model.task, model.network).items():
            wanted = model.recorded[f"delta_grad/{name}"]
            error = np.linalg.norm(found - wanted) / np.linalg.norm(wanted)
            assert error <= model.gradient_tolerance, name

    def test_progressive_losses_and_gradients_are_the_recorded_ones(self, model: Model) -> None:
        cases = model.progressive_cases()
        assert cases, "no progressive losses recorded"
        for key, alpha, n, k in cases:
            loss = make_loss("progressive", steps=model.steps, value=alpha)
            model.network.zero_grad()
            outcome = loss(model.network, model.x, model.criterion, n, k)
            assert relative_error(outcome.loss, model.recorded[f"{key}/loss"]) <= model.tolerance
            if model.trained:
                continue  # as above
            found = gradients(model.task, model.network)
            norms = [np.linalg.norm(found[name]) for name in model.recorded["param_order"]]
            wanted = model.recorded[f"{key}/grad_norm"]
            assert np.allclose(norms, wanted, rtol=model.gradient_tolerance, atol=0), key

    def test_losses_in_double_precision(self, model: Model) -> None:
        """Gradients of trained networks differ by percents in float32, and not in float64."""
        recorded = model.recorded
        if "float64/delta_loss" not in recorded:
            pytest.skip("recorded in single precision only")
        model.network.double()
        outcome = make_loss("delta", steps=model.steps)(model.network, model.x, model.criterion)
        assert relative_error(outcome.loss, recorded["float64/delta_loss"]) <= 1e-6
        for name, found in gradients(model.task, model.network).items():
            wanted = recorded[f"float64/delta_grad/{name}"]
            assert np.linalg.norm(found - wanted) <= DOUBLE_TOLERANCE * np.linalg.norm(wanted), name
        for key, alpha, n, k in model.progressive_cases("float64/"):
            loss = make_loss("progressive", steps=model.steps, value=alpha)
            model.network.zero_grad()
            outcome = loss(model.network, model.x, model.criterion, n, k)
            assert relative_error(outcome.loss, recorded[f"{key}/loss"]) <= DOUBLE_TOLERANCE
            found = gradients(model.task, model.network)
            norms = [np.linalg.norm(found[name]) for name in recorded["param_order"]]
            wanted = recorded[f"{key}/grad_norm64"]
            assert np.allclose(norms, wanted, rtol=DOUBLE_TOLERANCE, atol=0), key


@pytest.mark.parametrize("path", TRAJECTORIES, ids=lambda path: path.stem)
def test_a_short_training_ends_with_the_recorded_weights(path: Path) -> None:
    task, recorded = load(path)
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
    network = load_network(task, recorded, "weight_before/", recall_relu=given["recall_relu"])
    optimizer = make_optimizer(network, settings, steps=given["train_steps"])
    loss = make_loss(given["loss"], steps=given["train_steps"], value=given["alpha"])
    batches = [
        Batch(inputs=stored_bits(task, inputs), targets=torch.from_numpy(targets).to(torch.uint8))
        for inputs, targets in zip(recorded["inputs"], recorded["targets"], strict=True)
    ]
    pairs = [tuple(map(int, pair)) for pair in recorded["n_k"]]
    draws = iter(pairs or [()] * (settings.epochs * len(batches)))
    for epoch in range(settings.epochs):
        set_learning_rate(optimizer, settings, epoch)
        rates = sorted({group["lr"] for group in optimizer.param_groups})
        assert np.allclose(rates, sorted(set(recorded["epoch_lr"][epoch])), rtol=1e-9)
        metrics = train_epoch(
            network,
            optimizer,
            loss,
            [(batch, next(draws)) for batch in batches],
            task=task,
            clip_norm=settings.clip_norm,
        ).means()
        value = metrics["final_step_loss" if given["loss"] == "delta" else "train_loss"]
        assert value == pytest.approx(float(recorded["epoch_loss"][epoch]), rel=1e-3)
        accuracy = metrics["train_accuracy_percent"]
        assert accuracy == pytest.approx(float(recorded["epoch_accuracy"][epoch]))
    after = to_published(dict(network.state_dict()), dimensions=task.dimensions)
    change, difference = [], []
    for name, value in after.items():
        before, wanted = recorded[f"weight_before/{name}"], recorded[f"weight_after/{name}"]
        change.append((wanted - before).ravel())
        difference.append((value.numpy() - wanted).ravel())
    error = np.linalg.norm(np.concatenate(difference)) / np.linalg.norm(np.concatenate(change))
    assert error <= 1e-2


@pytest.mark.parametrize("path", SCHEDULES, ids=lambda path: path.stem)
def test_learning_rates_of_every_epoch_are_the_recorded_ones(path: Path) -> None:
    for name, schedule in json.loads(path.read_text(encoding="utf-8")).items():
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
