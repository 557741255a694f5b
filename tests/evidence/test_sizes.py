"""Statistic, table and figure of puzzles of several sizes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from deltaloss.core.runs import parse_run
from deltaloss.evaluation.answers import Answers, save_answers
from deltaloss.evidence.paired import wilson_interval
from deltaloss.evidence.provenance import RunResults
from deltaloss.evidence.sizes import (
    SUMMARY_COLUMNS,
    read_sizes,
    summarize_sizes,
    tabulate_sizes,
)
from deltaloss.evidence.sizes_figure import draw_sizes
from deltaloss.evidence.typeset import save_table
from tests.docs.documents import ROOT
from tests.docs.test_columns import read_columns

from .curves import summary as panel_summary
from .latex import needs_latex, typeset

SIZES = (64, 128, 256, 1024)
EXAMPLES = 4


def answers(first: int, steps: int, *, right: int = EXAMPLES, lost: bool = False) -> Answers:
    """Examples that are right from a step on; lost ones are wrong at the last step."""
    correct = np.zeros((steps, EXAMPLES), dtype=bool)
    correct[first - 1 : steps - lost, :right] = True
    nonfinite = np.array([0] * (EXAMPLES - 1) + [steps * lost], dtype=np.int32)
    return Answers(correct=correct, nonfinite_step=nonfinite)


def made(*runs: str, seeds: int = 2, task: str = "prefix_sums") -> pd.DataFrame:
    """Seed n of run r needs size * (n + r) / 8 steps; one more run never solves anything."""
    by_size = {
        size: [
            RunResults(
                task=task,
                run=parse_run(run),
                by_weights={
                    f"seed{n}": answers(size * (n + r) // 8, size) for n in range(1, seeds + 1)
                },
            )
            for r, run in enumerate(runs)
        ]
        + [
            RunResults(
                task=task,
                run=parse_run("progressive-0.5"),
                by_weights={
                    f"seed{n}": answers(2, size, right=1, lost=True) for n in range(1, seeds + 1)
                },
            )
        ]
        for size in SIZES
    }
    return summarize_sizes(by_size)


def test_each_seed_has_a_row_at_each_size():
    table = made("delta", "progressive-1")
    assert tuple(table.columns) == SUMMARY_COLUMNS
    assert len(table) == 3 * 2 * len(SIZES)
    row = table[(table["run"] == "delta") & (table["seed"] == 2)].iloc[-1]
    assert (row["size"], row["steps"], row["steps_until_max_accuracy"]) == (1024, 1024, 256)
    assert row["solved"]
    assert not row["max_at_last_step"]
    assert row["max_accuracy_percent"] == row["last_accuracy_percent"] == 100
    assert row["low_percent"] == pytest.approx(100 * wilson_interval(4, 4)[0])
    lost = table[table["run"] == "progressive-0.5"].iloc[0]
    assert (lost["max_accuracy_percent"], lost["last_accuracy_percent"]) == (25, 0)
    assert lost["not_finite"] == 1
    assert not lost["solved"]


def test_a_highest_accuracy_at_the_last_step_is_said():
    result = RunResults(
        task="mazes",
        run=parse_run("delta"),
        by_weights={"seed1": answers(7, 7), "seed2": answers(6, 7)},
    )
    table = summarize_sizes({9: [result]})
    assert table["max_at_last_step"].tolist() == [True, False]
    printed = tabulate_sizes(table, experiment="tiny").blocks[0].printed.droplevel(0, axis=1)
    assert printed["Max at\nlast step"].tolist() == ["1 of 2"]


def test_files_of_one_weights_at_several_sizes_are_kept_apart(tmp_path):
    paths = []
    for size in (9, 11):
        path = tmp_path / f"sizes/{size}/mazes/delta/seed1.npz"
        path.parent.mkdir(parents=True)
        save_answers(path, answers(size - 1, size))
        paths.append(path)
    by_size = read_sizes(paths)
    assert list(by_size) == [9, 11]
    assert summarize_sizes(by_size)["steps_until_max_accuracy"].tolist() == [8, 10]


def test_the_table_has_a_row_for_each_size_and_run_and_the_exponents():
    table = tabulate_sizes(made("delta"), experiment="tiny")
    assert len(table.numbers) == 2 * len(SIZES)
    rows, laws = (block.printed.droplevel(0, axis=1) for block in table.blocks)
    assert rows["Size"].tolist() == ["64", "64", "128", "128", "256", "256", "1,024", "1,024"]
    assert rows["Solved"].tolist() == ["2 of 2", "0 of 2"] * len(SIZES)
    assert rows["Steps until\nmax accuracy"].tolist()[:2] == ["12\n(8–16)", "-"]
    assert laws["Exponent b"].tolist() == ["1.00\n(1.00–1.00)", "-"]
    numbers = table.numbers[table.numbers["run"] == "delta"]
    assert numbers["exponent"].tolist() == pytest.approx([1.0] * len(SIZES))
    assert set(numbers["exponent_seeds"]) == {2}


def test_one_seed_has_wilson_s_interval_and_an_exponent_without_one():
    table = tabulate_sizes(made("delta", seeds=1), experiment="tiny")
    rows, laws = (block.printed.droplevel(0, axis=1) for block in table.blocks)
    assert rows["Max accuracy\n(%)"].iloc[0] == "100.0\n(51.0–100.0)"
    assert laws["Exponent b"].iloc[0] == "1.00"


@needs_latex
def test_the_table_fits_the_text(tmp_path):
    table = tabulate_sizes(made("delta@last", "progressive-0.01@last"), experiment="tiny")
    save_table(table, [tmp_path / "sizes.tex"])
    assert "Overfull" not in typeset([tmp_path / "sizes.tex"], tmp_path)


@pytest.mark.parametrize("heading", ["Sizes", "Sizes table"])
def test_the_documented_columns_are_those_of_the_tables(heading):
    summary = made("delta")
    numbers = tabulate_sizes(summary, experiment="tiny").numbers
    columns = {"Sizes": summary, "Sizes table": numbers}
    documented = read_columns((ROOT / "docs" / "results.md").read_text(encoding="utf-8"), heading)
    assert sorted(documented) == sorted(columns[heading].columns)


@pytest.mark.parametrize("seeds", [1, 3])
def test_the_figure_has_every_solved_seed_and_the_power_law(seeds, tmp_path):
    rows = made("delta", seeds=seeds)
    panel = {"task": "prefix_sums", **panel_summary("prefix_sums", "delta")}
    paths = [tmp_path / f"sizes.{kind}" for kind in ("pdf", "svg", "png")]
    figure = draw_sizes(rows, panel, paths)
    accuracy, steps = figure.axes
    assert all(path.stat().st_size > 1000 for path in paths)
    assert [label.get_text() for label in accuracy.get_xticklabels()] == list(map(str, SIZES))
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    interval = "" if seeds == 1 else " (1.00–1.00)"
    assert labels == [f"Delta: $b$ = 1.00{interval}", "Progressive, α = 0.5", "Size in training"]
    shown = [line for line in steps.get_lines() if line.get_linestyle() == "None"]
    assert sum(len(line.get_xdata()) for line in shown) == seeds * len(SIZES)
    (law,) = [line for line in steps.get_lines() if list(line.get_xdata()) == [64, 1024]]
    middle = np.exp(np.log(np.arange(1, seeds + 1) / 8).mean())
    np.testing.assert_allclose(law.get_ydata(), [64 * middle, 1024 * middle])
    assert Path(paths[0]).read_bytes() == Path(_again(rows, panel, tmp_path)).read_bytes()


def _again(rows: pd.DataFrame, panel: dict[str, object], folder: Path) -> Path:
    path = folder / "again.pdf"
    draw_sizes(rows, panel, [path])
    return path


def test_the_figure_is_drawn_where_no_seed_is_solved(tmp_path):
    rows = made()
    panel = {"task": "prefix_sums", **panel_summary("prefix_sums", "delta")}
    figure = draw_sizes(rows, panel, [tmp_path / "sizes.png"])
    assert not rows["solved"].any()
    assert figure.axes[1].get_ylim()[0] > 0
