"""Tables 4-7: the right numbers in the paper's columns and order, in three forms."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pytest

from deltaloss.gathering import RunFiles
from deltaloss.records import load_curve
from deltaloss.runs import parse_run
from deltaloss.tables import RunResults, read_results, tabulate_accuracy, tabulate_training
from deltaloss.typeset import save_table


def curve(*correct: int, examples: int = 200) -> pd.DataFrame:
    frame = pd.DataFrame({"step": range(1, len(correct) + 1), "correct": correct})
    frame["examples"] = examples
    frame["accuracy_percent"] = 100.0 * frame["correct"] / examples
    frame["not_finite"] = 0
    return frame


def history(accuracies: list[float], seconds: float = 36.0) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "epoch": range(1, len(accuracies) + 1),
            "train_accuracy_percent": [value - 1 for value in accuracies],
            "validation_accuracy_percent": accuracies,
            "train_seconds": seconds,
            "validation_seconds": seconds / 9,
            "compile_seconds": 1e6,  # counts in no table
            "pause_seconds": 1e6,
        }
    )


def results(task: str, *frames: pd.DataFrame, run: str = "delta", plotted: bool = True):
    by_seed = dict(enumerate(frames, start=1))
    return RunResults(task=task, run=parse_run(run), plotted=plotted, by_seed=by_seed)


class TestAccuracy:
    def table(self, *frames: pd.DataFrame):
        runs = [
            results("mazes", *frames),
            results("mazes", *frames, run="progressive-0", plotted=False),
            results("mazes", *frames, run="progressive-0.01"),
        ]
        return tabulate_accuracy(runs, experiment="trial")

    def test_columns_and_rows_of_the_paper(self):
        printed = self.table(curve(10, 150, 150, 20)).printed
        assert list(printed.columns)[:6] == [
            *("Loss", "α", "Steps until max accuracy", "(paper) Steps until max accuracy"),
            *("Max accuracy (%)", "(paper) Max accuracy (%)"),
        ]
        assert printed.iloc[:, :6].to_numpy().tolist() == [
            ["Delta*", "-", "2", "657", "75.00", "99.90"],
            ["Progressive", "0.00", "2", "999", "75.00", "82.72"],
            ["Progressive*", "0.01", "2", "808", "75.00", "100.0"],
        ]

    def test_last_step_and_overflow_stand_beside(self):
        lost = curve(10, 150, 20)
        lost.loc[2, "not_finite"] = 7
        row = self.table(lost).numbers.iloc[0]
        assert (row["last_accuracy_percent"], row["not_finite"]) == (10.0, 7)

    def test_mean_and_spread_over_seeds(self):
        table = self.table(curve(100, 120), curve(140, 120))
        row = table.numbers.iloc[0]
        assert row["max_accuracy_percent"] == 65.0
        assert row["max_accuracy_percent_sd"] == pytest.approx(50**0.5)
        assert row["seeds"] == 2
        assert table.printed["Max accuracy (%)"].iloc[0] == "65.00 ± 7.07"
        assert "over the seeds 1, 2" in table.caption

    def test_a_run_the_paper_has_not(self):
        table = tabulate_accuracy(
            [results("chess", curve(1), run="progressive-0.3")], experiment="trial"
        )
        assert table.printed.iloc[0, :6].tolist() == ["Progressive*", "0.3", "1", "-", "0.50", "-"]
        assert pd.isna(table.numbers["max_accuracy_percent_paper"].iloc[0])

    def test_the_experiment_and_its_size_are_named(self):
        caption = self.table(curve(10, 20)).caption
        assert caption.startswith("Mazes: steps until the highest accuracy on 200 test puzzles, of")
        assert "experiment trial, seed 1" in caption


class TestTraining:
    def table(self):
        return tabulate_training(
            [
                results("chess", history([50.0, 90.0, 90.0])),
                results("chess", history([10.0]), run="progressive-0", plotted=False),
                results("chess", history([80.0]), run="progressive-0.5"),
                results("mazes", history([99.0])),
                results("mazes", history([98.0]), run="progressive-0.01"),
            ],
            experiment="trial",
        )

    def test_rows_in_the_paper_s_order_then_the_others(self):
        names = self.table().printed[["Loss", "Task"]].to_numpy().tolist()
        assert names == [
            ["Delta", "Chess"],
            ["Delta", "Mazes"],
            ["Progressive, α = 0.5", "Chess"],
            ["Progressive, α = 0.01", "Mazes"],
            ["Progressive, α = 0", "Chess"],
        ]

    def test_numbers(self):
        row = self.table().numbers.iloc[0]
        assert row["final_train_accuracy_percent"] == 89.0
        assert row["max_validation_accuracy_percent"] == 90.0
        assert row["epoch_of_max_validation"] == 2
        assert row["hours_per_epoch"] == pytest.approx(40 / 3600)
        assert row["hours_to_max_validation"] == pytest.approx(80 / 3600)
        assert row["hours_to_max_validation_paper"] == 204.5

    def test_hours_keep_three_digits(self):
        printed = self.table().printed.iloc[0]
        assert printed["Time per epoch (hours)"] == "0.0111"
        assert printed["Time to epoch with max validation (hours)"] == "0.0222"
        assert printed["(paper) Time per epoch (hours)"] == "1.57"


class TestFiles:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        table = tabulate_accuracy([results("chess", curve(1, 150))], experiment="a_b")
        save_table(table, [tmp_path / f"table_5.{kind}" for kind in ("csv", "md", "tex")])
        return tmp_path

    def test_csv_holds_full_precision(self, folder):
        frame = pd.read_csv(io.StringIO((folder / "table_5.csv").read_text()))
        assert frame.loc[0, "loss"] == "delta"
        assert frame.loc[0, "max_accuracy_percent"] == 75.0
        assert frame.loc[0, "max_accuracy_percent_paper"] == 85.83

    def test_markdown_heads_the_paper_s_columns_shortly(self, folder):
        lines = (folder / "table_5.md").read_text().splitlines()
        assert lines[0].startswith("Table 5: Chess")
        heads = [cell.strip() for cell in lines[2].strip("|").split("|")]
        assert heads[:6] == [
            *("Loss", "α", "Steps until max accuracy", "(paper)", "Max accuracy (%)", "(paper)"),
        ]
        assert len({line.count("|") for line in lines[2:]}) == 1

    def test_latex_is_escaped(self, folder):
        lines = (folder / "table_5.tex").read_text().splitlines()
        assert r"experiment a\_b" in lines[2]
        bare = [line for line in lines[1:] if "%" in line.replace(r"\%", "")]
        assert bare == []
        assert any(line.endswith(r"\\") and "85.83" in line for line in lines)
        assert "α" not in "".join(lines)


def test_results_are_read_from_files(tmp_path):
    curve(3, 4).to_csv(tmp_path / "seed1.csv", index=False)
    files = RunFiles(
        task="mazes", run=parse_run("delta"), plotted=True, by_seed={1: tmp_path / "seed1.csv"}
    )
    (one,) = read_results([files], load_curve)
    assert one.title == "Mazes"
    assert one.by_seed[1]["correct"].tolist() == [3, 4]
