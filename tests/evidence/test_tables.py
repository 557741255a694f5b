"""Tables: the right numbers in the paper's columns and order, ours beside the paper's."""

from __future__ import annotations

from io import StringIO

import pandas as pd
import pytest

from deltaloss.core.files import csv_text
from deltaloss.core.runs import Run, parse_run
from deltaloss.evidence.provenance import RunResults, read_runs
from deltaloss.evidence.tables import (
    tabulate_accuracy,
    tabulate_data,
    tabulate_training,
)

from .conftest import PUBLISHED


def curve(*correct: int, examples: int = 200) -> pd.DataFrame:
    frame = pd.DataFrame({"step": range(1, len(correct) + 1), "correct": correct})
    frame["examples"] = examples
    frame["accuracy_percent"] = 100.0 * frame["correct"] / examples
    frame["not_finite"] = 0
    return frame


def history(*accuracies: float, seconds: float = 36.0) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "epoch": range(1, len(accuracies) + 1),
            "train_accuracy_percent": [value - 1 for value in accuracies],
            "validation_accuracy_percent": accuracies,
            "train_seconds": seconds,
            "validation_seconds": seconds / 9,
            "pause_seconds": 1e6,  # counts in no table
        }
    )


def results(task: str, run: str, *frames: pd.DataFrame, names=("seed1", "seed2")):
    by_weights = dict(zip(names, frames, strict=False))
    return RunResults(task=task, run=parse_run(run), by_weights=by_weights)


class TestPublishedResults:
    """The committed tables follow from the committed curves and histories."""

    @pytest.mark.parametrize(
        ("number", "task"), [(5, "chess"), (6, "mazes"), (7, "prefix_sums")], ids="table {}".format
    )
    def test_accuracy(self, number, task):
        published = pd.read_csv(PUBLISHED / "tables" / f"table_{number}.csv")
        names = [run_name(row) for row in published.itertuples()]
        paths = [PUBLISHED / "evaluations" / task / name / "seed42.csv" for name in names]
        plotted = [name for name, shown in zip(names, published["plotted"], strict=True) if shown]
        made = tabulate_accuracy(
            read_runs(paths, pd.read_csv), experiment="quick", plotted={task: plotted}
        )
        assert_same(made.numbers, published)

    def test_training(self):
        published = pd.read_csv(PUBLISHED / "tables" / "table_4.csv")
        names = [(row.task, run_name(row)) for row in published.itertuples()]
        paths = [PUBLISHED / "histories" / task / run / "seed42.csv" for task, run in names]
        # The rows of the plotted runs are the first: two of each puzzle.
        plotted = {task: [run for other, run in names[:6] if other == task] for task, _ in names}
        made = tabulate_training(read_runs(paths, pd.read_csv), experiment="quick", plotted=plotted)
        assert_same(made.numbers, published)


def run_name(row) -> str:
    return Run(loss=row.loss, value=None if pd.isna(row.alpha) else row.alpha).name


def assert_same(made: pd.DataFrame, published: pd.DataFrame) -> None:
    read_back = pd.read_csv(StringIO(csv_text(made)))
    pd.testing.assert_frame_equal(read_back, published.reset_index(drop=True))


