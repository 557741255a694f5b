"""Pages of the report."""

from __future__ import annotations

import pandas as pd

from deltaloss.evidence.pages import data_page, settings_page, statistic_page

SEEDS = pd.DataFrame(
    {
        "task": ["mazes", "mazes", "chess"],
        "run": ["delta", "progressive-0.5", "delta"],
        "seed": [1, 1, 1],
        "accuracy_percent": [97.123456, float("nan"), 12.0],
    }
)


def test_a_statistic_has_a_block_for_each_puzzle_with_runs_by_their_names():
    mazes, chess = statistic_page("seeds", SEEDS).blocks
    assert (mazes.title, chess.title) == ("Mazes", "Chess")
    assert [name for _, name in mazes.headings()] == ["run", "seed", "accuracy percent"]
    assert mazes.printed.to_numpy().tolist() == [
        ["Delta", "1", "97.12"],
        ["Progressive, α = 0.5", "1", "-"],
    ]


def test_settings_are_keys_with_plain_values_and_without_the_digest_of_the_code():
    settings = {
        "code": "abcd",
        "select": "both",
        "tasks": {"mazes": {"runs": ["delta"], "a": {"b": True}}},
    }
    common, mazes = settings_page(settings).blocks
    assert common.printed.to_numpy().tolist() == [["select", "both"]]
    assert mazes.printed.to_numpy().tolist() == [["runs", "delta"], ["a.b", "true"]]


def test_a_card_has_counts_and_findings_without_long_lists():
    audit = {"counts": {"train": 48}, "train": {"card": {"seed": 1}, "edges": list(range(9))}}
    (mazes,) = data_page({"mazes": audit}).blocks
    assert mazes.printed.to_numpy().tolist() == [["counts.train", "48"]]
