"""Card of mazes: a size is the number of positions a side, walls included."""

from __future__ import annotations

import math
from typing import Any

from deltaloss.core.errors import ConfigError
from deltaloss.puzzles.card import Card, Json

ARCHIVE_SIZES = {
    "train": (9, 11, 13, 15, 17),
    "test": (9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31, 33, 35, 37, 59),
}
"""Sizes of the published archives, from the README of easy-to-hard-data 1.0."""

DISTINCT = {3: 24, 5: 864, 7: 61_440}
"""How many different mazes of a size there are, counted one by one; of larger ones far more."""


class MazesCard(Card):
    """Mazes; each split and size has an archive of its own."""

    def shape(self, data: Json, split: str) -> tuple[int, ...]:
        """Return positions and borders; see `make`."""
        pixels = data["pixels_per_position"]
        side = pixels * data[split]["size"] + (6 if pixels == 2 else 3)
        return (side, side)

    def settings(self, data: Json, split: str, *, seed: int, file_digest: str) -> dict[str, Any]:
        """Return a split's settings, with the pixels where they are not the originals'."""
        chosen = super().settings(data, split, seed=seed, file_digest=file_digest)
        pixels = data["pixels_per_position"]
        return chosen if pixels == 2 else {**chosen, "pixels_per_position": pixels}

    def check(self, data: Json) -> None:
        """Refuse even sizes, and what the archives do not have."""
        if data["source"] == "archive" and data["pixels_per_position"] != 2:
            raise ConfigError(
                "pixels_per_position: 1: the archives have 2; write 2, or set source: generate"
            )
        for split in ("train", "test"):
            size = data[split]["size"]
            if size % 2 == 0:
                raise ConfigError(
                    f"{split}.size: {size} is even; mazes have odd sizes, such as {size + 1}"
                )
            most, count = DISTINCT.get(size, math.inf), data[split]["count"]
            if data["source"] == "generate" and count > most:
                raise ConfigError(
                    f"{split}.count: {count}: there are {most:,} different mazes of size {size}; "
                    "ask for fewer or larger ones"
                )
            if data["source"] == "archive" and size not in ARCHIVE_SIZES[split]:
                listed = ", ".join(map(str, ARCHIVE_SIZES[split]))
                raise ConfigError(
                    f"{split}.size: {size}: the published archives for {split} have the sizes "
                    f"{listed}; choose one of them, or set source: generate"
                )

    def archive(self, data: Json, split: str) -> str | None:
        """Return the name of the archive of the split's size."""
        if data["source"] != "archive":
            return None
        return f"maze_data_{split}_{data[split]['size']}.tar.gz"


CARD = MazesCard(
    name="mazes",
    title="Mazes",
    size_words="{size}x{size} mazes",
    table=6,
    sources=("archive", "generate"),
    data_keys={
        "pixels_per_position": {
            "description": "Pixels a side of each position of a generated maze: 2 as in the "
            "originals, images of 2 * size + 6 pixels a side; 1 for small runs, every second pixel "
            "of these, size + 3.",
            "enum": [1, 2],
            "default": 2,
        }
    },
    split_keys={
        "size": {
            "description": "Positions a side, odd, walls included.",
            "type": "integer",
            "minimum": 3,
            "maximum": 2001,
        }
    },
)
