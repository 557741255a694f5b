"""Small trainings in this process, with stops at chosen places."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest
import torch

from deltaloss.config.settings import NetworkSettings, TrainingSettings
from deltaloss.core.log import StopFlag
from deltaloss.evaluation.batches import Batch, split_training
from deltaloss.losses.base import make_loss
from deltaloss.model.make import make_network
from deltaloss.puzzles.base import load_task
from deltaloss.runtime.checkpoints import Checkpointer
from deltaloss.training.loop import TrainingResult, train

TASK = load_task("prefix_sums")
NETWORK = NetworkSettings(width=8, head=(8, 4), recall_relu=True)
BATCHES = 6  # per epoch


def strings(count: int = 60, bits: int = 4) -> Batch:
    """Random bits and their prefix sums."""
    inputs = torch.randint(2, (count, 1, bits), generator=torch.Generator().manual_seed(1))
    return Batch(
        inputs=inputs.to(torch.uint8), targets=(inputs[:, 0].cumsum(1) % 2).to(torch.uint8)
    )


def split() -> tuple[Batch, Batch]:
    return split_training(strings(), fraction=0.2, seed=42)


def settings(**changes: Any) -> TrainingSettings:
    values: dict[str, Any] = {
        "optimizer": "adam",
        "learning_rate": 0.01,
        "milestones": (2,),
        "decay_factor": 0.1,
        "warmup_epochs": 0,
        "epochs": 3,
        "clip_norm": 1.0,
        "throttle": True,
        "batch_size": 8,
        "weight_decay": 0.001,
    }
    return TrainingSettings(**{**values, **changes})


def run(
    loss: Any = "progressive",
    *,
    task: Any = TASK,
    seed: int = 3,
    around: Any = None,
    **changes: Any,
) -> TrainingResult:
    """Train; `around` has further arguments of `train`, `changes` are of the settings."""
    if isinstance(loss, str):
        loss = make_loss(loss, steps=3, value=0.5 if loss == "progressive" else None)
    return train(
        make_network(TASK, NETWORK, seed=seed),
        loss,
        *split(),
        task=task,
        settings=settings(**changes),
        steps=3,
        seed=seed,
        **(around or {}),
    )


def checkpointer(folder: Any) -> Checkpointer:
    return Checkpointer(folder, identity={"settings": "of the tests"})


def resume(folder: Any, *, callbacks: Any = (), **arguments: Any) -> TrainingResult:
    with checkpointer(folder) as saved:
        return run(around={"checkpointer": saved, "callbacks": callbacks}, **arguments)


def stop(folder: Any, *, callbacks: Any = (), **arguments: Any) -> None:
    """Train until something sends SIGTERM."""
    around: dict[str, Any] = {"callbacks": callbacks}
    with pytest.raises(SystemExit) as left, StopFlag() as flag, checkpointer(folder) as saved:
        run(around={**around, "checkpointer": saved, "stop": flag}, **arguments)
    assert left.value.code == 128 + signal.SIGTERM


def names(folder: Any) -> list[str]:
    """Names of the checkpoints, the oldest first."""
    return sorted(path.stem for path in folder.glob("*.state"))


def assert_same(one: TrainingResult, other: TrainingResult) -> None:
    """Compare weights bit for bit, and histories apart from their clocks."""
    assert without_clocks(one) == without_clocks(other)
    assert one.best_epoch == other.best_epoch
    assert all(torch.equal(value, other.weights[name]) for name, value in one.weights.items())


def without_clocks(result: TrainingResult) -> list[dict[str, float]]:
    return [
        {name: value for name, value in row.items() if not name.endswith("_seconds")}
        for row in result.history
    ]


class StoppingLoss:
    """A loss that sends SIGTERM in the middle of its nth batch."""

    def __init__(self, number: int) -> None:
        self.plain, self.left = make_loss("progressive", steps=3, value=0.5), number

    def draw(self, generator: torch.Generator) -> tuple[int, ...]:
        return self.plain.draw(generator)

    def __call__(self, *arguments: Any) -> Any:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGTERM)
        return self.plain(*arguments)


class StoppingTask:
    """A puzzle that sends SIGTERM when it decodes answers for the nth time."""

    def __init__(self, number: int) -> None:
        self.left = number

    def __getattr__(self, name: str) -> Any:
        return getattr(TASK, name)

    def correct(self, *arguments: Any) -> Any:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGTERM)
        return TASK.correct(*arguments)
