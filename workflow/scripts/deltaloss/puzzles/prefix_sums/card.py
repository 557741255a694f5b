"""Card of prefix sums: the sizes are numbers of bits."""

from __future__ import annotations

from typing import Any

from deltaloss.puzzles.card import Card, Json


class PrefixSumsCard(Card):
    """Prefix sums; the archive holds one set of strings of each length for both splits."""

    def settings(self, data: Json, split: str, *, seed: int, file_digest: str) -> dict[str, Any]:
        """Return a split's settings; `start` is its first row in the archive's set.

        A test set of the training length takes the rows after the training set's.
        """
        chosen = super().settings(data, split, seed=seed, file_digest=file_digest)
        if data["source"] != "archive":
            return chosen
        follows = split == "test" and data["test"]["size"] == data["train"]["size"]
        return {**chosen, "start": data["train"]["count"] if follows else 0}

    def archive(self, data: Json, split: str) -> str | None:
        """Return the name of the archive of all lengths."""
        return "prefix_sums_data.tar.gz" if data["source"] == "archive" else None


CARD = PrefixSumsCard(
    name="prefix_sums",
    title="Prefix sums",
    size_words="{size}-bit strings",
    table=7,
    sources=("archive", "generate"),
    split_keys={
        "size": {
            "description": "Bits of a string.",
            "type": "integer",
            "minimum": 1,
            "maximum": 1_000_000,
        }
    },
)
