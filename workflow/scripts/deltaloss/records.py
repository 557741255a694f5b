"""What a training and an evaluation leave on disk, as the stages downstream read it.

Shape letters: N examples, T steps.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deltaloss.files import atomic_path

HISTORY_COLUMNS = (
    "epoch",  # from 1
    "learning_rate",
    "train_loss",  # of the loss that is trained, mean over the batches
    "final_step_loss",  # L(T), mean over the batches
    "train_accuracy_percent",
    "validation_accuracy_percent",
    "gradient_norm",  # of all parameters before clipping, mean over the batches
    "train_seconds",
    "validation_seconds",
    "compile_seconds",  # preparing the loss, where it has something to prepare
    "pause_seconds",  # checkpoints, progress, waiting; an epoch's checkpoint counts to the next
)

Row = dict[str, float]  # one epoch of a history


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Whether each example's whole answer is right at each step.

    Attributes:
        correct: bool [T, N]; row t - 1 is step t.
        nonfinite_step: int32 [N]; the first step at which the example's state is not finite,
            0 when it stays finite. From that step on the example counts as wrong.
        periodic_step, period: int32 [N]; the state at step `periodic_step` (0: before the first)
            comes back, bit for bit, `period` steps later, the first time that it does; so the
            example repeats itself for ever. A period of 0: this was not seen. The step is one
            at which the evaluation looked: the example may repeat itself since up to an eighth
            earlier.
        provenance: settings, digests, versions and device, as JSON values.
    """

    correct: NDArray[np.bool_]
    nonfinite_step: NDArray[np.int32]
    periodic_step: NDArray[np.int32]
    period: NDArray[np.int32]
    provenance: Mapping[str, object]

    @property
    def steps(self) -> int:
        """Number of evaluated steps T."""
        return int(self.correct.shape[0])

    @property
    def examples(self) -> int:
        """Number of examples N."""
        return int(self.correct.shape[1])

    def curve(self) -> pd.DataFrame:
        """Accuracy after each step: step, correct, examples, accuracy_percent, not_finite."""
        steps = np.arange(1, self.steps + 1)
        right = self.correct.sum(axis=1)
        ended = np.sort(self.nonfinite_step[self.nonfinite_step > 0])
        return pd.DataFrame(
            {
                "step": steps,
                "correct": right,
                "examples": self.examples,
                "accuracy_percent": 100.0 * right / self.examples,
                "not_finite": np.searchsorted(ended, steps, side="right"),
            }
        )

    def best_step(self) -> int:
        """First step of the highest accuracy, from 1 (tables 5-7, "steps until max accuracy")."""
        return int(self.correct.sum(axis=1).argmax()) + 1


def save_evaluation(path: Path, evaluation: Evaluation) -> None:
    """Write one bit per example and step, packed along the examples."""
    with atomic_path(path) as temporary:
        np.savez_compressed(
            temporary,
            correct=np.packbits(evaluation.correct, axis=1),
            examples=np.int64(evaluation.examples),
            nonfinite_step=evaluation.nonfinite_step,
            periodic_step=evaluation.periodic_step,
            period=evaluation.period,
            provenance=np.array(json.dumps(evaluation.provenance, sort_keys=True)),
        )


def load_evaluation(path: Path) -> Evaluation:
    """Read what `save_evaluation` wrote."""
    with np.load(path, allow_pickle=False) as stored:
        examples = int(stored["examples"])
        return Evaluation(
            correct=np.unpackbits(stored["correct"], axis=1, count=examples).astype(np.bool_),
            nonfinite_step=stored["nonfinite_step"],
            periodic_step=stored["periodic_step"],
            period=stored["period"],
            provenance=json.loads(str(stored["provenance"])),
        )


def load_curve(path: Path) -> pd.DataFrame:
    """Read an accuracy curve: one row per step, the columns of `Evaluation.curve`."""
    return pd.read_csv(path)


def load_history(path: Path) -> pd.DataFrame:
    """Read a training history: one row per epoch, the columns of `HISTORY_COLUMNS`."""
    return pd.read_csv(path)
