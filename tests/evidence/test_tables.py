"""The committed tables follow from the committed curves, histories and statistics."""

from __future__ import annotations

from io import StringIO

import pandas as pd
import pytest

from deltaloss.core.files import csv_text
from deltaloss.evidence.accuracy_table import tabulate_accuracy
from deltaloss.evidence.provenance import read_runs
from deltaloss.evidence.training_table import tabulate_training

from .conftest import PUBLISHED
from .curves import summary


def read(name: str) -> pd.DataFrame:
    return pd.read_csv(PUBLISHED / f"{name}.csv")


def assert_same(made: pd.DataFrame, published: pd.DataFrame) -> None:
    read_back = pd.read_csv(StringIO(csv_text(made)))
    pd.testing.assert_frame_equal(read_back, published.reset_index(drop=True))


@pytest.mark.parametrize(
    ("number", "task"), [(5, "chess"), (6, "mazes"), (7, "prefix_sums")], ids="table {}".format
)
def test_accuracy(number, task):
    published = read(f"tables/table_{number}")
    paths = [PUBLISHED / "evaluations" / task / run / "seed42.csv" for run in published["run"]]
    plotted = published.loc[published["plotted"], "run"]
    tests = [read(f"statistics/{name}") for name in ("mcnemar", "over_seeds")]
    made = tabulate_accuracy(
        read_runs(paths, pd.read_csv),
        experiment="quick",
        summaries={task: summary(task, *plotted, train_steps=8)},
        tests=[rows[rows["task"] == task] for rows in tests],
    )
    assert_same(made.numbers, published)


def test_training():
    published = read("tables/table_4")
    names = list(zip(published["task"], published["run"], strict=True))
    paths = [PUBLISHED / "histories" / task / run / "seed42.csv" for task, run in names]
    # The rows of the plotted runs are the first: two of each puzzle.
    plotted = {task: [run for other, run in names[:6] if other == task] for task, _ in names}
    summaries = {task: summary(task, *runs, train_steps=8) for task, runs in plotted.items()}
    runs = read_runs(paths, pd.read_csv)
    assert_same(tabulate_training(runs, experiment="quick", summaries=summaries).numbers, published)
