"""The measurement of a puzzle: every form takes its turn, and the table holds their ratios."""

from __future__ import annotations

import pandas as pd
import pytest
import scipy.stats

from deltaloss.config.settings import NetworkSettings
from deltaloss.efficiency.forms import FORMS
from deltaloss.efficiency.measure import REPEATS, measure
from deltaloss.efficiency.ratios import DRAWS, T_QUANTILE, tabulate_ratios
from deltaloss.evidence.efficiency import tabulate_efficiency
from deltaloss.evidence.formats import NONE
from deltaloss.model.make import make_network
from deltaloss.puzzles.base import load_task

from .small import SHAPES, STEPS, small_network

RUNS = ("delta", "progressive-0.3")


def test_every_form_is_measured_for_every_draw():
    network = small_network().float()
    measured = measure(
        network,
        load_task("prefix_sums"),
        RUNS,
        shape=SHAPES["prefix_sums"],
        batch_size=3,
        steps=STEPS,
        seed=1,
    )
    keys = {(run, form) for run in RUNS for form in FORMS}
    assert set(measured.values) == {"kept_mb", "seconds", "largest_batch_8gb_predicted"}
    for measure_name, by_key in measured.values.items():
        assert set(by_key) == keys
        assert all(value > 0 for values in by_key.values() for value in values)
        count = 1 if "largest" in measure_name else DRAWS
        assert {len(values) for values in by_key.values()} == {count}
    for by_draw in measured.details["seconds"].values():
        assert [len(repeats) for repeats in by_draw] == [REPEATS] * DRAWS
    assert len(measured.details["draws"]["progressive-0.3"]) == DRAWS


@pytest.mark.parametrize(("mixing", "run"), [(True, "delta"), (False, "delta_random")])
def test_what_the_paper_does_not_have_is_measured_in_our_form_alone(mixing: bool, run: str):
    task = load_task("prefix_sums")
    settings = NetworkSettings(width=6, head=(4, 3), recall_relu=True, mixing=mixing)
    runs = [*dict.fromkeys(["delta", run])]
    sizes = {"shape": SHAPES["prefix_sums"], "batch_size": 3, "steps": STEPS}
    measured = measure(make_network(task, settings), task, runs, **sizes, seed=1)
    table = tabulate_ratios(measured.values, task="prefix_sums", batch_size=3, steps=STEPS)
    own = table[table["run"] == run]
    assert set(own["form"]) == {"ours"}
    assert own["to_delta"].notna().all()
    assert own["to_published"].isna().all()
    drawn = measured.details["draws"][run]
    assert all(2 <= steps <= STEPS for (steps,) in drawn) if run == "delta_random" else drawn
    printed = tabulate_efficiency([table], experiment="some").blocks[0].printed
    assert NONE in printed.to_numpy()


@pytest.fixture
def table() -> pd.DataFrame:
    """Times of one draw sequence: the Progressive Loss costs 1 to 2 times the Delta Loss."""
    seconds = {
        ("delta", "published"): [2.0] * DRAWS,
        ("delta", "ours"): [1.0] * DRAWS,
        ("progressive-0.3", "published"): [2.0, 4.0] * (DRAWS // 2),
        ("progressive-0.3", "ours"): [1.0] * DRAWS,
    }
    sizes = {key: [100 // row] for row, key in enumerate(seconds, start=1)}
    values = {"seconds": seconds, "largest_batch_8gb_predicted": sizes}
    return tabulate_ratios(values, task="mazes", batch_size=3, steps=STEPS)


def test_ratios_are_to_delta_in_the_same_form_to_published_and_to_our_delta(table):
    rows = table[table["measure"] == "seconds"].set_index(["run", "form"])
    row = rows.loc[("progressive-0.3", "published")]
    assert row[["value", "to_delta", "to_published", "to_delta_ours"]].tolist() == [3, 1.5, 1, 3]
    row = rows.loc[("progressive-0.3", "ours")]
    assert row["to_delta"] == row["to_delta_ours"] == 1
    assert row["to_published"] == 0.375  # mean of 1/2 and 1/4


def test_intervals_are_student_s_over_the_draws(table):
    row = table.set_index(["measure", "run", "form"]).loc[
        ("seconds", "progressive-0.3", "published")
    ]
    ratios = [1.0, 2.0] * (DRAWS // 2)
    low, high = scipy.stats.t.interval(0.95, DRAWS - 1, loc=1.5, scale=scipy.stats.sem(ratios))
    assert row["to_delta_low"] == pytest.approx(low, rel=1e-4)
    assert row["to_delta_high"] == pytest.approx(high, rel=1e-4)
    assert pytest.approx(scipy.stats.t.ppf(0.975, DRAWS - 1), rel=1e-4) == T_QUANTILE


def test_a_single_value_has_no_interval(table):
    rows = table[table["measure"] == "largest_batch_8gb_predicted"]
    assert rows["value"].tolist() == [100, 50, 33, 25]
    assert rows[[name for name in table if name.endswith(("_low", "_high"))]].isna().all(axis=None)
