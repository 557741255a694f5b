"""Chess examples from mates made here, or from a Lichess puzzle file, cut by difficulty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from deltaloss.core.errors import DataError
from deltaloss.puzzles.base import Made
from deltaloss.puzzles.chess.boards import unpack
from deltaloss.puzzles.chess.lichess import read_puzzles
from deltaloss.puzzles.chess.mates import make_mates


def generate(
    settings: Mapping[str, Any], splits: Sequence[str], *, file: Path | None, workers: int
) -> Made:
    """Make mates: the easier ones for training, the harder ones for the test.

    They depend on the settings, never on the number of workers. For the arguments see
    `puzzles.card`.
    """
    train, total = settings["train_count"], settings["train_count"] + settings["test_count"]
    packed = make_mates(total, seed=settings["seed"], workers=workers)
    rows = {"train": slice(0, train), "test": slice(train, total)}
    for split in splits:
        yield split, unpack(packed[rows[split]], settings["orientation"]), {}


def convert(
    settings: Mapping[str, Any], splits: Sequence[str], *, file: Path | None, workers: int
) -> Made:
    """Convert the puzzles of lowest rating for training, and of highest rating for the test.

    The original cut [0, 600000) and [600000, 700000) is this one when the file has just the
    puzzles asked for. For the arguments see `puzzles.card`.

    Raises:
        DataError: as of `lichess.read_puzzles`, or fewer puzzles than both counts together.
    """
    if file is None:
        raise DataError("chess: source lichess needs a puzzle file")
    ratings, packed = read_puzzles(file)
    found, train, test = len(ratings), settings["train_count"], settings["test_count"]
    if found < train + test:
        raise DataError(
            f"{file}: {found:,} puzzles, but {train:,} for training and {test:,} for testing need "
            f"{train + test:,}; ask for fewer or give a larger file"
        )
    rows = {"train": slice(0, train), "test": slice(found - test, found)}
    for split in splits:
        low, middle, high = np.quantile(ratings[rows[split]], (0, 0.5, 1)).tolist()
        yield (
            split,
            unpack(packed[rows[split]], settings["orientation"]),
            {
                "puzzles_in_file": found,
                "rating_lowest": low,
                "rating_median": middle,
                "rating_highest": high,
            },
        )


MAKERS = {"generate": generate, "lichess": convert}
