"""One training: epochs, validation, selection of weights, checkpoints.

Shape letters: N examples, C channels, *S pixels, T reasoning steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice

import torch
from torch import Tensor

from deltaloss.config.settings import TrainingSettings
from deltaloss.core.log import StopFlag, logger
from deltaloss.core.seeds import derive_seed
from deltaloss.evaluation.batches import Batch, shuffled
from deltaloss.evaluation.loop import accuracy_percent
from deltaloss.losses.base import Criterion, Loss
from deltaloss.model.network import RecallNetwork
from deltaloss.puzzles.base import Task
from deltaloss.runtime.callbacks import Callback
from deltaloss.runtime.checkpoints import Checkpointer
from deltaloss.training.history import HISTORY_COLUMNS, Row
from deltaloss.training.optimizer import clip_gradients, make_optimizer, set_learning_rate
from deltaloss.training.state import Clock, EpochMetrics, TrainingState, is_finite

PERFECT_PERCENT = 100.0


@dataclass(frozen=True, kw_only=True)
class TrainingResult:
    """A finished training.

    Attributes:
        weights: of the selected epoch.
        last_weights: of the last epoch.
        best_epoch: the selected epoch, from 1.
        history: one row per epoch, by `HISTORY_COLUMNS`.
    """

    weights: dict[str, Tensor]
    last_weights: dict[str, Tensor]
    best_epoch: int
    history: list[Row]


def train(  # noqa: PLR0913 - all but the first four are keywords with a meaning of their own
    network: RecallNetwork,
    loss: Loss,
    train_set: Batch,
    validation_set: Batch,
    *,
    task: Task,
    settings: TrainingSettings,
    steps: int,
    seed: int,
    select: str = "first_best",
    stop_at_perfect_validation: bool = False,
    checkpointer: Checkpointer | None = None,
    callbacks: Sequence[Callback] = (),
    stop: StopFlag | None = None,
) -> TrainingResult:
    """Train a network, resuming from the checkpointer's state if it has one.

    A resumed training ends as an uninterrupted one, bit for bit where the device is deterministic.
    Once weights are not finite, no later epoch is trained, for no update could change them; the
    selected weights are those of the best epoch so far.

    Args:
        network: on the device of both sets; its weights change.
        loss: adds its gradient to the parameters.
        train_set: an incomplete last batch of each epoch is dropped.
        validation_set: decides which weights are selected.
        task: encodes puzzles and decodes answers.
        settings: of the optimizer and the epochs (table 3).
        steps: T, reasoning steps.
        seed: of the shuffling and the loss's random numbers.
        select: "first_best" selects the first epoch with the highest validation accuracy, "last"
            the last one.
        stop_at_perfect_validation: whether to end after the first epoch whose validation accuracy
            is 100 %: with "first_best", no later epoch can be selected.
        checkpointer: saves after each epoch and on a stop.
        callbacks: report.
        stop: read between batches.

    Raises:
        SystemExit: `stop` was requested.
    """
    training = _Training(
        network=network,
        optimizer=make_optimizer(network, settings, steps=steps),
        loss=loss,
        train_set=train_set,
        validation_set=validation_set,
        task=task,
        settings=settings,
        steps=steps,
        seed=seed,
        select=select,
        stop_at_perfect_validation=stop_at_perfect_validation,
        checkpointer=checkpointer,
        callbacks=callbacks,
        stop=stop,
    )
    training.run()
    state = training.state
    return TrainingResult(
        weights=state.best_weights,
        last_weights=network.state_dict(),
        best_epoch=state.best_epoch,
        history=state.history,
    )


def train_epoch(
    network: RecallNetwork,
    optimizer: torch.optim.Optimizer,
    loss: Loss,
    batches: Iterable[tuple[Batch, tuple[int, ...]]],
    *,
    task: Task,
    clip_norm: float | None,
    metrics: EpochMetrics | None = None,
    after_batch: Callable[[], None] = lambda: None,
) -> EpochMetrics:
    """Update the network once per batch.

    Args:
        network: its weights change.
        optimizer: over the network's parameters, its rates set.
        loss: adds its gradient to the parameters.
        batches: each with the random numbers that the loss drew for it.
        task: encodes puzzles and decodes answers.
        clip_norm: largest total gradient norm; None for no clipping.
        metrics: of earlier batches of the epoch, to add to.
        after_batch: called after each update.
    """
    metrics = EpochMetrics() if metrics is None else metrics
    for batch, drawn in batches:
        criterion = Criterion(targets=batch.targets.long(), counted=task.counted(batch.inputs))
        optimizer.zero_grad(set_to_none=True)
        outcome = loss(network, task.encode(batch.inputs), criterion, *drawn)
        gradient_norm = clip_gradients(network, clip_norm)
        optimizer.step()
        correct = task.correct(outcome.final_logits, batch.inputs, batch.targets)
        metrics.add(outcome, correct, gradient_norm)
        after_batch()
    return metrics


@dataclass(kw_only=True)
class _Training:
    """A training in progress; its attributes are the arguments of `train`."""

    network: RecallNetwork
    optimizer: torch.optim.Optimizer
    loss: Loss
    train_set: Batch
    validation_set: Batch
    task: Task
    settings: TrainingSettings
    steps: int
    seed: int
    select: str
    stop_at_perfect_validation: bool
    checkpointer: Checkpointer | None
    callbacks: Sequence[Callback]
    stop: StopFlag | None
    state: TrainingState = field(init=False)
    batches: int = field(init=False)  # per epoch
    rate: float = field(init=False, default=0.0)  # of the present epoch

    def __post_init__(self) -> None:
        self.batches = len(self.train_set) // self.settings.batch_size
        stored = self.checkpointer.load() if self.checkpointer else None
        if stored is None:
            self.state = TrainingState(clock=Clock(self.train_set.inputs.device))
            return
        self.state = TrainingState.from_dict(stored, self.network, self.optimizer)
        logger.info("resuming at epoch %d, batch %d", *self._place())

    def run(self) -> None:
        """Train the epochs that are left."""
        state = self.state
        done = state.epoch * self.batches + len(state.metrics)
        with ExitStack() as ending:
            for callback in self.callbacks:
                callback.on_start(
                    state.history, done=done, epochs=self.settings.epochs, batches=self.batches
                )
                ending.callback(callback.on_end)
            while not self._is_finished():
                self._run_epoch()
        if not is_finite(self.network):
            logger.warning("not finite after epoch %d: no later one is trained", state.epoch)
        elif state.epoch < self.settings.epochs:
            logger.info("perfect on validation: no epoch after %d is trained", state.epoch)

    def _is_finished(self) -> bool:
        perfect = self.state.best_accuracy == PERFECT_PERCENT
        return (
            self.state.epoch >= self.settings.epochs
            or (self.stop_at_perfect_validation and perfect)
            or not is_finite(self.network)  # which no update changes
        )

    def _run_epoch(self) -> None:
        """Train, validate, save and report one epoch, or what is left of it."""
        state = self.state
        self.rate = set_learning_rate(self.optimizer, self.settings, state.epoch)
        state.clock.switch("train")
        train_epoch(
            self.network,
            self.optimizer,
            self.loss,
            islice(self._draw_batches(), len(state.metrics), None),
            task=self.task,
            clip_norm=self.settings.clip_norm,
            metrics=state.metrics,
            after_batch=self._after_batch,
        )
        state.clock.switch("validation")
        accuracy = accuracy_percent(
            self.network, self.validation_set, task=self.task, steps=self.steps
        )
        state.clock.switch("pause")
        self._finish_epoch(accuracy)
        self._save()
        for callback in self.callbacks:
            callback.on_epoch(state.history[-1])
        if not self._is_finished():
            self._leave_if_requested()

    def _draw_batches(self) -> Iterator[tuple[Batch, tuple[int, ...]]]:
        """Yield the epoch's batches, each with the loss's random numbers."""
        epoch = self.state.epoch
        stream = torch.Generator().manual_seed(derive_seed(self.seed, "loss", epoch))
        for batch in shuffled(
            self.train_set, self.settings.batch_size, seed=self.seed, epoch=epoch
        ):
            yield batch, self.loss.draw(stream)

    def _after_batch(self) -> None:
        """Call the callbacks that are due (reading metrics waits for the device), then stop."""
        state, batch = self.state, len(self.state.metrics)
        due = [one for one in self.callbacks if one.due()] if batch < self.batches else []
        if due:
            state.clock.switch("pause")
            row = {
                **(state.history[-1] if state.history else {}),
                **state.metrics.means(),
                "epoch": state.epoch + 1,
                "learning_rate": self.rate,
            }
            for callback in due:
                callback.on_batch(row, batch)
            state.clock.switch("train")
        self._leave_if_requested()

    def _finish_epoch(self, accuracy: float) -> None:
        """Append the epoch's row to the history and select its weights if they are better."""
        state = self.state
        if self.select == "last" or accuracy > state.best_accuracy:
            state.best_accuracy, state.best_epoch = accuracy, state.epoch + 1
            weights = self.network.state_dict()
            state.best_weights = {name: weight.clone() for name, weight in weights.items()}
        values = {
            "epoch": state.epoch + 1,
            "learning_rate": self.rate,
            "validation_accuracy_percent": accuracy,
            **state.metrics.means(),
            **{f"{name}_seconds": seconds for name, seconds in state.clock.seconds.items()},
        }
        state.history.append({name: values[name] for name in HISTORY_COLUMNS})
        state.epoch += 1
        state.metrics = EpochMetrics()
        state.clock.start_epoch()

    def _leave_if_requested(self) -> None:
        if self.stop is None or not self.stop.requested:
            return
        self.state.clock.switch("pause")
        saved = "saved" if self._save() else "not saved"
        logger.info("told to stop: %s at epoch %d, batch %d", saved, *self._place())
        self.stop.leave()

    def _save(self) -> bool:
        if self.checkpointer is None:
            return False
        state = self.state
        name = f"epoch-{state.epoch:06d}-batch-{len(state.metrics):08d}"
        return self.checkpointer.save(state.to_dict(self.network, self.optimizer), name=name)

    def _place(self) -> tuple[int, int]:
        """Present epoch, from 1, and number of its finished batches."""
        return self.state.epoch + 1, len(self.state.metrics)
