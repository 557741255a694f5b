"""Numbers printed in the paper, each with its place and its digits: tables 2 and 4-7, figure 1."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from deltaloss.puzzles.card import load_card

TASKS = ("chess", "mazes", "prefix_sums")  # in the order of table 2 and figure 1
FIGURE_STEPS = 300  # figure 1 shows the steps 1 to 300


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
