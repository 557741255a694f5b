"""Recording of a network's answers to a few examples, to watch how it finds them.

Shape letters: F recorded steps, E examples, *S pixels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from deltaloss.evaluation.batch_size import padded
from deltaloss.evaluation.batches import Batch
from deltaloss.evaluation.thinking import Recording
from deltaloss.model.network import RecallNetwork
from deltaloss.puzzles.base import Task


@torch.inference_mode()
def record_answers(
    network: RecallNetwork,
    examples: Batch,
    *,
    task: Task,
    numbers: Sequence[int],
    steps: Sequence[int],
) -> Recording:
    """Run a network on a few examples and keep the answers after some steps.

    Right and wrong are as in `evaluation.loop.evaluate`.

    Args:
        network: decides the device.
        examples: the whole test set, on the host.
        task: decodes the answers.
        numbers: examples to record, from 0.
        steps: to record, ascending, from 1.
    """
    chosen = examples.take(torch.tensor(numbers))
    rows = padded(chosen, network).to(network.recall.weight.device)
    finite = torch.ones(len(rows), dtype=torch.bool, device=rows.inputs.device)
    answers, correct = [], []
    for step, state in enumerate(network.unroll(task.encode(rows.inputs), steps[-1])):
        if step == 0:
            continue
        finite &= state.amax((1, 2, 3)).isfinite()
        if step in steps:
            logits = network.readout(state)
            right = task.correct(logits, rows.inputs, rows.targets) & finite
            answers.append(task.answer(logits, rows.inputs)[: len(chosen)].cpu().numpy())
            correct.append(right[: len(chosen)].cpu().numpy())
    return Recording(
        steps=np.array(steps, dtype=np.int64),
        examples=np.array(numbers, dtype=np.int64),
        answers=np.stack(answers),
        correct=np.stack(correct),
        inputs=chosen.inputs.numpy(),
        targets=chosen.targets.numpy(),
    )
