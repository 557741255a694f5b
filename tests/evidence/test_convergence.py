"""Statistic, table and figure of convergence."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from deltaloss.convergence.behaviour import EXAMPLE_COLUMNS, STEP_COLUMNS
from deltaloss.core.runs import parse_run
from deltaloss.evidence.convergence import (
    SUMMARY_COLUMNS,
    summarize_convergence,
    tabulate_convergence,
)
from deltaloss.evidence.convergence_figure import FLOOR, draw_convergence
from deltaloss.evidence.figure_1 import curve_style
from deltaloss.evidence.provenance import RunResults
from deltaloss.evidence.typeset import save_table
from deltaloss.evidence.verdicts import FAILS, HOLDS, UNDECIDED, UNTESTABLE
from tests.docs.documents import ROOT
from tests.docs.test_columns import read_columns

from .curves import summary
from .latex import needs_latex, typeset


def examples(*behaviours: str, settled=5.0, radius=0.5) -> pd.DataFrame:
    """Examples of these behaviours, the first of which is right and alone has a radius."""
    frame = pd.DataFrame(0.0, index=range(len(behaviours)), columns=list(EXAMPLE_COLUMNS))
    frame["behaviour"] = behaviours
    frame["correct"] = [True] + [False] * (len(behaviours) - 1)
    frame["settled_step"] = settled
    frame["radius"] = [radius] + [np.nan] * (len(behaviours) - 1)
    frame["radius_residual"] = 1e-4
    return frame


def runs(task, **by_run):
    return [
        RunResults(
            task=task,
            run=parse_run(run.replace("_", "-")),
            by_weights={f"seed{n}_examples": frame for n, frame in enumerate(frames, 1)},
        )
        for run, frames in by_run.items()
    ]


def by_step(results, most=100.0):
    """The steps of results: at each network's best step `most` percent are right."""
    frame = steps([1, 1, 1])
    frame["correct_percent"] = [0, most, 0]
    return [
        RunResults(
            task=one.task,
            run=one.run,
            by_weights={name.removesuffix("_examples"): frame for name in one.by_weights},
        )
        for one in results
    ]


def summarize(results, most=100.0):
    return summarize_convergence(by_step(results, most), results)


FIXED, CYCLE, LOST = "fixed point", "cycle of two", "not finite"
MADE = [
    *runs(
        "mazes",
        delta=[examples(FIXED, FIXED, FIXED, CYCLE), examples(FIXED, FIXED, FIXED, FIXED)],
        progressive_1=[examples(FIXED, LOST, settled=np.nan, radius=2.0)] * 2,
    ),
    *runs("chess", delta=[examples("drifting")]),
]


def test_each_seed_has_its_shares():
    table = summarize(MADE)
    assert tuple(table.columns) == SUMMARY_COLUMNS
    assert table["seed"].tolist() == [1, 2, 1, 2, 1]
    first = table.iloc[0]
    assert (first["fixed_point_percent"], first["cycle_of_two_percent"]) == (75, 25)
    assert first["correct_percent"] == 25
    assert first["correct_fixed_points_percent"] == pytest.approx(100 / 3)
    assert (first["settled_percent"], first["settled_step"], first["radius"]) == (100, 5, 0.5)
    assert (first["radius_examples"], first["radius_converged"]) == (1, 1)
    assert first["max_correct_percent"] == 100
    lost = table.iloc[2]
    assert (lost["not_finite_percent"], lost["settled_percent"]) == (50, 0)
    assert np.isnan(lost["settled_step"])
    assert np.isnan(table.iloc[4]["correct_fixed_points_percent"])


def test_an_iteration_that_did_not_converge_is_counted():
    frame = examples(FIXED)
    frame["radius_residual"] = 0.1
    row = summarize(runs("mazes", delta=[frame])).iloc[0]
    assert (row["radius_examples"], row["radius_converged"], row["radius"]) == (1, 0, 0.5)


def test_the_table_has_medians_over_seeds_and_the_behaviours_that_occur():
    table = tabulate_convergence(summarize(MADE), experiment="tiny")
    assert [block.title for block in table.blocks] == [
        *("Mazes", "Mazes: last steps (%)"),
        *("Chess", "Chess: last steps (%)"),
    ]
    settling, printed = (
        block.printed.droplevel(0, axis=1).set_index("Loss") for block in table.blocks[:2]
    )
    assert "Growing" not in printed
    assert printed["Fixed\npoint"].tolist() == ["87.5\n(75.0–100)", "50.0\n(50.0–50.0)"]
    assert settling["Settled\nat step"].tolist() == ["5\n(5–5)", "-"]
    assert settling["Radius"].tolist() == ["0.500\n(0.500–0.500)", "2.000\n(2.000–2.000)"]
    assert len(table.numbers) == 3
    assert table.numbers["fixed_point_percent_min"].tolist() == [75, 50, 0]


