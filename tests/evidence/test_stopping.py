"""Statistic and table of the rules that stop a network."""

from __future__ import annotations

import pandas as pd
import pytest

from deltaloss.convergence.stopping import RULES
from deltaloss.core.runs import parse_run
from deltaloss.evidence.provenance import RunResults
from deltaloss.evidence.stopping import (
    HEADINGS,
    SUMMARY_COLUMNS,
    summarize_stops,
    tabulate_stopping,
)
from deltaloss.evidence.typeset import save_table
from tests.docs.documents import ROOT
from tests.docs.test_columns import read_columns

from .latex import needs_latex, typeset


def seed(correct_percent, stops, right):
    """Accuracy after each step; where each example stops, by any rule, and whether it is right."""
    steps = pd.DataFrame(
        {"step": range(1, len(correct_percent) + 1), "correct_percent": correct_percent}
    )
    columns = {f"{rule}_step": stops for rule in RULES} | {
        f"{rule}_correct": right for rule in RULES
    }
    return steps, pd.DataFrame(columns)


def runs(task, **by_run):
    """Rows of steps and of examples of each run, whose seeds count from 1."""
    pairs = [
        (
            RunResults(
                task=task,
                run=parse_run(run.replace("_", "-")),
                by_weights={f"seed{n}": steps for n, (steps, _) in enumerate(seeds, 1)},
            ),
            RunResults(
                task=task,
                run=parse_run(run.replace("_", "-")),
                by_weights={f"seed{n}_examples": rows for n, (_, rows) in enumerate(seeds, 1)},
            ),
        )
        for run, seeds in by_run.items()
    ]
    return [steps for steps, _ in pairs], [examples for _, examples in pairs]


ONE = seed([0.0, 75.0, 75.0, 50.0], [2, 3, 3, 4], [True, True, False, False])
OTHER = seed([0.0, 0.0, 0.0, 100.0], [4, 4, 4, 4], [True, True, True, True])
MADE = runs("mazes", delta=[ONE, OTHER], progressive_1=[OTHER, OTHER])


def test_each_seed_has_a_row_for_each_rule():
    table = summarize_stops(*MADE)
    assert tuple(table.columns) == SUMMARY_COLUMNS
    assert len(table) == 2 * 2 * len(HEADINGS)
    first = table[(table["run"] == "delta") & (table["seed"] == 1)].set_index("rule")
    assert list(first.index) == list(HEADINGS)
    assert first.loc["best", ["accuracy_percent", "step"]].tolist() == [75, 2]  # the first of two
    assert first.loc["last", ["accuracy_percent", "step"]].tolist() == [50, 4]
    assert first.loc["unchanged", ["accuracy_percent", "step"]].tolist() == [50, 3]
    assert first.loc["unchanged", "step_p90"] == pytest.approx(3.7)


def test_seeds_of_both_inputs_must_fit():
    steps, examples = MADE
    with pytest.raises(ValueError, match="zip"):
        summarize_stops(steps, examples[:1])


def test_the_table_has_accuracies_and_steps_of_each_puzzle():
    table = tabulate_stopping(summarize_stops(*MADE), experiment="tiny")
    assert [block.title for block in table.blocks] == ["Mazes: accuracy (%)", "Mazes: steps"]
    accuracy, steps = (
        block.printed.droplevel(0, axis=1).set_index("Loss") for block in table.blocks
    )
    assert accuracy.loc["Delta", "Best on\ntest set"] == "87.5\n(75.0–100)"
    assert accuracy.loc["Delta", "Most\nconfident"] == "75.0\n(50.0–100)"
    assert steps.loc["Delta", "Same\nfor 10"] == "3.5\n(3–4)"
    assert len(table.numbers) == 2 * len(HEADINGS)


@needs_latex
def test_the_table_fits_the_text(tmp_path):
    made = runs("prefix_sums", **{"delta@last": [ONE, OTHER], "progressive_0.01@last": [OTHER] * 2})
    table = tabulate_stopping(summarize_stops(*made), experiment="tiny")
    save_table(table, [tmp_path / "stopping.tex"])
    assert "Overfull" not in typeset([tmp_path / "stopping.tex"], tmp_path)


@pytest.mark.parametrize("heading", ["Stopping", "Stopping table"])
def test_the_documented_columns_are_those_of_the_tables(heading):
    made = summarize_stops(*MADE)
    numbers = tabulate_stopping(made, experiment="tiny").numbers
    columns = {"Stopping": made.columns, "Stopping table": numbers.columns}[heading]
    documented = read_columns((ROOT / "docs" / "results.md").read_text(encoding="utf-8"), heading)
    assert sorted(documented) == sorted(columns)
