"""Answers on disk: one bit per example and step, whether the whole answer is right.

Shape letters: N examples, T steps.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deltaloss.core.errors import DataError
from deltaloss.core.files import atomic_path

CURVE_COLUMNS = ("step", "correct", "examples", "accuracy_percent", "not_finite")


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Whether each example's whole answer is right after each step.

    Attributes:
        correct: bool [T, N]; row t - 1 is step t.
        nonfinite_step: int32 [N]; first step at which the example's state is not finite, 0 if it
            stays finite. From that step on the example counts as wrong.
        provenance: settings, digests, versions and device, as JSON values.
    """

    correct: NDArray[np.bool_]
    nonfinite_step: NDArray[np.int32]
    provenance: Mapping[str, object] = field(default_factory=dict)

    @property
    def steps(self) -> int:
        """Number of evaluated steps T."""
        return int(self.correct.shape[0])

    @property
    def examples(self) -> int:
        """Number of examples N."""
        return int(self.correct.shape[1])

    def curve(self) -> pd.DataFrame:
        """Accuracy after each step, one row per step, the columns of `CURVE_COLUMNS`."""
        steps = np.arange(1, self.steps + 1)
        right = self.correct.sum(axis=1)
        ended = np.sort(self.nonfinite_step[self.nonfinite_step > 0])
        not_finite = np.searchsorted(ended, steps, side="right")
        accuracy = 100.0 * right / self.examples
        columns = (steps, right, self.examples, accuracy, not_finite)
        return pd.DataFrame(dict(zip(CURVE_COLUMNS, columns, strict=True)))

    def best_step(self) -> int:
        """First step of the highest accuracy, from 1 (tables 5-7, "steps until max accuracy")."""
        return int(self.correct.sum(axis=1).argmax()) + 1


def save_answers(path: Path, answers: Answers) -> None:
    """Write one bit per example and step, packed along the examples, and the provenance."""
    with atomic_path(path) as temporary:
        np.savez_compressed(
            temporary,
            correct=np.packbits(answers.correct, axis=1),
            nonfinite_step=answers.nonfinite_step,
            provenance=np.array(json.dumps(answers.provenance, sort_keys=True)),
        )


def load_answers(path: Path) -> Answers:
    """Read a file of answers.

    Raises:
        DataError: the file is missing, damaged, or of an earlier version.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            if "period" in stored:
                raise DataError(
                    f"{path}: answers of an earlier version; delete the file to evaluate again"
                )
            nonfinite_step = stored["nonfinite_step"]
            bits = np.unpackbits(stored["correct"], axis=1, count=len(nonfinite_step))
            return Answers(
                correct=bits.astype(np.bool_),
                nonfinite_step=nonfinite_step,
                provenance=json.loads(str(stored["provenance"])),
            )
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such file of answers") from error
    except (BadZipFile, EOFError, KeyError, OSError, ValueError) as error:
        raise DataError(
            f"{path}: not a file of answers, or a damaged one; delete it to evaluate again"
        ) from error


def load_curve(path: Path) -> pd.DataFrame:
    """Read an accuracy curve: one row per step, the columns of `CURVE_COLUMNS`."""
    return pd.read_csv(path)
