"""One training: epochs, validation, the weights of the best epoch, the history.

Shape letters: N examples, C channels, *S pixels, T reasoning steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from deltaloss.batches import Batch, shuffled
from deltaloss.checkpoints import snapshot
from deltaloss.clocks import Clocks
from deltaloss.epochs import accuracy_percent, check_finite, make_criterion, train_epoch
from deltaloss.losses import Criterion, Loss
from deltaloss.network import RecallNetwork
from deltaloss.optimizers import make_optimizer, set_learning_rate
from deltaloss.records import HISTORY_COLUMNS, Row
from deltaloss.resuming import Keeper, Unkept
from deltaloss.seeds import derive_seed
from deltaloss.settings import TrainingSettings
from deltaloss.tasks import Task
from deltaloss.training_state import Tally, TrainingState
from deltaloss.watchers import Watcher


@dataclass(kw_only=True)
class Trained:
    """A finished training: weights of the first epoch with the highest validation accuracy."""

    weights: dict[str, Tensor] = field(default_factory=dict)
    best_epoch: int = 0
    history: list[Row] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What a training does not need to compute.

    Attributes:
        keeper: keeps its state, and gives it back to one that goes on.
        watchers: are told how far it is.
    """

    keeper: Keeper = field(default_factory=Unkept)
    watchers: Sequence[Watcher] = ()


@runtime_checkable
class Prepared(Protocol):
    """A loss that has something to do once before its first batch, such as compiling."""

    def prepare(self, network: RecallNetwork, x: Tensor, criterion: Criterion) -> None:
        """Make ready for puzzles of this shape; weights stay, gradients may be left behind."""
        ...


def train(
    network: RecallNetwork,
    loss: Loss,
    train_set: Batch,
    validation_set: Batch,
    *,
    task: Task,
    settings: TrainingSettings,
    steps: int,
    seed: int,
    surroundings: Surroundings | None = None,
) -> Trained:
    """Train a network and keep the weights of its first best epoch on the validation set.

    Goes on from the state that the keeper has, if it has one: the end is the same as without a
    break, bit for bit where the device computes so.

    Raises:
        TrainingError: a loss was not finite; names epoch, batch and the last good epoch.
        SystemExit: the job was told to stop; the keeper has the state.
    """
    surroundings = surroundings or Surroundings()
    optimizer = make_optimizer(network, settings, steps=steps)
    training = _Training(
        network=network,
        optimizer=optimizer,
        loss=loss,
        train_set=train_set,
        validation_set=validation_set,
        task=task,
        settings=settings,
        steps=steps,
        seed=seed,
        surroundings=surroundings,
        state=surroundings.keeper.restore(network, optimizer) or TrainingState(),
    )
    with surroundings.keeper.guard(training.save):
        training.run()
    state = training.state
    return Trained(weights=state.best_weights, best_epoch=state.best_epoch, history=state.history)


@dataclass(kw_only=True)
class _Training:
    """One training under way; its state is whole wherever the keeper does not hold."""

    network: RecallNetwork
    optimizer: torch.optim.Optimizer
    loss: Loss
    train_set: Batch
    validation_set: Batch
    task: Task
    settings: TrainingSettings
    steps: int
    seed: int
    surroundings: Surroundings
    state: TrainingState
    clocks: Clocks = field(init=False)
    batches: int = field(init=False)  # of an epoch
    rate: float = field(init=False, default=0.0)  # of the present epoch

    def __post_init__(self) -> None:
        self.clocks = Clocks(self.train_set.inputs.device, self.state.seconds)
        self.batches = len(self.train_set) // self.settings.batch_size

    def run(self) -> None:
        """Train the epochs that are left."""
        with ExitStack() as watching:
            for watcher in self.surroundings.watchers:
                watching.callback(watcher.end)
                watcher.begin(
                    self.state.history,
                    done=self.state.epoch * self.batches + len(self.state.tally),
                    epochs=self.settings.epochs,
                    batches=self.batches,
                )
            self._prepare()
            self._train_epochs()

    def save(self) -> None:
        """Hand the present state to the keeper."""
        self.state.seconds = self.clocks.read()
        self.surroundings.keeper.save(self.network, self.optimizer, self.state)

    def _train_epochs(self) -> None:
        state, around = self.state, self.surroundings
        while state.epoch < self.settings.epochs:
            self.rate = set_learning_rate(self.optimizer, self.settings, state.epoch)
            self._train_epoch()
            with self.clocks.on("validation"):
                accuracy = accuracy_percent(
                    self.network, self.validation_set, task=self.task, steps=self.steps
                )
            with around.keeper.held():
                self._finish_epoch(accuracy)
            self.save()
            for watcher in around.watchers:
                watcher.epoch(state.history[-1])

    def _prepare(self) -> None:
        if isinstance(self.loss, Prepared) and self.state.epoch < self.settings.epochs:
            batch = self.train_set.take(slice(0, self.settings.batch_size))
            with self.clocks.on("compile"):
                inputs = self.task.encode(batch.inputs)
                self.loss.prepare(self.network, inputs, make_criterion(self.task, batch))

    def _train_epoch(self) -> None:
        """Train on the batches of the present epoch that are left."""
        tally = self.state.tally
        with self.clocks.on("train"):
            losses, _ = train_epoch(
                self.network,
                self.optimizer,
                self.loss,
                islice(self._with_draws(), len(tally), None),
                task=self.task,
                clip_norm=self.settings.clip_norm,
                tally=tally,
                held=self.surroundings.keeper.held,
                told=self._tell,
            )
        check_finite(losses, self.state.epoch)

    def _with_draws(self) -> Iterator[tuple[Batch, tuple[int, ...]]]:
        epoch = self.state.epoch
        stream = torch.Generator().manual_seed(derive_seed(self.seed, "loss", epoch))
        for batch in shuffled(
            self.train_set, self.settings.batch_size, seed=self.seed, epoch=epoch
        ):
            yield batch, self.loss.draw(stream)

    def _finish_epoch(self, accuracy: float) -> None:
        """Write the epoch's row, keep the weights if they are the best, and go to the next."""
        state = self.state
        if accuracy > state.best_accuracy:
            state.best_accuracy, state.best_epoch = accuracy, state.epoch + 1
            state.best_weights = snapshot(self.network)
        values = {
            "epoch": state.epoch + 1,
            "learning_rate": self.rate,
            "validation_accuracy_percent": accuracy,
            **state.tally.means(),
            **{f"{name}_seconds": seconds for name, seconds in self.clocks.read().items()},
        }
        state.history.append({name: values[name] for name in HISTORY_COLUMNS})
        state.epoch += 1
        state.tally = Tally()
        self.clocks.reset()

    def _tell(self) -> None:
        """Tell those watchers who want to know; reading the numbers waits for the device."""
        waiting = [watcher for watcher in self.surroundings.watchers if watcher.due()]
        if not waiting:
            return
        with self.clocks.on("pause"):
            state = self.state
            row: Row = {
                **(state.history[-1] if state.history else {}),
                **state.tally.means(),
                "epoch": state.epoch + 1,
                "learning_rate": self.rate,
            }
            for watcher in waiting:
                watcher.batch(row, len(state.tally))