class TestAccuracy:
    def table(self, *frames: pd.DataFrame):
        runs = ("delta", "progressive-0", "progressive-0.01")
        return tabulate_accuracy(
            [results("mazes", run, *frames) for run in runs],
            experiment="trial",
            plotted={"mazes": ["delta", "progressive-0.01"]},
        )

    def test_columns_and_rows_are_the_paper_s(self):
        table = self.table(curve(10, 150, 150, 20))
        assert list(table.printed.columns)[:6] == [
            *("Loss", "α", "Steps until max accuracy", "(paper) Steps until max accuracy"),
            *("Max accuracy (%)", "(paper) Max accuracy (%)"),
        ]
        assert table.printed.iloc[:, :6].to_numpy().tolist() == [
            ["Delta*", "-", "2", "657", "75.00", "99.90"],
            ["Progressive", "0.00", "2", "999", "75.00", "82.72"],
            ["Progressive*", "0.01", "2", "808", "75.00", "100.0"],
        ]
        assert table.caption.startswith("Mazes: steps until the highest accuracy on 200 test puzz")
        assert "Ours: experiment trial, seed 1. (paper)" in table.caption

    def test_last_step_and_overflow_stand_beside(self):
        lost = curve(10, 150, 20)
        lost.loc[2, "not_finite"] = 7
        row = self.table(lost).numbers.iloc[0]
        assert (row["last_accuracy_percent"], row["not_finite"]) == (10.0, 7)

    def test_several_seeds_give_mean_and_standard_deviation(self):
        table = self.table(curve(100, 120), curve(140, 120))
        row = table.numbers.iloc[0]
        assert (row["max_accuracy_percent"], row["seeds"]) == (65.0, 2)
        assert row["max_accuracy_percent_sd"] == pytest.approx(50**0.5)
        assert table.printed["Max accuracy (%)"].iloc[0] == "65.00 ± 7.07"
        assert "mean ± standard deviation over the seeds 1, 2." in table.caption

    def test_released_weights_of_a_run_that_the_paper_lacks(self):
        plotted = {"chess": ["progressive-0.3"]}
        result = results("chess", "progressive-0.3", curve(1), names=["released"])
        table = tabulate_accuracy([result], experiment="trial", plotted=plotted)
        assert table.printed.iloc[0, :6].tolist() == ["Progressive*", "0.3", "1", "-", "0.50", "-"]
        assert pd.isna(table.numbers["max_accuracy_percent_paper"].iloc[0])
        assert "Ours: experiment trial, weights released." in table.caption


class TestTraining:
    @pytest.fixture
    def table(self):
        plotted = {
            "chess": ["delta", "progressive-0.5"],
            "mazes": ["delta", "progressive-0.01"],
        }
        runs = [
            results("chess", "delta", history(50.0, 90.0, 90.0)),
            results("chess", "progressive-0", history(10.0)),
            results("chess", "progressive-0.5", history(80.0)),
            results("mazes", "delta", history(99.0)),
            results("mazes", "progressive-0.01", history(98.0)),
        ]
        return tabulate_training(runs, experiment="trial", plotted=plotted)

    def test_plotted_runs_come_first_loss_by_loss(self, table):
        assert table.printed[["Loss", "Task"]].to_numpy().tolist() == [
            ["Delta", "Chess"],
            ["Delta", "Mazes"],
            ["Progressive, α = 0.5", "Chess"],
            ["Progressive, α = 0.01", "Mazes"],
            ["Progressive, α = 0", "Chess"],
        ]

    def test_the_first_best_epoch_counts_and_pauses_do_not(self, table):
        row = table.numbers.iloc[0]
        assert (row["final_train_accuracy_percent"], row["epoch_of_max_validation"]) == (89.0, 2)
        assert row["hours_per_epoch"] == pytest.approx(40 / 3600)
        assert row["hours_to_max_validation"] == pytest.approx(80 / 3600)
        assert row["hours_to_max_validation_paper"] == 204.5
        printed = table.printed["Time to epoch with max validation (hours)"]
        assert printed.iloc[0] == "0.0222"


def report(task: str, sizes=(None, None), counts=(16, 4, 5), **leaks) -> dict:
    """An audit's report, as `data.audit` writes it."""
    none = {"found": 0, "by_chance": 0.0}

    def split(size, count):
        return {
            "size": size,
            "count": count,
            "source": "generate",
            "address": None,
            "seed": 1,
            "digest": "0123456789abcdef",
            "inputs_shape": [count, 3, 8],
            "targets_shape": [count, 8],
            "checks": {"labels": {"checked": count, "failed": 0}},
            "duplicates": dict.fromkeys(("exact", *leaks), none),
            "ones_percent": 3.125,
            "solutions": {"what": "length", "least": 1, "median": 2.0, "mean": 2.5, "most": 4},
        }

    return {
        "task": task,
        "counts": dict(zip(("train", "valid", "test"), counts, strict=True)),
        "leaks": {"exact": none, **leaks, "note": None},
        "seen": {"exact": none, **dict.fromkeys(leaks, none)},
        "warnings": [],
        "train": split(sizes[0], counts[0] + counts[1]),
        "test": split(sizes[1], counts[2]),
    }


