"""Card of mazes: a size is the number of positions a side, walls included."""

from __future__ import annotations

from deltaloss.core.errors import ConfigError
from deltaloss.puzzles.card import Card, Json


class MazesCard(Card):
    """Mazes; each split and size has an archive of its own."""

    def check(self, data: Json) -> None:
        """Refuse even sizes."""
        for split in ("train", "test"):
            size = data[split]["size"]
            if size % 2 == 0:
                raise ConfigError(
                    f"{split}.size: {size} is even; mazes have odd sizes, such as {size + 1}"
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
