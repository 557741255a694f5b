"""One pass over a set of examples: to train on it, or to tell how many are right.

Shape letters: N examples, C channels, *S pixels, T reasoning steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

from deltaloss.batches import Batch, in_order
from deltaloss.errors import TrainingError
from deltaloss.inference import PreparedNetwork, fast_batch_size
from deltaloss.losses import Criterion, Loss
from deltaloss.network import RecallNetwork
from deltaloss.optimizers import clip_gradients
from deltaloss.tasks import Task
from deltaloss.training_state import Tally


def train_epoch(
    network: RecallNetwork,
    optimizer: torch.optim.Optimizer,
    loss: Loss,
    batches: Iterable[tuple[Batch, tuple[int, ...]]],
    *,
    task: Task,
    clip_norm: float | None,
    tally: Tally | None = None,
    held: Callable[[], AbstractContextManager[None]] = nullcontext,
    told: Callable[[], None] = lambda: None,
) -> tuple[Tensor, float]:
    """Train on each batch once.

    Args:
        network: is changed.
        optimizer: over the network's parameters, its rates set.
        loss: adds its gradients to the parameters.
        batches: each batch with what the loss drew for it.
        task: decodes the answers.
        clip_norm: largest total gradient norm; None for no clipping.
        tally: counts the batches; some of the epoch may be in it already.
        held: gives a section that nothing interrupts, in which a batch changes the weights.
        told: is called after each batch.

    Returns:
        Of each batch the loss and L(T), float [batches, 2], and the share of whole answers that
        were right after T steps, in percent, before each batch's own update.
    """
    tally = Tally() if tally is None else tally
    for batch, drawn in batches:
        criterion = make_criterion(task, batch)
        optimizer.zero_grad(set_to_none=True)
        outcome = loss(network, task.encode(batch.inputs), criterion, *drawn)
        norm = clip_gradients(network, clip_norm)
        right = task.correct(outcome.final_logits, batch.inputs, batch.targets).sum()
        losses = torch.stack([outcome.loss, outcome.final_loss])
        with held():
            optimizer.step()
            tally.add(losses, right, norm, seen=len(batch))
        told()
    return tally.batch_losses(), tally.accuracy_percent()


def make_criterion(task: Task, batch: Batch) -> Criterion:
    """Give what a batch's answers are compared with."""
    return Criterion(targets=batch.targets.long(), counted=task.counted(batch.inputs))


@torch.inference_mode()
def accuracy_percent(network: RecallNetwork, examples: Batch, *, task: Task, steps: int) -> float:
    """Share of the examples whose whole answer is right after `steps` steps, in percent."""
    prepared = PreparedNetwork(network)
    size = fast_batch_size(network, examples.targets[0].numel())
    right = [
        task.correct(prepared(task.encode(batch.inputs), steps), batch.inputs, batch.targets).sum()
        for batch in in_order(examples, size)
    ]
    return 100.0 * float(torch.stack(right).sum()) / len(examples)


def check_finite(batch_losses: Tensor, epoch: int) -> None:
    """Look at the losses once an epoch, so that a GPU need not wait for the host at each batch.

    Raises:
        TrainingError: one was not finite; names epoch, batch and the last good epoch.
    """
    broken = (~batch_losses.isfinite().all(1)).nonzero()
    if len(broken):
        last_good = f"last good epoch {epoch}" if epoch else "no epoch was finished before"
        raise TrainingError(
            f"the loss is not finite in epoch {epoch + 1}, batch {int(broken[0]) + 1} of "
            f"{len(batch_losses)}; {last_good}. Lower learning_rate or clip_norm, or train with "
            "another seed"
        )
