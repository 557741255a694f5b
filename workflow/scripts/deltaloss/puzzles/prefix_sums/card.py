"""Card of prefix sums: the sizes are numbers of bits."""

from __future__ import annotations

from typing import Any

from deltaloss.core.errors import ConfigError
from deltaloss.puzzles.card import Card, Json

ARCHIVE_SIZES = (*range(16, 65), 72, 128, 256, 512)
"""Lengths in the published archive: `lengths` of easy-to-hard-data's PrefixSumDataset."""

MOST_BITS = 30  # of which there may be too few strings


class PrefixSumsCard(Card):
    """Prefix sums; the archive holds one set of strings of each length for both splits."""

    def check(self, data: Json) -> None:
        """Refuse lengths that the archive lacks, and more strings than there are."""
        for split in ("train", "test"):
            size, count = data[split]["size"], data[split]["count"]
            if data["source"] == "generate" and size < MOST_BITS and count > 2**size:
                raise ConfigError(
                    f"{split}.count: {count}: there are {2**size} different strings of {size} "
                    "bits; ask for fewer or longer ones"
                )
            if data["source"] == "archive" and size not in ARCHIVE_SIZES:
                raise ConfigError(
                    f"{split}.size: {size}: the published archive has strings of 16 to 64, 72, "
                    "128, 256 and 512 bits; choose one of these, or set source: generate"
                )

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
