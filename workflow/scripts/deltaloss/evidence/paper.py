"""Numbers printed in the paper, each with its place and its digits: tables 2 and 4-7, figure 1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from deltaloss.puzzles.card import load_card

TASKS = ("chess", "mazes", "prefix_sums")  # in the order of table 2 and figure 1
FIGURE_STEPS = 300  # figure 1 shows the steps 1 to 300

COSTS = (
    "The paper, for chess on a GTX 1070: the Delta Loss 45 % faster at equal batch, batches of 255 "
    "against 143; 75 % more time and memory expected of the Progressive Loss for 0 < α < 1."
)
"""Section 2, in our words."""


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """A row of table 2.

    Attributes:
        name: as printed, with "{size}" for the size.
        size: of its examples; None for chess, which has one size only.
        train: number of examples, as `valid` and `test`; None where a dash is printed.
    """

    name: str
    size: int | None = None
    train: int | None = None
    valid: int | None = None
    test: int | None = None


@dataclass(frozen=True)
class Accuracy:
    """A row of tables 5-7."""

    steps_until_max_accuracy: Decimal
    max_accuracy_percent: Decimal


@dataclass(frozen=True)
class Training:
    """A row of table 4; times on one GTX 1070 (appendix A.2)."""

    final_train_accuracy_percent: Decimal
    max_validation_accuracy_percent: Decimal
    epoch_of_max_validation: Decimal
    hours_per_epoch: Decimal
    hours_to_max_validation: Decimal


# Table 2, by puzzle and split.
DATA = {
    ("chess", "train"): DataSet(name="Chess easy", train=480_000, valid=120_000),
    ("chess", "test"): DataSet(name="Chess hard", test=100_000),
    ("mazes", "train"): DataSet(name="Mazes {size}x{size}", size=9, train=40_000, valid=20_000),
    ("mazes", "test"): DataSet(name="Mazes {size}x{size}", size=59, test=10_000),
    ("prefix_sums", "train"): DataSet(
        name="Prefix sums, {size} bits", size=32, train=8_000, valid=2_000
    ),
    ("prefix_sums", "test"): DataSet(name="Prefix sums, {size} bits", size=512, test=10_000),
}

# Table 1: channels of the state, of the first two head layers; section 2: T.
NETWORKS = {"chess": (512, [32, 8]), "mazes": (128, [32, 8]), "prefix_sums": (400, [400, 200])}
TRAIN_STEPS = 30

PLOTTED = {
    "chess": ("delta", "progressive-0.5"),
    "mazes": ("delta", "progressive-0.01"),
    "prefix_sums": ("delta", "progressive-1"),
}
"""Runs of figure 1, with a star in tables 5-7."""

OWN_SCALE = "As printed in the paper, for its own puzzles and networks"
"""Title of its values where they do not stand beside ours."""

_OTHER_PUZZLES = {"chess": "generate"}  # source of boards that are no published puzzles
_PIXELS = (None, 2)  # a side of a position in a maze; None for puzzles without


def same_examples(task: str, split: str, size: int | None, source: str | None) -> bool:
    """Whether examples are of the paper's kind and size."""
    in_paper = DATA.get((task, split))
    return in_paper is not None and in_paper.size == size and _OTHER_PUZZLES.get(task) != source


def same_scale(task: str, summary: Mapping[str, Any]) -> bool:
    """Whether puzzles, network and T are the paper's, so that its results stand beside ours.

    Args:
        task: a puzzle, of the paper or not.
        summary: `TaskConfig.summary` of the puzzle.
    """
    return (
        all(
            same_examples(task, split, summary[f"{split}_size"], summary["source"])
            for split in ("train", "test")
        )
        and _own_network(task, summary)
        and summary["pixels_per_position"] in _PIXELS
    )


def _own_network(task: str, summary: Mapping[str, Any]) -> bool:
    network = summary["network"]
    same = (network["width"], list(network["head"])) == NETWORKS[task]
    same = same and not network.get("mixing", False)
    return bool(same and summary["train_steps"] == TRAIN_STEPS)


def scale(task: str, summary: Mapping[str, Any]) -> str:
    """Describe network and puzzles beside the paper's: "paper", or in which ways they are smaller.

    Args:
        task: a puzzle of the paper.
        summary: see `Experiment.claims_settings`.
    """
    network = "paper's network" if _own_network(task, summary) else "small network"
    if summary["network"].get("mixing"):
        network = "network that mixes past states"
    if same_scale(task, summary):
        return "paper" if _as_many(task, summary) else "paper's network, fewer puzzles"
    sizes = all(DATA[task, split].size == summary[f"{split}_size"] for split in ("train", "test"))
    puzzles = "paper's sizes" if sizes else "smaller puzzles"
    if summary["source"] == _OTHER_PUZZLES.get(task):
        puzzles = "one-move mates"
    if summary["pixels_per_position"] not in _PIXELS:
        puzzles += ", one pixel per position"
    return f"{network}, {puzzles}"


def _as_many(task: str, summary: Mapping[str, Any]) -> bool:
    """Whether there are at least as many test examples as in the paper."""
    return bool(summary["test_count"] >= (DATA[task, "test"].test or 0))


def data_name(task: str, split: str, size: int | None) -> str:
    """Name of a set of examples: the paper's, or made from the puzzle's card."""
    if (task, split) in DATA:
        return DATA[task, split].name.format(size=size)
    card = load_card(task)
    return f"{card.title}, {card.describe(size)}"


_TABLES_5_TO_7 = """
    chess        delta             33   85.83
    chess        progressive-0     29   82.12
    chess        progressive-0.5   46   82.79
    mazes        delta             657  99.90
    mazes        progressive-0     999  82.72
    mazes        progressive-0.01  808  100.0
    prefix_sums  delta             318  100.0
    prefix_sums  progressive-0     466  96.19
    prefix_sums  progressive-1     222  100.0
"""

# The paper prints one row "Prog" per puzzle without its alpha. We read it as the starred run of
# tables 5-7, the "best configuration" of section 4.
_TABLE_4 = """
    chess        delta             100.0  95.8   130  1.57   204.5
    mazes        delta             100.0  100.0  35   0.15   5.15
    prefix_sums  delta             100.0  100.0  6    0.01   0.07
    chess        progressive-0.5   99.7   94.6   106  2.13   226.1
    mazes        progressive-0.01  93.7   100.0  43   0.18   7.6
    prefix_sums  progressive-1     100.0  100.0  6    0.007  0.044
"""


def _rows(table: str) -> dict[tuple[str, str], list[Decimal]]:
    """Numbers of each row, by puzzle and run."""
    rows = (line.split() for line in table.strip().splitlines())
    return {(task, run): [Decimal(text) for text in texts] for task, run, *texts in rows}


ACCURACY = {key: Accuracy(*numbers) for key, numbers in _rows(_TABLES_5_TO_7).items()}
TRAINING = {key: Training(*numbers) for key, numbers in _rows(_TABLE_4).items()}
