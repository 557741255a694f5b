"""Small trainings that are kept and stopped, for tests."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from deltaloss.batches import Batch, split_training
from deltaloss.checkpoint_folder import (
    CheckpointFolder,
    hold_folder,
)
from deltaloss.interruption import Interrupted
from deltaloss.losses import make_loss
from deltaloss.network import make_network
from deltaloss.resuming import Checkpoints
from deltaloss.settings import NetworkSettings, TrainingSettings
from deltaloss.tasks import load_task
from deltaloss.training import Surroundings, Trained, train
from deltaloss.watchers import Watcher

TASK = load_task("prefix_sums")
NETWORK = NetworkSettings(width=8, head=(8, 4), recall_relu=True)
IDENTITY = {"settings": {"training": {"epochs": 3}, "code": "abc"}, "data_digest": "d"}
MACHINE = {"device": "cpu (x)", "torch": "2", "threads": 1, "python": "3"}
BATCHES = 6


class StopAt(Watcher):
    """Sends a signal after a batch: at `due` the state is whole, and nothing is held."""

    def __init__(self, number: int) -> None:
        self.left = number

    def due(self) -> bool:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGTERM)
        return False


class StoppingLoss:
    """A loss that gets a signal within its batch, its gradients half made."""

    def __init__(self, number: int) -> None:
        self.plain, self.left = make_loss("progressive", steps=3, alpha=0.5), number

    def draw(self, generator: torch.Generator) -> tuple[int, ...]:
        return self.plain.draw(generator)

    def __call__(self, *arguments: Any) -> Any:
        outcome = self.plain(*arguments)
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGTERM)
        return outcome


def run(
    keeper: Checkpoints | None = None,
    *,
    optimizer: str = "adam",
    loss: Any = None,
    watchers: tuple[Watcher, ...] = (),
    task: Any = TASK,
) -> Trained:
    inputs = torch.randint(2, (60, 1, 4), generator=torch.Generator().manual_seed(1))
    examples = Batch(
        inputs=inputs.to(torch.uint8), targets=(inputs[:, 0].cumsum(1) % 2).to(torch.uint8)
    )
    train_set, validation_set = split_training(examples, fraction=0.2, seed=42)
    kept = {} if keeper is None else {"keeper": keeper}
    return train(
        make_network(TASK, NETWORK, seed=3),
        loss or make_loss("progressive", steps=3, alpha=0.5),
        train_set,
        validation_set,
        task=task,
        settings=TrainingSettings(
            optimizer=optimizer,
            learning_rate=0.01,
            milestones=(2,),
            decay_factor=0.1,
            warmup_epochs=0,
            epochs=3,
            clip_norm=None if optimizer == "sgd" else 1.0,
            throttle=False,
            batch_size=8,
            weight_decay=0.001,
        ),
        steps=3,
        seed=3,
        surroundings=Surroundings(**kept, watchers=watchers),
    )


def keep(folder: CheckpointFolder, identity: Any = IDENTITY, machine: Any = MACHINE) -> Checkpoints:
    return Checkpoints(folder, identity=identity, machine=machine)


def without_clocks(trained: Trained) -> list[dict[str, float]]:
    return [
        {name: value for name, value in row.items() if not name.endswith("_seconds")}
        for row in trained.history
    ]


def assert_same(one: Trained, other: Trained) -> None:
    assert without_clocks(one) == without_clocks(other)
    assert one.best_epoch == other.best_epoch
    assert all(torch.equal(value, other.weights[name]) for name, value in one.weights.items())


@pytest.fixture
def folder(tmp_path: Path) -> Any:
    with hold_folder(tmp_path / "checkpoints") as held:
        yield held


def names(folder: CheckpointFolder) -> list[str]:
    return sorted(path.name for path in folder.path.glob("epoch-*"))


def stop(folder: CheckpointFolder, **where: Any) -> None:
    with pytest.raises(Interrupted) as stopped:
        run(keep(folder), **where)
    assert stopped.value.code == 143
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


class StoppingTask:
    """A puzzle that sends a signal when it is asked how many are right for the nth time."""

    def __init__(self, number: int) -> None:
        self.left = number

    def __getattr__(self, name: str) -> Any:
        return getattr(TASK, name)

    def correct(self, *arguments: Any) -> Any:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGTERM)
        return TASK.correct(*arguments)


class StopInDestructor(Watcher):
    """Sends a signal after the first batch where an exception is printed and forgotten."""

    class Doomed:
        def __del__(self) -> None:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0)

    def __init__(self) -> None:
        self.doomed: object = self.Doomed()

    def due(self) -> bool:
        self.doomed = None
        return False


class Dawdler(Watcher):
    """Takes its time after the third batch."""

    def __init__(self) -> None:
        self.batches = 0

    def due(self) -> bool:
        self.batches += 1
        return self.batches == 3

    def batch(self, row: dict[str, float], batch: int) -> None:
        assert (row["epoch"], batch) == (1, 3)
        time.sleep(0.25)
