"""Statistic and table of recovery."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from deltaloss.convergence.recovery import DISTURBANCES
from deltaloss.core.runs import parse_run
from deltaloss.evidence.provenance import RunResults
from deltaloss.evidence.recovery import SUMMARY_COLUMNS, summarize_recovery, tabulate_recovery
from deltaloss.evidence.typeset import save_table
from deltaloss.evidence.verdicts import HOLDS, UNTESTABLE
from tests.docs.documents import ROOT
from tests.docs.test_columns import read_columns

from .latex import needs_latex, typeset


def seed(before, after, steps, alignment=0.5) -> pd.DataFrame:
    """Examples, equal for all disturbances."""
    rows = {
        "example": range(len(before)),
        "undisturbed_correct": before,
        "correct": after,
        "recovery_steps": steps,
        "alignment": alignment,
    }
    return pd.concat(pd.DataFrame(rows).assign(disturbance=name) for name in DISTURBANCES)


def runs(task, **by_run):
    return [
        RunResults(
            task=task,
            run=parse_run(run.replace("_", "-")),
            by_weights={f"seed{n}": frame for n, frame in enumerate(frames, 1)},
        )
        for run, frames in by_run.items()
    ]


YES, NO = True, False
ONE = seed([YES, YES, YES, NO], [YES, YES, NO, YES], [2.0, 4.0, np.nan, 9.0])
FAILED = seed([NO, NO], [NO, YES], [np.nan, 1.0])
MADE = runs("mazes", delta=[ONE, FAILED], progressive_1=[ONE, ONE])


def test_only_examples_that_are_right_without_the_disturbance_count():
    table = summarize_recovery(MADE)
    assert tuple(table.columns) == SUMMARY_COLUMNS
    assert len(table) == 4 * len(DISTURBANCES)
    first = table.iloc[0]
    assert (first["examples"], first["undisturbed_correct"]) == (4, 3)
    assert first["recovered_percent"] == pytest.approx(200 / 3)
    assert first["recovery_steps"] == 3
    failed = table[(table["run"] == "delta") & (table["seed"] == 2)]
    assert failed[["recovered_percent", "recovery_steps", "alignment"]].isna().all(axis=None)


def test_the_table_leaves_out_seeds_that_are_never_right():
    table = tabulate_recovery(summarize_recovery(MADE), experiment="tiny")
    assert [block.title for block in table.blocks] == [
        "Mazes: 99 % come back",
        "Mazes: mean over seeds (%)",
        "Mazes: answers that come back (%)",
        "Mazes: steps until then",
        "Mazes: alignment",
    ]
    printed = table.blocks[2].printed.droplevel(0, axis=1).set_index("Loss")
    assert printed["Swapped"].tolist() == ["66.7\n(66.7–66.7)"] * 2
    assert len(table.numbers) == 2 * len(DISTURBANCES)


def test_a_run_that_is_never_right_has_no_numbers():
    table = tabulate_recovery(summarize_recovery(runs("chess", delta=[FAILED])), experiment="tiny")
    assert {cell for block in table.blocks[1:] for cell in block.printed.iloc[0, 1:]} == {"-"}


def test_a_verdict_needs_ten_right_answers_of_a_seed():
    back, lost = seed([YES] * 10, [YES] * 10, [1.0] * 10), seed([YES] * 9, [NO] * 9, [np.nan] * 9)
    made = runs("mazes", delta=[back, back, lost], progressive_1=[back, lost, lost])
    table = tabulate_recovery(summarize_recovery(made), experiment="tiny")
    printed = table.blocks[0].printed.droplevel(0, axis=1).set_index("Loss")["Swapped"]
    assert printed.tolist() == [f"{HOLDS} (few seeds):\n2 of 2", "only 1 of\n3 solve"]
    assert set(table.numbers["recovery_seeds"]) == {1, 2}
    assert table.numbers["recovery_verdict"].tolist()[-1] == UNTESTABLE


def test_a_mean_over_seeds_has_student_s_interval():
    shares = [1.0, 0.9, 0.8, 0.5, 0.9]
    few = seed([YES] * 9, [NO] * 9, [np.nan] * 9)  # does not count
    made = [
        seed([YES] * 10, [YES] * round(10 * one) + [NO] * round(10 * (1 - one)), [1.0] * 10)
        for one in shares
    ]
    table = tabulate_recovery(
        summarize_recovery(runs("mazes", delta=[*made, few])), experiment="tiny"
    )
    row = table.numbers.iloc[-1]
    ends = stats.ttest_1samp([100 * one for one in shares], 0).confidence_interval()
    assert row["recovered_percent_mean"] == pytest.approx(82)
    assert row["recovered_percent_mean_low"] == pytest.approx(ends.low)
    assert (row["recovered_percent_mean_high"], ends.high > 100) == (100, True)
    printed = table.blocks[1].printed.droplevel(0, axis=1)["Swapped"]
    assert printed.tolist() == [f"82.0\n({ends.low:.1f}–100.0)"]


@needs_latex
def test_the_table_fits_the_text(tmp_path):
    made = runs("prefix_sums", **{"delta@last": [ONE, ONE], "progressive_0.01@last": [ONE] * 2})
    table = tabulate_recovery(summarize_recovery(made), experiment="tiny")
    save_table(table, [tmp_path / "recovery.tex"])
    assert "Overfull" not in typeset([tmp_path / "recovery.tex"], tmp_path)


@pytest.mark.parametrize("heading", ["Recovery by example", "Recovery", "Recovery table"])
def test_the_documented_columns_are_those_of_the_tables(heading):
    made = summarize_recovery(MADE)
    table = tabulate_recovery(made, experiment="tiny").numbers
    columns = {"Recovery by example": ONE, "Recovery": made, "Recovery table": table}
    documented = read_columns((ROOT / "docs" / "results.md").read_text(encoding="utf-8"), heading)
    assert sorted(documented) == sorted(columns[heading].columns)