class TestData:
    @pytest.fixture
    def reports(self):
        turned = {"found": 2, "by_chance": 0.5}
        return [
            report("chess"),
            report("mazes", sizes=(9, 59), up_to_symmetry=turned),
            report("prefix_sums", sizes=(32, 33), counts=(1600, 400, 2000)),
        ]

    def test_rows_and_columns_are_the_paper_s(self, reports):
        table = tabulate_data(reports, experiment="trial")
        assert list(table.printed.columns) == [
            *("Dataset", "Source", "Train", "(paper) train", "Valid", "(paper) valid"),
            *(
                "Test",
                "(paper) test",
                "Digest",
                "Duplicates",
                "Leaks",
                "Seen",
                "Ones (%)",
                "Warnings",
            ),
        ]
        assert table.printed.iloc[:, [0, 2, 3, 4, 5, 6, 7]].to_numpy().tolist() == [
            ["Chess easy", "16", "480,000", "4", "120,000", "-", "-"],
            ["Chess hard", "-", "-", "-", "-", "5", "100,000"],
            ["Mazes 9x9", "16", "40,000", "4", "20,000", "-", "-"],
            ["Mazes 59x59", "-", "-", "-", "-", "5", "10,000"],
            ["Prefix sums, 32 bits", "1,600", "8,000", "400", "2,000", "-", "-"],
            ["Prefix sums, 33 bits", "-", "-", "-", "-", "2,000", "10,000"],
        ]
        assert table.printed["Leaks"].tolist() == ["-", "0", "-", "0 (2)", "-", "0"]
        assert table.printed["Duplicates"].tolist() == ["0", "0", "0 (0)", "0 (0)", "0", "0"]
        assert table.caption.endswith("The audit has no warnings.")
        assert table.numbers["size"].tolist()[2:] == [9, 59, 32, 33]
        assert table.numbers["size_paper"].tolist()[2:] == [9, 59, 32, 512]
        assert table.numbers["inputs_shape"].iloc[0] == "20x3x8"

    def test_warnings_are_counted_at_their_file_and_quoted(self, reports):
        reports[1]["warnings"] = ["train: 2 of 9 {odd} a_b", "test: 100% & more", "3 leaks"]
        table = tabulate_data(reports, experiment="trial")
        assert table.printed["Warnings"].tolist() == ["0", "0", "1", "2", "0", "0"]
        assert table.numbers["warnings_text"].tolist()[2:4] == [
            *("2 of 9 {odd} a_b", "100% & more; 3 leaks"),
        ]
        quoted = "Warnings: mazes, train: 2 of 9  odd  a_b; mazes, test: 100%   more; mazes, 3 lea"
        assert quoted in table.caption
        reports[1]["warnings"] *= 5
        assert tabulate_data(reports, experiment="trial").caption.endswith("; and 9 more.")


def test_a_user_s_puzzle_and_loss_are_in_every_table(toy):
    run = Run(loss=toy, value=2)
    plotted = {toy: [run.name]}

    def mine(frame):
        return [
            RunResults(task=toy, run=run, by_weights={"seed1": frame}),
            results(toy, "progressive-0.25", frame),
        ]

    accuracy = tabulate_accuracy(mine(curve(1, 2)), experiment="trial", plotted=plotted)
    assert accuracy.caption.startswith("Toy: ")
    assert accuracy.printed.iloc[:, :4].to_numpy().tolist() == [
        ["Toy, λ = 2*", "-", "2", "-"],
        ["Progressive", "0.25", "2", "-"],
    ]
    assert accuracy.numbers["lambda"].tolist()[0] == 2
    training = tabulate_training(mine(history(50.0)), experiment="trial", plotted=plotted)
    assert training.printed.iloc[0, :4].tolist() == ["Toy, λ = 2", "Toy", "49.00", "-"]
    data = tabulate_data([report(toy, sizes=(3, 5))], experiment="trial")
    assert data.printed["Dataset"].tolist() == ["Toy, 3-sided toys", "Toy, 5-sided toys"]
    assert data.printed["(paper) test"].tolist() == ["-", "-"]
