"""Cards: the static description of each puzzle, read before any job runs, without torch.

A puzzle is a folder beside this file; nothing lists them. In it stand

- ``__init__.py``, empty;
- ``card.py``: `CARD`, a `Card`, read when a workflow is parsed;
- ``task.py``: `TASK`, a `puzzles.base.Task`, for training and evaluation;
- ``make.py``: `MAKERS`, a function for each source but "archive": ``make(settings, splits, *,
  file, workers)``, where `settings` are as of `Card.settings`, `splits` names the splits to make
  (both where the card says `joint`), `file` is a user's file or None, and `workers` the processes
  that may be used. It yields, for each split, its name, its examples in chunks, and further facts
  for the manifest (`puzzles.base.Made`);
- ``audit.py``, optional: `inspect`, which proves every label by another method (`puzzles.checks`).
  Without it the report warns that labels are unproven;
- ``picture.py``, optional: `draw`, a picture of one example (`puzzles.pictures`). Without it
  strings are drawn as rows of bits and images in grey;
- ``answer_picture.py``, optional: `draw` and `KEY`, a picture of a network's answer
  (`puzzles.answer_pictures`). Without it strings are drawn as bits and images in grey.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from deltaloss.core.errors import ConfigError, nearest

Json = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Card:
    """A puzzle as configs, tables and figures name it; a puzzle may override the methods.

    Attributes:
        name: in the config, in paths, and of the folder.
        title: in tables and figures.
        size_words: name of the examples of one size, "{size}" for the size.
        table: number of its accuracy table.
        sources: allowed values of `data.source`, each a key of `MAKERS` in its `make.py`;
            "archive" is read by data.published_sets instead.
        joint: whether one job makes the training and the test examples together.
        data_keys: JSON schema of further keys in its section `data`.
        split_keys: JSON schema of further keys of `data.train` and `data.test` beside `count`.
    """

    name: str
    title: str
    size_words: str
    table: int
    sources: tuple[str, ...] = ("generate",)
    joint: bool = False
    data_keys: Json = field(default_factory=dict)
    split_keys: Json = field(
        default_factory=lambda: {
            "size": {"description": "Size of a puzzle.", "type": "integer", "minimum": 1}
        }
    )

    def describe(self, size: int | None) -> str:
        """Examples of one size in words, as under a figure: "512-bit strings"."""
        return self.size_words.format(size=size)

    def shape(self, data: Json, split: str) -> tuple[int, ...]:
        """Shape of one puzzle of a split in pixels, [L] or [H, W]; here of a string.

        Args:
            data: the puzzle's section `data`.
            split: train or test.
        """
        return (data[split].get("size", 1),)

    def check(self, data: Json) -> None:
        """Refuse a section `data` that cannot work.

        Raises:
            ConfigError: text begins with the key below `data`, such as "train.size: 8 is even".
        """

    def settings(self, data: Json, split: str, *, seed: int, file_digest: str) -> dict[str, Any]:
        """Everything that decides the examples of one split: scalars, which also name its folder.

        Their order is the card's, whatever the order of the config.

        Args:
            data: the puzzle's section `data`.
            split: train or test.
            seed: `data_seed` of the experiment.
            file_digest: of the content of `file(data)`; empty where there is none.
        """
        keys = [key for key in (*self.split_keys, "count") if key in data[split]]
        chosen = {**{key: data[split][key] for key in keys}, "split": split}
        return chosen if data["source"] == "archive" else {**chosen, "seed": seed}

    def archive(self, data: Json, split: str) -> str | None:
        """File name of the published archive that the split is read from; None for none."""
        return None

    def file(self, data: Json) -> str | None:
        """Path or address of a user's file that the examples are read from; None for none."""
        return None


def puzzle_names() -> list[str]:
    """Names of all puzzles: the folders beside this file that have a card."""
    return sorted(path.parent.name for path in Path(__file__).parent.glob("*/card.py"))


def puzzle_modules(names: Iterable[str], *parts: str) -> list[str]:
    """List the modules of puzzles that exist, such as "puzzles.mazes.audit", of those asked for."""
    folder = Path(__file__).parent
    return [
        f"puzzles.{name}.{part}"
        for name in names
        for part in parts
        if (folder / name / f"{part}.py").is_file()
    ]


def load_card(name: str) -> Card:
    """Load the card of a puzzle.

    Raises:
        ConfigError: there is no such puzzle.
    """
    known = puzzle_names()
    if name not in known:
        raise ConfigError(
            f"there is no puzzle '{name}'{nearest(name, known)}; known: {', '.join(known)}"
        )
    card: Card = import_module(f"deltaloss.puzzles.{name}.card").CARD
    return card
