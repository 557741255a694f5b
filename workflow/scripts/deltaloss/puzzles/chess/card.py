"""Card of chess: one size, and three sources, each cut by difficulty into training and test."""

from __future__ import annotations

import hashlib
from typing import Any

from deltaloss.core.errors import ConfigError
from deltaloss.puzzles.card import Card, Json


class ChessCard(Card):
    """Chess; the easiest positions are for training, harder ones for the test."""

    def shape(self, data: Json, split: str) -> tuple[int, ...]:
        """Return the squares of a board."""
        return (8, 8)

    def check(self, data: Json) -> None:
        """Refuse a puzzle file that is missing, or is given but not read."""
        source, puzzles = data["source"], data.get("puzzles")
        if source == "lichess" and puzzles is None:
            raise ConfigError("puzzles: null: source lichess needs the path or address of a CSV")
        if source != "lichess" and puzzles is not None:
            raise ConfigError(
                f"puzzles: {puzzles!r} is read with source lichess only, and source is {source}; "
                "change one of them"
            )

    def settings(self, data: Json, split: str, *, seed: int, file_digest: str) -> dict[str, Any]:
        """Return the settings of both splits; `puzzles` is a digest of the file or its address."""
        chosen = {
            "train_count": data["train"]["count"],
            "test_count": data["test"]["count"],
            "orientation": data["orientation"],
        }
        if data["source"] == "generate":
            return {**chosen, "seed": seed}
        if data["source"] == "lichess":
            content = file_digest or hashlib.sha256(data["puzzles"].encode()).hexdigest()
            return {**chosen, "puzzles": content[:16]}
        return chosen

    def archive(self, data: Json, split: str) -> str | None:
        """Return the name of the archive of all puzzles."""
        return "chess_data.tar.gz" if data["source"] == "archive" else None

    def file(self, data: Json) -> str | None:
        """Return the path or address of the puzzle CSV."""
        return data["puzzles"] if data["source"] == "lichess" else None


CARD = ChessCard(
    name="chess",
    title="Chess",
    size_words="hard puzzles",
    table=5,
    sources=("archive", "lichess", "generate"),
    joint=True,
    data_keys={
        "puzzles": {
            "description": "For source lichess, the path of a puzzle CSV, plain or .zst, from the "
            "folder that snakemake runs in, or the address of a .zst.",
            "type": ["string", "null"],
            "minLength": 1,
            "pattern": r"^(https?://[^/:?#@\s]\S*/[^/\s]{1,200}\.zst"
            r"|file:///([^\x00-\x1f]*/)?[^/\x00-\x1f]{1,200}\.zst"
            r"|(?!.*://)[^\x00-\x1f]+)$(?!\n)",
            "x-says": "must be the path of a CSV, or an https://, http:// or file:/// address of "
            "a file that ends in .zst",
            "default": None,
        },
        "orientation": {
            "description": "released mirrors moves against boards, as the authors' code does; "
            "aligned does not.",
            "enum": ["released", "aligned"],
            "default": "released",
        },
    },
    split_keys={},
)
