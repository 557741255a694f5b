"""What an evaluation has found so far, on the host: bits, and how each example came to its end.

Shape letters: N examples, T steps, B slots, K steps at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Whole = NDArray[np.int64]
ENDS = ("nonfinite_step", "periodic_step", "period", "finished")


@dataclass(frozen=True, kw_only=True)
class Findings:
    """Bits and ends of the examples, filled in as they come.

    Attributes:
        correct: bool [T, N]; row t - 1 is step t.
        nonfinite_step, periodic_step, period: int32 [N]; see `records.Evaluation`.
        finished: bool [N]; of these all bits are known.
    """

    correct: NDArray[np.bool_]
    nonfinite_step: NDArray[np.int32]
    periodic_step: NDArray[np.int32]
    period: NDArray[np.int32]
    finished: NDArray[np.bool_]

    @classmethod
    def none_yet(cls, steps: int, count: int) -> Findings:
        """Give the findings of an evaluation that begins."""
        return cls(
            correct=np.zeros((steps, count), dtype=np.bool_),
            nonfinite_step=np.zeros(count, dtype=np.int32),
            periodic_step=np.zeros(count, dtype=np.int32),
            period=np.zeros(count, dtype=np.int32),
            finished=np.zeros(count, dtype=np.bool_),
        )

    def add(
        self, examples: Whole, steps: Whole, references: Whole, flags: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        """Take in some steps of some examples and tell which are finished, bool [B].

        Args:
            examples: [B], which examples they are.
            steps: [B], how many steps each had done before.
            references: [B], the step of each one's reference state.
            flags: [3, K, B]: of each step whether the answer is right, the state finite, and the
                state bit for bit the reference. Steps behind the last one asked for are ignored.
        """
        rows = steps + np.arange(flags.shape[1])[:, np.newaxis]
        asked = rows < len(self.correct)
        right, returned = flags[0], flags[2] & asked
        finite = np.logical_and.accumulate(flags[1] | ~asked, axis=0)
        columns = np.broadcast_to(examples, rows.shape)
        self.correct[rows[asked], columns[asked]] = (right & finite)[asked]
        lost = ~finite[-1]
        self.nonfinite_step[examples[lost]] = steps[lost] + finite[:, lost].sum(axis=0) + 1
        periodic = returned.any(axis=0) & ~lost
        for slot in periodic.nonzero()[0]:
            seen = steps[slot] + returned[:, slot].argmax() + 1
            self._repeat(int(examples[slot]), int(references[slot]), int(seen))
        finished: NDArray[np.bool_] = lost | periodic | (steps + len(rows) >= len(self.correct))
        self.finished[examples[finished]] = True
        return finished

    def _repeat(self, example: int, reference: int, seen: int) -> None:
        """Copy the bits of one period to all later steps.

        A step is a function of the state and the example, so an example whose state at step
        `seen` is the one at `reference` does the same again for ever.
        """
        period = seen - reference
        self.periodic_step[example], self.period[example] = reference, period
        later = np.arange(seen, len(self.correct))
        self.correct[later, example] = self.correct[
            reference + (later - reference) % period, example
        ]

    def tensors(self) -> dict[str, Tensor]:
        """Give them for a file, the bits packed along the examples."""
        packed = {"correct": torch.from_numpy(np.packbits(self.correct, axis=1))}
        return packed | {name: torch.from_numpy(getattr(self, name).copy()) for name in ENDS}

    @classmethod
    def from_tensors(cls, stored: dict[str, Tensor]) -> Findings:
        """Read what `tensors` gave."""
        ends = {name: stored[name].numpy() for name in ENDS}
        bits = np.unpackbits(stored["correct"].numpy(), axis=1, count=len(ends["finished"]))
        return cls(correct=bits.astype(np.bool_), **ends)
