"""Small curves, histories and summaries for tests of tables and of figure 1."""

from __future__ import annotations

from typing import Any

import pandas as pd

from deltaloss.core.runs import parse_run
from deltaloss.evidence.over_seeds import OVER_SEEDS_COLUMNS
from deltaloss.evidence.provenance import RunResults
from deltaloss.evidence.statistics import COLUMNS

NO_TESTS = (pd.DataFrame(columns=COLUMNS), pd.DataFrame(columns=OVER_SEEDS_COLUMNS))


def curve(*correct: int, examples: int = 200, lost: int = 0) -> pd.DataFrame:
    """Accuracy after each step; at the last one so many states are not finite."""
    frame = pd.DataFrame({"step": range(1, len(correct) + 1), "correct": correct})
    frame["examples"] = examples
    frame["accuracy_percent"] = 100.0 * frame["correct"] / examples
    frame["not_finite"] = [0] * (len(correct) - 1) + [lost]
    return frame


def history(*accuracies: float, seconds: float = 36.0) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "epoch": range(1, len(accuracies) + 1),
            "train_loss": 1.0,
            "gradient_norm": 1.0,
            "train_accuracy_percent": [value - 1 for value in accuracies],
            "validation_accuracy_percent": accuracies,
            "train_seconds": seconds,
            "validation_seconds": seconds / 9,
            "pause_seconds": 1e6,  # counts in no table
        }
    )


def results(task: str, run: str, *frames: pd.DataFrame) -> RunResults[pd.DataFrame]:
    by_weights = {f"seed{number}": frame for number, frame in enumerate(frames, 1)}
    return RunResults(task=task, run=parse_run(run), by_weights=by_weights)


PAPER_S = {
    "chess": {"network": {"width": 512, "head": [32, 8]}, "sizes": (None, None)},
    "mazes": {"network": {"width": 128, "head": [32, 8]}, "sizes": (9, 59)},
    "prefix_sums": {"network": {"width": 400, "head": [400, 200]}, "sizes": (32, 512)},
}


def summary(task: str, *plotted: str, **changes: Any) -> dict[str, Any]:
    """Summary of a puzzle at the paper's scale, but for the changes."""
    known = PAPER_S.get(task, {"network": {"width": 4, "head": [2, 2]}, "sizes": (3, 5)})
    return {
        "source": "archive",
        "pixels_per_position": 2 if task == "mazes" else None,
        "train_size": known["sizes"][0],
        "test_size": known["sizes"][1],
        "network": known["network"],
        "plotted": list(plotted),
        "train_steps": 30,
        **changes,
    }
