"""The figure of accuracy and steps against alpha."""

from __future__ import annotations

import pandas as pd
import pytest

from deltaloss.evidence.sweep import draw_sweep


def seeds() -> pd.DataFrame:
    """Three seeds of each run; the third of alpha 0.5 is not solved."""
    rows = []
    for run, accuracies in {
        "progressive-0.5": [99.0, 100.0, 60.0],
        "delta": [100.0, 99.5, 90.0],
        "progressive-0": [10.0, 20.0, 30.0],
        "progressive-0@last": [1.0, 1.0, 1.0],
    }.items():
        for seed, accuracy in enumerate(accuracies, start=1):
            for comparison in ("maximum", "last"):
                rows.append(
                    {
                        **{"task": "mazes", "run": run, "seed": seed, "comparison": comparison},
                        **{"accuracy_percent": accuracy, "solved": accuracy >= 99},
                        "step": 100 * seed,
                    }
                )
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def panels():
    accuracy, steps = draw_sweep(seeds(), "mazes", []).axes
    return accuracy, steps


def drawn(ax, marker: str) -> list[list[float]]:
    return [list(line.get_ydata()) for line in ax.get_lines() if line.get_marker() == marker]


def test_every_seed_of_every_alpha_has_a_dot_and_each_alpha_its_median(panels):
    accuracy, _ = panels
    assert [label.get_text() for label in accuracy.get_xticklabels()] == ["0", "0.5"]
    assert drawn(accuracy, "o") == [[10, 20, 30], [99, 100, 60]]
    assert drawn(accuracy, "_") == [[20], [99]]


def test_steps_are_those_of_solved_seeds(panels):
    _, steps = panels
    assert drawn(steps, "o") == [[], [100, 200]]
    assert drawn(steps, "_") == [[150]]


def test_delta_is_a_line_at_its_median(panels):
    for ax, median in zip(panels, (99.5, 150), strict=True):
        (line,) = [one for one in ax.get_lines() if one.get_marker() == "None"]
        assert list(line.get_ydata()) == [median, median]
