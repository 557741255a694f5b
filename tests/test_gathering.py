"""Which file belongs to which run and seed."""

from __future__ import annotations

from pathlib import Path

import pytest

from deltaloss.gathering import gather

CHESS = {
    "task": "chess",
    "runs": ["delta", "progressive-0", "progressive-0.5"],
    "plotted": ["delta", "progressive-0.5"],
    "seeds": [1, 2],
}
MAZES = {**CHESS, "task": "mazes", "runs": ["delta"], "plotted": ["delta"], "seeds": [7]}


def test_by_puzzle_then_run_then_seed():
    files = gather([CHESS, MAZES], list("abcdefg"))
    assert [(one.task, one.run.name, one.plotted, dict(one.by_seed)) for one in files] == [
        ("chess", "delta", True, {1: Path("a"), 2: Path("b")}),
        ("chess", "progressive-0", False, {1: Path("c"), 2: Path("d")}),
        ("chess", "progressive-0.5", True, {1: Path("e"), 2: Path("f")}),
        ("mazes", "delta", True, {7: Path("g")}),
    ]


def test_of_the_plotted_runs():
    files = gather([CHESS], list("abcd"), of="plotted")
    assert [one.run.name for one in files] == ["delta", "progressive-0.5"]


@pytest.mark.parametrize("count", [5, 7])
def test_other_numbers_of_files_are_refused(count):
    with pytest.raises(ValueError, match=r"files too many|shorter"):
        gather([CHESS], list("abcdefg")[:count])
