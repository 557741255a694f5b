"""Evaluation at every step from 1 up: one bit an example and step is kept, never the outputs.

Shape letters: N examples, T steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch

from deltaloss.batches import Batch, in_order
from deltaloss.network import RecallNetwork
from deltaloss.records import Evaluation
from deltaloss.tasks import Task


@torch.inference_mode()
def evaluate(
    network: RecallNetwork,
    examples: Batch,
    *,
    task: Task,
    steps: int,
    batch_size: int,
    provenance: Mapping[str, object],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Evaluation:
    """Tell for each example and step whether the whole answer is right.

    An example whose state is no longer finite counts as wrong from that step on, even if a later
    readout happens to be right.

    Args:
        network: on the examples' device.
        examples: the test set.
        task: decodes the answers.
        steps: T, the last step evaluated.
        batch_size: examples at a time; changes memory and speed only.
        provenance: is kept with the result.
        progress: is told how many examples are done, of how many.
    """
    count = len(examples)
    correct = np.zeros((steps, count), dtype=np.bool_)
    nonfinite_step = np.zeros(count, dtype=np.int32)
    done = 0
    for batch in in_order(examples, batch_size):
        rows = slice(done, done + len(batch))
        bits, first_lost = _evaluate_batch(network, batch, task, steps)
        correct[:, rows] = bits.cpu().numpy()
        nonfinite_step[rows] = first_lost.cpu().numpy()
        done += len(batch)
        progress(done, count)
    return Evaluation(correct=correct, nonfinite_step=nonfinite_step, provenance=provenance)


def _evaluate_batch(
    network: RecallNetwork, batch: Batch, task: Task, steps: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Give the right answers, bool [T, N], and the first step that is not finite (0: none)."""
    device = batch.inputs.device
    correct = torch.zeros(steps, len(batch), dtype=torch.bool, device=device)
    nonfinite_step = torch.zeros(len(batch), dtype=torch.int32, device=device)
    finite = torch.ones(len(batch), dtype=torch.bool, device=device)
    for index, state in enumerate(network.unroll(task.encode(batch.inputs), steps)):
        still_finite = finite & state.isfinite().flatten(1).all(1)
        nonfinite_step[finite & ~still_finite] = index + 1
        finite = still_finite
        logits = network.readout(state)
        correct[index] = task.correct(logits, batch.inputs, batch.targets) & finite
    return correct, nonfinite_step
