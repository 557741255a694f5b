"""Puzzles of two sizes, really evaluated by a tiny network."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from deltaloss.core.files import check_file, read_json
from deltaloss.evaluation.answers import load_answers

from .projects import Project

SIZES: dict[str, Any] = {
    "tasks": {
        "prefix_sums": {
            "runs": ["delta"],
            "plotted": ["delta"],
            "sizes": [
                {"size": 3, "count": 8, "steps": 6},  # the test set
                {"size": 5, "count": 7, "steps": 4},
            ],
        }
    }
}


def test_every_network_is_evaluated_at_every_size(finished: Project):
    assert dict(finished.plan("sizes", settings=SIZES).rules) == {
        **{"make_examples": 1, "evaluate_size": 2},
        **{"tabulate_sizes": 1, "draw_sizes": 1},
    }
    finished.make("publish_sizes_prefix_sums", settings=SIZES)
    results = finished.folder / "results" / "tiny"
    small, large = (
        load_answers(results / f"sizes/{size}/prefix_sums/delta/seed42.npz") for size in (3, 5)
    )
    evaluated = load_answers(results / "evaluations" / "prefix_sums" / "delta" / "seed42.npz")
    np.testing.assert_array_equal(small.correct, evaluated.correct)
    assert (large.steps, large.examples) == (4, 7)
    statistic = results / "statistics" / "sizes_prefix_sums.csv"
    check_file(statistic)
    table = pd.read_csv(statistic)
    assert table["size"].tolist() == [3, 5]
    assert table["max_accuracy_percent"].iloc[0] == evaluated.curve()["accuracy_percent"].max()
    for kind in ("pdf", "svg", "png"):
        check_file(results / "figures" / f"sizes_prefix_sums.{kind}")
    origin = read_json(results / "figures" / "sizes_prefix_sums.json")
    assert set(origin) == {"settings", "inputs", "versions", "files_sha256"}
    published = finished.folder / "results" / "published" / "tiny"
    assert (published / "statistics" / "sizes_prefix_sums.csv").is_file()
    assert finished.plan("sizes", settings=SIZES).rules == {}
    done = finished.dry_run("sizes")
    assert "no puzzle has sizes: add tasks.TASK.sizes" in done.stdout + done.stderr
