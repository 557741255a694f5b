"""Evaluation after every step from 1 up: one bit per example and step is kept, no outputs.

Shape letters: N examples, B examples of a batch, T steps, W width; a state is [B, W, H, L].
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray

from deltaloss.core.errors import MemoryShortageError
from deltaloss.core.log import StopFlag, logger
from deltaloss.core.progress import Progress
from deltaloss.evaluation.answers import Answers
from deltaloss.evaluation.batch_size import fast_batch_size, padded
from deltaloss.evaluation.batches import Batch, in_order
from deltaloss.model.network import RecallNetwork
from deltaloss.puzzles.base import Task
from deltaloss.runtime.checkpoints import Checkpointer
from deltaloss.runtime.memory import is_shortage

SAVE_SECONDS = 60.0


def evaluate(
    network: RecallNetwork,
    examples: Batch,
    *,
    task: Task,
    steps: int,
    batch_size: int,
    provenance: Mapping[str, object] | None = None,
    show_progress: bool = False,
    checkpointer: Checkpointer | None = None,
    stop: StopFlag | None = None,
) -> Answers:
    """Find for each example and step whether the whole answer is right.

    An example whose state is not finite counts as wrong from that step on, even if a later
    readout happens to be right.

    Args:
        network: decides the device.
        examples: the test set, on the host.
        task: decodes the answers.
        steps: T, the last step evaluated.
        batch_size: examples per batch; halved when memory is short. On the CPU it changes memory
            and speed, no bit.
        provenance: is stored with the answers.
        show_progress: whether to report the steps of examples done, `steps` times N in all.
        checkpointer: saves the finished batches once a minute and on a stop; a later call resumes.
        stop: read after every step.

    Raises:
        MemoryShortageError: memory is too short for one example.
        SystemExit: `stop` was requested; finished batches are saved.
    """
    done = _Done.load(checkpointer, steps=steps, count=len(examples))
    unit, before = "steps of examples", done.count * steps
    progress = Progress(len(examples) * steps, unit=unit, done=before) if show_progress else None

    def on_step(step: int, size: int) -> None:
        if step < steps:  # a finished batch is kept first
            _leave_if_requested(stop, done, checkpointer)
        if progress is not None and progress.due():
            progress.update(done.count * steps + step * size, f"{done.count} examples done")

    while done.count < len(examples):
        batch = examples.take(slice(done.count, done.count + batch_size))
        answered = None
        try:
            answered = _evaluate_batch(network, batch, task, steps, on_step)
        except (RuntimeError, MemoryError) as error:
            if not is_shortage(error):
                raise
        if answered is None:  # outside of the handler, whose error holds the batch's memory
            batch_size = _halved(len(batch))
            continue
        done.add(*answered)
        if time.monotonic() - done.saved >= SAVE_SECONDS:
            done.save(checkpointer)
        _leave_if_requested(stop, done, checkpointer)
    if progress is not None:
        progress.update(len(examples) * steps, f"{len(examples)} examples done")
        progress.close()
    return Answers(
        correct=done.correct, nonfinite_step=done.nonfinite_step, provenance=provenance or {}
    )


@torch.inference_mode()
def accuracy_percent(network: RecallNetwork, examples: Batch, *, task: Task, steps: int) -> float:
    """Percentage of the examples whose whole answer is right, and finite, after `steps` steps."""
    right = []
    for batch in in_order(examples, fast_batch_size(network, examples.targets[0].numel())):
        rows = padded(batch, network)
        logits = network(task.encode(rows.inputs), steps)
        correct = task.correct(logits, rows.inputs, rows.targets)
        finite = logits.flatten(1).isfinite().all(1)
        right.append((correct & finite)[: len(batch)].sum())
    return 100.0 * float(torch.stack(right).sum()) / len(examples)


@torch.inference_mode()
def _evaluate_batch(
    network: RecallNetwork,
    batch: Batch,
    task: Task,
    steps: int,
    on_step: Callable[[int, int], None],
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether each answer is right and each state finite, bool [T, B]; one host read per batch."""
    rows = padded(batch, network).to(network.recall.weight.device)
    flags = torch.empty(2, steps, len(rows), dtype=torch.bool, device=rows.inputs.device)
    states = islice(network.unroll(task.encode(rows.inputs), steps), 1, None)
    for step, state in enumerate(states):
        flags[0, step] = task.correct(network.readout(state), rows.inputs, rows.targets)
        # The largest number is enough: a state is behind a ReLU, and NaN wins.
        flags[1, step] = state.amax((1, 2, 3)).isfinite()
        on_step(step + 1, len(batch))
    right, finite = flags[:, :, : len(batch)].cpu().numpy()
    return right, finite


@dataclass(kw_only=True)
class _Done:
    """Answers of the first `count` examples."""

    count: int
    correct: NDArray[np.bool_]  # [T, N]
    nonfinite_step: NDArray[np.int32]  # [N]
    saved: float = field(default_factory=time.monotonic)

    @classmethod
    def load(cls, checkpointer: Checkpointer | None, *, steps: int, count: int) -> _Done:
        """Read the saved answers, or start with none."""
        done = cls(
            count=0,
            correct=np.zeros((steps, count), dtype=np.bool_),
            nonfinite_step=np.zeros(count, dtype=np.int32),
        )
        state = checkpointer.load() if checkpointer is not None else None
        if state is not None:
            done.count = state["count"]
            bits = np.unpackbits(state["correct"].numpy(), axis=1, count=count)
            done.correct = bits.astype(np.bool_)
            done.nonfinite_step = state["nonfinite_step"].numpy()
            logger.info("resuming: %d of %d examples are done", done.count, count)
        return done

    def save(self, checkpointer: Checkpointer | None) -> None:
        """Save what is done."""
        if checkpointer is not None:
            state = {
                "count": self.count,
                "correct": torch.from_numpy(np.packbits(self.correct, axis=1)),
                "nonfinite_step": torch.from_numpy(self.nonfinite_step),
            }
            checkpointer.save(state, name=f"{self.count:09d}")
        self.saved = time.monotonic()

    def add(self, right: NDArray[np.bool_], finite: NDArray[np.bool_]) -> None:
        """Append a batch, bool [T, B]."""
        here = slice(self.count, self.count + right.shape[1])
        finite = np.logical_and.accumulate(finite, axis=0)
        self.correct[:, here] = right & finite
        first = finite.sum(axis=0) + 1
        self.nonfinite_step[here] = np.where(first > len(finite), 0, first)
        self.count = here.stop


def _leave_if_requested(
    stop: StopFlag | None, done: _Done, checkpointer: Checkpointer | None
) -> None:
    """Save and leave when a stop is requested, but not when all is done."""
    if stop is not None and stop.requested and done.count < done.correct.shape[1]:
        done.save(checkpointer)
        logger.info("told to stop: %d of %d examples are done", done.count, done.correct.shape[1])
        stop.leave()


def _halved(batch_size: int) -> int:
    """Half the batch size, for a device that is short of memory."""
    if batch_size == 1:
        raise MemoryShortageError(
            "there is not enough memory for one example at a time; evaluate on a machine with "
            "more, smaller puzzles, or a narrower network"
        )
    logger.info("memory is short: continuing with %d examples at a time", batch_size // 2)
    torch.cuda.empty_cache()
    return batch_size // 2
