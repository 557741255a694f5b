"""The paper's printed numbers agree with each other and with the experiment of config.yaml."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from deltaloss.evidence import paper

CONFIG = yaml.safe_load((Path(__file__).resolve().parents[2] / "config.yaml").read_text())


@pytest.mark.parametrize(
    ("printed", "listed"),
    [(paper.ACCURACY, "runs"), (paper.TRAINING, "plotted")],
    ids=["accuracy tables", "training table"],
)
def test_tables_have_the_runs_of_the_experiment(printed, listed):
    runs = {(task, run) for task, one in CONFIG["tasks"].items() for run in one[listed]}
    assert set(printed) == runs


def test_data_set_sizes_are_those_of_the_experiment():
    for task, settings in CONFIG["tasks"].items():
        train, test = (paper.DATA[task, split] for split in ("train", "test"))
        assert settings["data"]["train"].get("size") == train.size
        assert settings["data"]["test"].get("size") == test.size
        assert settings["data"]["test"]["count"] == test.test


@pytest.mark.parametrize("key", paper.TRAINING, ids="-".join)
def test_times_of_table_4_fit_together(key):
    """The time to the best epoch is its number times an epoch's, within what rounding allows."""
    row = paper.TRAINING[key]
    assert row.hours_to_max_validation == pytest.approx(
        row.epoch_of_max_validation * row.hours_per_epoch, rel=Decimal("0.17")
    )


def test_delta_is_better_on_chess_alone():
    """Section 4: better on chess, both losses at 99.9 percent or more on the other two."""
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
