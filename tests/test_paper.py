"""The paper's printed numbers agree with each other and with the experiment of config.yaml."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from deltaloss import paper

CONFIG = yaml.safe_load((Path(__file__).resolve().parents[1] / "config.yaml").read_text())


def test_tables_5_to_7_have_the_runs_of_the_experiment():
    runs = {(task, run) for task, one in CONFIG["tasks"].items() for run in one["runs"]}
    assert set(paper.ACCURACY) == runs


def test_table_4_has_the_plotted_runs():
    plotted = {(task, run) for task, one in CONFIG["tasks"].items() for run in one["plotted"]}
    assert set(paper.TRAINING) == plotted


@pytest.mark.parametrize("key", paper.TRAINING, ids="-".join)
def test_times_of_table_4_fit_together(key):
    """Time to the best epoch is its number times an epoch's, within what rounding allows."""
    row = paper.TRAINING[key]
    assert row.hours_to_max_validation == pytest.approx(
        row.epoch_of_max_validation * row.hours_per_epoch, rel=Decimal("0.17")
    )


@pytest.mark.parametrize("key", paper.ACCURACY, ids="-".join)
def test_steps_lie_within_those_evaluated(key):
    steps = CONFIG["tasks"][key[0]]["evaluation"]["steps"]
    assert 1 <= paper.ACCURACY[key].steps_until_max_accuracy <= steps
    assert 0 < paper.ACCURACY[key].max_accuracy_percent <= 100


def test_delta_is_best_on_chess_alone():
    """Section 4: better on chess, both at 99.9 percent or more on the other two."""
    best = {
        (task, loss): max(
            row.max_accuracy_percent
            for (name, run), row in paper.ACCURACY.items()
            if name == task and run.startswith(loss)
        )
        for task in CONFIG["tasks"]
        for loss in ("delta", "progressive")
    }
    assert best["chess", "delta"] > best["chess", "progressive"]
    for task in ("mazes", "prefix_sums"):
        assert min(best[task, "delta"], best[task, "progressive"]) >= Decimal("99.9")
