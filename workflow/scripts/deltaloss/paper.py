"""What the paper prints, each number with its place: tables 2 and 4-7, and figure 1."""

from __future__ import annotations

from dataclasses import dataclass

FIGURE_STEPS = 300  # figure 1 shows the steps 1 to 300
TRAIN_STEPS = 30  # T, "reasoning steps used during training"


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """A row of table 2.

    Attributes:
        name: as printed there, {size} for the size.
        size: of its examples; None for chess, which has one size only.
        train: number of examples, as `valid` and `test`; None where it prints a dash.
    """

    name: str
    size: int | None = None
    train: int | None = None
    valid: int | None = None
    test: int | None = None


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """A row of tables 5-7."""

    steps_until_max_accuracy: int
    max_accuracy_percent: float


@dataclass(frozen=True, kw_only=True)
class Training:
    """A row of table 4; times on one GTX 1070 (appendix A.2)."""

    final_train_accuracy_percent: float
    max_validation_accuracy_percent: float
    epoch_of_max_validation: int
    hours_per_epoch: float
    hours_to_max_validation: float


# Table 2, by task and file of examples.
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

# Tables 5 (chess), 6 (mazes) and 7 (prefix sums), by task and run.
ACCURACY = {
    ("chess", "delta"): Accuracy(steps_until_max_accuracy=33, max_accuracy_percent=85.83),
    ("chess", "progressive-0"): Accuracy(steps_until_max_accuracy=29, max_accuracy_percent=82.12),
    ("chess", "progressive-0.5"): Accuracy(steps_until_max_accuracy=46, max_accuracy_percent=82.79),
    ("mazes", "delta"): Accuracy(steps_until_max_accuracy=657, max_accuracy_percent=99.90),
    ("mazes", "progressive-0"): Accuracy(steps_until_max_accuracy=999, max_accuracy_percent=82.72),
    ("mazes", "progressive-0.01"): Accuracy(
        steps_until_max_accuracy=808, max_accuracy_percent=100.0
    ),
    ("prefix_sums", "delta"): Accuracy(steps_until_max_accuracy=318, max_accuracy_percent=100.0),
    ("prefix_sums", "progressive-0"): Accuracy(
        steps_until_max_accuracy=466, max_accuracy_percent=96.19
    ),
    ("prefix_sums", "progressive-1"): Accuracy(
        steps_until_max_accuracy=222, max_accuracy_percent=100.0
    ),
}

# Table 4. It prints one row "Prog" a puzzle and not its alpha; that it is the starred run of
# tables 5-7, the "best configuration" of section 4, is our reading.
TRAINING = {
    ("chess", "delta"): Training(
        final_train_accuracy_percent=100.0,
        max_validation_accuracy_percent=95.8,
        epoch_of_max_validation=130,
        hours_per_epoch=1.57,
        hours_to_max_validation=204.5,
    ),
    ("mazes", "delta"): Training(
        final_train_accuracy_percent=100.0,
        max_validation_accuracy_percent=100.0,
        epoch_of_max_validation=35,
        hours_per_epoch=0.15,
        hours_to_max_validation=5.15,
    ),
    ("prefix_sums", "delta"): Training(
        final_train_accuracy_percent=100.0,
        max_validation_accuracy_percent=100.0,
        epoch_of_max_validation=6,
        hours_per_epoch=0.01,
        hours_to_max_validation=0.07,
    ),
    ("chess", "progressive-0.5"): Training(
        final_train_accuracy_percent=99.7,
        max_validation_accuracy_percent=94.6,
        epoch_of_max_validation=106,
        hours_per_epoch=2.13,
        hours_to_max_validation=226.1,
    ),
    ("mazes", "progressive-0.01"): Training(
        final_train_accuracy_percent=93.7,
        max_validation_accuracy_percent=100.0,
        epoch_of_max_validation=43,
        hours_per_epoch=0.18,
        hours_to_max_validation=7.6,
    ),
    ("prefix_sums", "progressive-1"): Training(
        final_train_accuracy_percent=100.0,
        max_validation_accuracy_percent=100.0,
        epoch_of_max_validation=6,
        hours_per_epoch=0.007,
        hours_to_max_validation=0.044,
    ),
}
