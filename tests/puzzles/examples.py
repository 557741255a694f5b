"""Examples for tests, made by the puzzles' own makers."""

from __future__ import annotations

from importlib import import_module

import numpy as np

from deltaloss.puzzles.base import Examples


def join(*parts: Examples) -> Examples:
    """Examples of all parts in one."""
    return Examples(
        inputs=np.concatenate([part.inputs for part in parts]),
        targets=np.concatenate([part.targets for part in parts]),
    )


def take(examples: Examples, rows: slice | list[int]) -> Examples:
    """Copy of some of the examples."""
    return Examples(inputs=examples.inputs[rows].copy(), targets=examples.targets[rows].copy())


def make_examples(task: str, *, split: str = "train", **settings: object) -> Examples:
    """Examples of one split of a puzzle with source generate."""
    maker = import_module(f"deltaloss.puzzles.{task}.make").MAKERS["generate"]
    ((_, chunks, _),) = maker({"seed": 1, **settings}, [split], file=None, workers=1)
    return join(*chunks)


def make_strings(*, size: int = 32, count: int = 50, **settings: object) -> Examples:
    """Prefix sums."""
    return make_examples("prefix_sums", size=size, count=count, **settings)


def make_mazes(*, size: int = 9, count: int = 50, pixels: int = 2, **settings: object) -> Examples:
    """Mazes."""
    settings = {"size": size, "count": count, "pixels_per_position": pixels, **settings}
    return make_examples("mazes", **settings)


def make_mates(*, count: int = 60, orientation: str = "released", seed: int = 1) -> Examples:
    """Positions with one mating move."""
    settings = {"train_count": count, "test_count": 0, "orientation": orientation, "seed": seed}
    return make_examples("chess", **settings)
