"""Card of mazes: a size is the number of positions a side, walls included."""

from __future__ import annotations

from deltaloss.core.errors import ConfigError
from deltaloss.puzzles.card import Card, Json

ARCHIVE_SIZES = {
    "train": (9, 11, 13, 15, 17),
    "test": (9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31, 33, 35, 37, 59),
}
"""Sizes of the published archives, from the README of easy-to-hard-data 1.0."""


class MazesCard(Card):
    """Mazes; each split and size has an archive of its own."""

    def shape(self, size: int | None) -> tuple[int, ...]:
        """Return 2 pixels a position and a border of 3 on each side."""
        pixels = 2 * (size or 1) + 6
        return (pixels, pixels)

    def check(self, data: Json) -> None:
        """Refuse even sizes, and sizes without an archive where one is asked for."""
        for split in ("train", "test"):
            size = data[split]["size"]
            if size % 2 == 0:
                raise ConfigError(
                    f"{split}.size: {size} is even; mazes have odd sizes, such as {size + 1}"
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
    split_keys={
        "size": {
            "description": "Positions a side, odd, walls included; the image has 2 * size + 6 "
            "pixels a side.",
            "type": "integer",
            "minimum": 3,
            "maximum": 2001,
        }
    },
)
