"""Answers on disk: one bit per example and step, whether the whole answer is right.

Shape letters: N examples, T steps.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deltaloss.core.arrays import load_arrays, save_arrays
from deltaloss.core.files import check_name, damaged

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
    save_arrays(
        path,
        compress=True,
        correct=np.packbits(answers.correct, axis=1),
        nonfinite_step=answers.nonfinite_step,
        provenance=np.array(json.dumps(answers.provenance, sort_keys=True)),
    )


def load_answers(path: Path) -> Answers:
    """Read a file of answers.

    Raises:
        DataError: the file is missing, damaged, something else, or that of another network.
    """
    stored = load_arrays(path, ["correct", "nonfinite_step", "provenance"])
    nonfinite_step = stored["nonfinite_step"]
    try:
        bits = np.unpackbits(stored["correct"], axis=1, count=len(nonfinite_step))
        provenance = json.loads(str(stored["provenance"]))
    except (TypeError, ValueError) as error:
        raise damaged(path) from error
    check_name(path, provenance)
    return Answers(
        correct=bits.astype(np.bool_), nonfinite_step=nonfinite_step, provenance=provenance
    )


def load_curve(path: Path) -> pd.DataFrame:
    """Read a file of answers as its accuracy curve; see `Answers.curve`."""
    return load_answers(path).curve()
