"""Recorded answers of a few examples: which examples and steps, and the file that holds them.

Shape letters: R runs, N examples, T steps, F recorded steps, E recorded examples, C channels,
*S pixels ([L] or [H, W]).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltaloss.core.arrays import load_arrays, save_arrays
from deltaloss.core.files import check_file, damaged
from deltaloss.evaluation.answers import Answers

FRAMES = 30  # of an animation, at most
COLUMNS = 7  # of a strip, at most
SERIES = (1, 2, 5, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000)

_ARRAYS = ("steps", "examples", "answers", "correct", "inputs", "targets", "shape")


def strip_steps(last: int) -> list[int]:
    """List the steps of a strip: 1, 2, 5, 10, 30, ... below half of the last step, and that.

    Of more than `COLUMNS`, the first and the last ones are kept.
    """
    steps = [step for step in SERIES if 2 * step < last] + [last]
    return steps if len(steps) <= COLUMNS else [steps[0], *steps[1 - COLUMNS :]]


def frame_steps(last: int) -> list[int]:
    """List the steps of an animation: all, or `FRAMES` at most with evenly spaced logarithms."""
    if last <= FRAMES:
        return list(range(1, last + 1))
    return sorted({round(float(step)) for step in np.geomspace(1, last, FRAMES)})


def choose_examples(runs: Sequence[Answers]) -> list[int]:
    """Choose an example that is solved and one that fails, by their numbers from 0.

    An example is solved by a run whose answer is right after the last step.

    - Solved: by most runs; of those the median by the step, summed over the runs, from which on
      the answer is right, so neither the easiest nor the hardest.
    - Failing: solved by fewest runs; of those, lost again (right once, wrong at the end) by most;
      of those, nearest to being right after half of the steps, so that a strip shows both.

    Equal ones: the first in the file. One number only, if both are the same example.

    Args:
        runs: answers of the compared runs with one seed, to the same examples.
    """
    correct = np.stack([one.correct for one in runs])  # [R, T, N]
    solved = correct[:, -1].sum(axis=0)
    lost = (correct.any(axis=1) & ~correct[:, -1]).sum(axis=0)
    from_half = np.abs(2 * correct.sum(axis=(0, 1)) - correct.shape[0] * correct.shape[1])
    failing = int(np.lexsort((from_half, -lost, solved))[0])
    settled = np.logical_and.accumulate(correct[:, ::-1], axis=1).sum(axis=1)  # right steps to T
    best = np.flatnonzero(solved == solved.max())
    order = best[np.argsort(-settled[:, best].sum(axis=0), kind="stable")]
    return list(dict.fromkeys([int(order[(len(order) - 1) // 2]), failing]))


@dataclass(frozen=True, kw_only=True)
class Recording:
    """Answers of one network to a few examples after some steps, with the examples.

    Attributes:
        steps: int64 [F], ascending, from 1.
        examples: int64 [E], numbers in the test set, from 0.
        answers: bool [F, E, *S].
        correct: bool [F, E], whether the whole answer is right, and its state finite until then.
        inputs: uint8 [E, C, *S].
        targets: uint8 [E, *S].
    """

    steps: NDArray[np.int64]
    examples: NDArray[np.int64]
    answers: NDArray[np.bool_]
    correct: NDArray[np.bool_]
    inputs: NDArray[np.uint8]
    targets: NDArray[np.uint8]

    def differing(self, evaluated: Answers) -> int:
        """Count the recorded answers that are right in an evaluation and wrong here, or reverse."""
        return int((evaluated.correct[self.steps - 1][:, self.examples] != self.correct).sum())


def save_recording(path: Path, recording: Recording) -> None:
    """Write a recording, bits packed; `load_recording` needs its digest in a .json beside it."""
    bits: dict[str, NDArray[Any]] = {
        name: np.packbits(getattr(recording, name))
        for name in ("answers", "correct", "inputs", "targets")
    }
    shape = np.array(recording.inputs.shape, dtype="<i8")
    save_arrays(
        path,
        compress=True,
        steps=recording.steps,
        examples=recording.examples,
        shape=shape,
        **bits,
    )


def load_recording(path: Path) -> Recording:
    """Read a recording.

    Raises:
        DataError: the file is missing, damaged, something else, or that of another network.
    """
    check_file(path)
    stored = load_arrays(path, _ARRAYS)
    frames, (count, channels, *pixels) = len(stored["steps"]), stored["shape"].tolist()
    shapes = {
        "answers": (frames, count, *pixels),
        "correct": (frames, count),
        "inputs": (count, channels, *pixels),
        "targets": (count, *pixels),
    }
    try:
        bits = {
            name: np.unpackbits(stored[name], count=int(np.prod(shape))).reshape(shape)
            for name, shape in shapes.items()
        }
    except (TypeError, ValueError) as error:
        raise damaged(path) from error
    return Recording(
        steps=stored["steps"],
        examples=stored["examples"],
        answers=bits["answers"].astype(np.bool_),
        correct=bits["correct"].astype(np.bool_),
        inputs=bits["inputs"],
        targets=bits["targets"],
    )