MANY = {count: examples(*[FIXED] * count, *["drifting"] * (1000 - count)) for count in (990, 989)}


class TestVerdicts:
    def verdicts(self, *counts, most=100.0):
        made = runs("mazes", delta=[MANY[count] for count in counts])
        row = tabulate_convergence(summarize(made, most), experiment="tiny").numbers.iloc[0]
        return row["states_verdict"], row["states_met"], row["states_seeds"]

    def test_four_of_five_seeds_must_reach_99_percent(self):
        assert self.verdicts(990, 990, 990, 990, 989) == (HOLDS, 4, 5)
        assert self.verdicts(990, 990, 990, 989, 989) == (UNDECIDED, 3, 5)
        assert self.verdicts(990, 989, 989, 989, 989) == (FAILS, 1, 5)
        assert self.verdicts(990) == (f"{HOLDS} (one seed)", 1, 1)

    def test_networks_that_solve_nothing_at_any_step_show_nothing(self):
        assert self.verdicts(990, 990, most=0.9) == (UNTESTABLE, 0, 0)
        assert self.verdicts(990, 990, most=1.0) == (f"{HOLDS} (few seeds)", 2, 2)

    def test_ten_of_300_are_ten(self):
        made = runs("mazes", delta=[examples(*[FIXED] * 300)] * 2)
        table = tabulate_convergence(summarize(made, 3.333333), experiment="tiny").numbers
        assert table["states_seeds"].tolist() == [2]

    def test_answers_may_settle_where_states_do_not(self):
        made = runs("mazes", delta=[MANY[989]] * 2)
        table = tabulate_convergence(summarize(made), experiment="tiny")
        printed = table.blocks[0].printed.droplevel(0, axis=1).iloc[0]
        assert printed["States\nconverge"] == f"{FAILS} (few seeds):\n0 of 2"
        assert printed["Answers\nconverge"] == f"{HOLDS} (few seeds):\n2 of 2"


@needs_latex
def test_the_table_fits_the_text(tmp_path):
    every = [examples(FIXED, CYCLE, "growing", "drifting", LOST), examples(FIXED)] * 2
    made = summarize(runs("prefix_sums", **{"delta@last": every, "progressive_0.01@last": every}))
    save_table(tabulate_convergence(made, experiment="tiny"), [tmp_path / "convergence.tex"])
    assert "Overfull" not in typeset([tmp_path / "convergence.tex"], tmp_path)


@pytest.mark.parametrize("heading", ["Convergence", "Convergence table"])
def test_the_documented_columns_are_those_of_the_tables(heading):
    made = summarize(MADE)
    table = tabulate_convergence(made, experiment="tiny").numbers
    columns = {"Convergence": made.columns, "Convergence table": table.columns}[heading]
    documented = read_columns((ROOT / "docs" / "results.md").read_text(encoding="utf-8"), heading)
    assert sorted(documented) == sorted(columns)


def steps(changes) -> pd.DataFrame:
    frame = pd.DataFrame(0.0, index=range(len(changes)), columns=list(STEP_COLUMNS))
    frame["step"] = range(1, len(changes) + 1)
    for ending, factor in {"": 1, "_p10": 0.5, "_p90": 2}.items():
        frame[f"state_change{ending}"] = factor * np.asarray(changes)
    return frame


def test_the_figure_has_the_medians_of_the_plotted_runs_in_the_look_of_figure_1():
    results = [
        RunResults(task="mazes", run=parse_run(run), by_weights=by_weights)
        for run, by_weights in {
            "delta": {"seed1": steps([1, 0.1, 0]), "seed2": steps([3, 0.3, 0])},
            "progressive-0": {"seed1": steps([1, 1, 1])},
            "progressive-0.01": {"seed1": steps([1, 0.9, 0.8])},
        }.items()
    ]
    panel = {"task": "mazes", **summary("mazes", "delta", "progressive-0.01", train_steps=2)}
    (ax,) = draw_convergence(results, panel, []).axes
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    lines = {line.get_label(): line for line in ax.get_lines()}
    assert list(lines) == ["Delta", "Progressive, α = 0.01", "Resolution", "Steps in training, $T$"]
    np.testing.assert_allclose(lines["Delta"].get_ydata(), [2, 0.2, FLOOR])
    for place, label in enumerate(list(lines)[:2]):
        look = curve_style(place, 2, steps=3)
        assert lines[label].get_color() == look["color"]
        assert lines[label].get_marker() == look["marker"]
    band = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert band.max() == pytest.approx(4)
    assert band.min() == pytest.approx(FLOOR)
