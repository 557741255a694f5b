"""Small answers for tests of statistics."""

from __future__ import annotations

import numpy as np

from deltaloss.core.runs import parse_run
from deltaloss.evaluation.answers import Answers
from deltaloss.evidence.provenance import RunResults
from deltaloss.evidence.statistics import Steps, choose_steps


def answers(rows: list[list[int]], digest: str = "same", overflow: int = 0) -> Answers:
    """Rows are steps, columns are examples; the last one overflows at a step, from 1."""
    correct = np.array(rows, dtype=bool)
    nonfinite_step = np.zeros(correct.shape[1], dtype=np.int32)
    nonfinite_step[-1] = overflow
    return Answers(
        correct=correct, nonfinite_step=nonfinite_step, provenance={"data_digest": digest}
    )


def run(name: str, **by_weights: Answers) -> RunResults[Answers]:
    return RunResults(task="mazes", run=parse_run(name), by_weights=by_weights)


def steps(results: list[RunResults[Answers]], train_steps: int) -> Steps:
    """Steps of every comparison, for runs whose validation examples are those of the test set."""
    return choose_steps(results, results, train_steps=train_steps)
