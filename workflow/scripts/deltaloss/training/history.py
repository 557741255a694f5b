"""The history of a training: one row per epoch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from deltaloss.core.files import check_file, write_csv

HISTORY_COLUMNS = (
    "epoch",  # from 1
    "learning_rate",  # of the parameters that are not throttled
    "train_loss",  # the trained loss, mean over the batches
    "final_step_loss",  # L(T), mean over the batches
    "train_accuracy_percent",  # each batch before its own update
    "validation_accuracy_percent",
    "gradient_norm",  # of all parameters before clipping, mean over the batches
    "train_seconds",
    "validation_seconds",
    "pause_seconds",  # checkpoints and callbacks; an epoch's own checkpoint counts in the next
)

Row = dict[str, float]
"""One epoch of a history, by `HISTORY_COLUMNS`."""


def save_history(path: Path, history: Sequence[Row]) -> None:
    """Write a history as CSV, atomically."""
    write_csv(path, pd.DataFrame(history, columns=HISTORY_COLUMNS))


def load_history(path: Path) -> pd.DataFrame:
    """Read a history: one row per epoch, the columns of `HISTORY_COLUMNS`.

    Raises:
        DataError: it, or the training's summary beside it, is missing or damaged.
    """
    check_file(path)
    return pd.read_csv(path)
