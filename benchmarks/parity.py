"""Agreement with numbers recorded from the published implementation, on any device and precision.

The folder is `REFERENCE_DIR`; the tests read the same one (tests/test_reference.py) on the CPU. In
fp32 the tolerances are theirs. TF32 and bf16 keep fewer bits: what they give is told, and refused
only where it is no longer the same computation.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.engine import BF16, Engine
from benchmarks.jobs import multiplying
from benchmarks.surroundings import describe
from deltaloss.checkpoints import from_published, to_published
from deltaloss.files import write_json
from deltaloss.losses import Criterion, make_loss
from deltaloss.network import RecallNetwork
from deltaloss.tasks import Task, load_task

Recorded = Mapping[str, NDArray[Any]]

# Largest relative error of logits and losses, and of a gradient's norm.
TOLERANCES = {"fp32": (1e-5, 1e-3), "tf32": (2e-2, 1e-1), "bf16": (1e-1, 5e-1)}
ENGINES = {
    "fp32": Engine(name="fp32"),
    "tf32": Engine(name="tf32", precision="tf32"),
    "bf16": Engine(name="bf16", precision="bf16", network_options=BF16),
}


def main() -> None:
    """Compare every recorded model in every precision of the device; exit 1 where one differs."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.parity", description=__doc__)
    parser.add_argument("--device", choices=["cpu", "cuda"], required=True)
    parser.add_argument("--output", type=Path, default=Path("results/benchmark/parity.json"))
    chosen = parser.parse_args()
    folder = Path(os.environ.get("REFERENCE_DIR", "reference"))
    models = sorted(folder.glob("model_*.npz"))
    if not models:
        print(f"parity: skipped; no recorded numbers in {folder} (set REFERENCE_DIR)")
        return
    device = torch.device(chosen.device)
    cells = [
        cell
        for precision in (TOLERANCES if chosen.device == "cuda" else ["fp32"])
        if not ENGINES[precision].missing()
        for path in models
        for cell in _compare(path, precision, device)
    ]
    for cell in cells:
        state = "agrees" if cell["agrees"] else "DIFFERS"
        print(
            f"parity: {cell['model']} {cell['precision']} {cell['what']}: {state}, "
            f"relative error {cell['error']:.1e}, allowed {cell['allowed']:.0e}"
        )
    write_json(chosen.output, {**describe(device), "parity": cells})
    if not all(cell["agrees"] for cell in cells):
        sys.exit(1)


def _compare(path: Path, precision: str, device: torch.device) -> Iterator[dict[str, Any]]:
    """Give the largest error of each kind of number recorded of a model."""
    (name,) = (task for task in ("prefix_sums", "mazes", "chess") if task in path.stem)
    with np.load(path, allow_pickle=False) as stored:
        recorded = {key: stored[key] for key in stored.files}
    engine, task = ENGINES[precision], load_task(name)
    network = _network(task, recorded).to(device)
    for key, value in engine.network_options.items():
        setattr(network, key, value)
    with multiplying(engine.precision, tuned=False):
        errors = {
            **_forward_errors(task, network, recorded),
            **_loss_errors(task, network, recorded),
        }
    for what, error in errors.items():
        allowed = TOLERANCES[precision][what.startswith("gradients")]
        yield {
            "model": path.stem,
            "precision": precision,
            "what": what,
            "error": error if np.isfinite(error) else None,
            "allowed": allowed,
            "agrees": bool(error <= allowed),
        }


def _network(task: Task, recorded: Recorded) -> RecallNetwork:
    weights = from_published(
        {
            key.removeprefix("weight/"): torch.from_numpy(value)
            for key, value in recorded.items()
            if key.startswith("weight/")
        }
    )
    network = RecallNetwork(
        dimensions=task.dimensions,
        channels=task.channels,
        width=len(weights["projection.weight"]),
        head=[len(weights["head.0.weight"]), len(weights["head.1.weight"])],
    )
    network.load_state_dict(weights)
    return network


def _batch(task: Task, network: RecallNetwork, recorded: Recorded) -> tuple[Tensor, Criterion]:
    """Give the recorded puzzles as the network takes them, and what their answers are."""
    device = network.projection.weight.device
    x = torch.from_numpy(recorded["input"]).to(device)
    half = task.encode(torch.zeros(1, dtype=torch.uint8))
    bits = (x - half.to(device)).to(torch.uint8)
    targets = torch.from_numpy(recorded["target"]).to(device).long()
    return x, Criterion(targets=targets, counted=task.counted(bits))


@torch.no_grad()
def _forward_errors(task: Task, network: RecallNetwork, recorded: Recorded) -> dict[str, float]:
    x, criterion = _batch(task, network, recorded)
    steps = recorded["logits"].shape[1]
    logits = [network.readout(state).float() for state in network.unroll(x, steps)]
    losses = torch.stack([criterion(one) for one in logits])
    return {
        "logits": _error(torch.stack(logits, 1), recorded["logits"]),
        "losses of the steps": _error(losses, recorded["loss_per_step"]),
    }


def _loss_errors(task: Task, network: RecallNetwork, recorded: Recorded) -> dict[str, float]:
    """Compare both losses and their gradients; of several n, k and alpha the worst."""
    x, criterion = _batch(task, network, recorded)
    steps = recorded["logits"].shape[1]
    outcome = make_loss("delta", steps=steps)(network, x, criterion)
    gradients = _gradients(task, network)
    wanted = {key: recorded[f"delta_grad/{key}"] for key in gradients}
    errors = {
        "delta": _error(outcome.loss, recorded["delta_loss"]),
        "gradients of delta": max(
            float(np.linalg.norm(gradients[key] - value) / np.linalg.norm(value))
            for key, value in wanted.items()
        ),
    }
    values, norms = [0.0], [0.0]
    for key in (one.rsplit("/", 1)[0] for one in recorded if one.endswith("/grad_norm")):
        alpha, n, k = (part.split("=")[1] for part in key.split("/")[1:])
        network.zero_grad()
        loss = make_loss("progressive", steps=steps, alpha=float(alpha))
        outcome = loss(network, x, criterion, int(n), int(k))
        values.append(_error(outcome.loss, recorded[f"{key}/loss"]))
        gradients = _gradients(task, network)
        got = np.array([np.linalg.norm(gradients[name]) for name in recorded["param_order"]])
        expected = recorded[f"{key}/grad_norm"]
        norms.append(float((np.abs(got - expected) / np.maximum(expected, 1e-30)).max()))
    return {**errors, "progressive": max(values), "gradients of progressive": max(norms)}


def _gradients(task: Task, network: RecallNetwork) -> dict[str, NDArray[Any]]:
    reached = {
        key: torch.zeros_like(value) if value.grad is None else value.grad
        for key, value in network.named_parameters()
    }
    published = to_published(reached, dimensions=task.dimensions)
    return {key: value.float().cpu().numpy() for key, value in published.items()}


def _error(ours: Tensor, recorded: NDArray[Any]) -> float:
    """Give the largest difference, relative to the largest recorded number."""
    difference = np.abs(ours.detach().float().cpu().numpy() - recorded).max()
    return float(difference / max(float(np.abs(recorded).max()), 1e-30))


if __name__ == "__main__":
    main()
