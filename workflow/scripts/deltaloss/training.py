"""One training: epochs, validation, the weights of the best epoch, the history.

Shape letters: N examples, C channels, *S pixels, T reasoning steps.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from deltaloss.batches import Batch, in_order, shuffled
from deltaloss.checkpoints import snapshot
from deltaloss.devices import synchronise
from deltaloss.errors import TrainingError
from deltaloss.losses import Criterion, Loss
from deltaloss.network import RecallNetwork
from deltaloss.records import HISTORY_COLUMNS
from deltaloss.schedules import learning_rate_factor
from deltaloss.seeds import derive_seed
from deltaloss.settings import TrainingSettings
from deltaloss.tasks import Task

SGD_MOMENTUM = 0.9
VALIDATION_BATCH = 500  # changes no result, only memory and speed

Row = dict[str, float]  # one epoch of a history
Progress = Callable[[Row], None]


@dataclass(kw_only=True)
class Trained:
    """A finished training: weights of the first epoch with the highest validation accuracy."""

    weights: dict[str, Tensor] = field(default_factory=dict)
    best_epoch: int = 0
    history: list[Row] = field(default_factory=list)


def make_optimizer(
    network: RecallNetwork, settings: TrainingSettings, *, steps: int
) -> torch.optim.Optimizer:
    """Make the optimizer; with `throttle` the recurrent part is a group at 1/T of the rate."""
    recurrent = network.recurrent_parameters()
    others = [p for p in network.parameters() if all(p is not r for r in recurrent)]
    rate = settings.learning_rate
    groups = [
        {"params": others, "lr": rate},
        {"params": recurrent, "lr": rate / steps if settings.throttle else rate},
    ]
    for group in groups:
        group["base_rate"] = group["lr"]
    if settings.optimizer == "sgd":
        return torch.optim.SGD(groups, momentum=SGD_MOMENTUM, weight_decay=settings.weight_decay)
    return torch.optim.Adam(groups, weight_decay=settings.weight_decay, foreach=True)


def set_learning_rate(
    optimizer: torch.optim.Optimizer, settings: TrainingSettings, epoch: int
) -> float:
    """Set every group's rate for `epoch`, from 0, and give that of the part that is not slowed."""
    factor = learning_rate_factor(
        epoch,
        warmup_epochs=settings.warmup_epochs,
        milestones=settings.milestones,
        decay_factor=settings.decay_factor,
    )
    for group in optimizer.param_groups:
        group["lr"] = group["base_rate"] * factor
    return settings.learning_rate * factor


def train_epoch(
    network: RecallNetwork,
    optimizer: torch.optim.Optimizer,
    loss: Loss,
    batches: Iterable[tuple[Batch, tuple[int, ...]]],
    *,
    task: Task,
    clip_norm: float | None,
) -> tuple[Tensor, float]:
    """Train on each batch once.

    Args:
        network: is changed.
        optimizer: over the network's parameters, its rates set.
        loss: adds its gradients to the parameters.
        batches: each batch with what the loss drew for it.
        task: decodes the answers.
        clip_norm: largest total gradient norm; None for no clipping.

    Returns:
        Of each batch the loss and L(T), float [batches, 2], and the share of whole answers that
        were right after T steps, in percent, before each batch's own update.
    """
    losses, right, seen = [], [], 0
    for batch, drawn in batches:
        criterion = Criterion(targets=batch.targets.long(), counted=task.counted(batch.inputs))
        optimizer.zero_grad(set_to_none=True)
        outcome = loss(network, task.encode(batch.inputs), criterion, *drawn)
        if clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(network.parameters(), clip_norm)
        optimizer.step()
        losses.append(torch.stack([outcome.loss, outcome.final_loss]))
        right.append(task.correct(outcome.final_logits, batch.inputs, batch.targets).sum())
        seen += len(batch)
    return torch.stack(losses), 100.0 * float(torch.stack(right).sum()) / seen


@torch.inference_mode()
def accuracy_percent(network: RecallNetwork, examples: Batch, *, task: Task, steps: int) -> float:
    """Share of the examples whose whole answer is right after `steps` steps, in percent."""
    right = [
        task.correct(network(task.encode(batch.inputs), steps), batch.inputs, batch.targets).sum()
        for batch in in_order(examples, VALIDATION_BATCH)
    ]
    return 100.0 * float(torch.stack(right).sum()) / len(examples)


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
    progress: Progress = lambda row: None,
) -> Trained:
    """Train a network and keep the weights of its first best epoch on the validation set.

    Raises:
        TrainingError: a loss was not finite; names epoch, batch and the last good epoch.
    """
    optimizer = make_optimizer(network, settings, steps=steps)
    device = train_set.inputs.device
    trained, best = Trained(), -1.0
    for epoch in range(settings.epochs):
        rate = set_learning_rate(optimizer, settings, epoch)
        started = time.perf_counter()
        batch_losses, train_accuracy = train_epoch(
            network,
            optimizer,
            loss,
            _with_draws(loss, train_set, settings.batch_size, seed=seed, epoch=epoch),
            task=task,
            clip_norm=settings.clip_norm,
        )
        synchronise(device)
        between = time.perf_counter()
        _check_finite(batch_losses, epoch)
        accuracy = accuracy_percent(network, validation_set, task=task, steps=steps)
        ended = time.perf_counter()
        if accuracy > best:
            best, trained.best_epoch, trained.weights = accuracy, epoch + 1, snapshot(network)
        means = batch_losses.mean(0).tolist()
        times = (between - started, ended - between)
        values = (epoch + 1, rate, *means, train_accuracy, accuracy, *times)
        row = dict(zip(HISTORY_COLUMNS, values, strict=True))
        trained.history.append(row)
        progress(row)
    return trained


def _with_draws(
    loss: Loss, examples: Batch, batch_size: int, *, seed: int, epoch: int
) -> Iterator[tuple[Batch, tuple[int, ...]]]:
    stream = torch.Generator().manual_seed(derive_seed(seed, "loss", epoch))
    for batch in shuffled(examples, batch_size, seed=seed, epoch=epoch):
        yield batch, loss.draw(stream)


def _check_finite(batch_losses: Tensor, epoch: int) -> None:
    """Look at the losses once an epoch, so that a GPU need not wait for the host at each batch."""
    broken = (~batch_losses.isfinite().all(1)).nonzero()
    if len(broken):
        last_good = f"last good epoch {epoch}" if epoch else "no epoch was finished before"
        raise TrainingError(
            f"the loss is not finite in epoch {epoch + 1}, batch {int(broken[0]) + 1} of "
            f"{len(batch_losses)}; {last_good}. Lower learning_rate or clip_norm, or train with "
            "another seed"
        )
