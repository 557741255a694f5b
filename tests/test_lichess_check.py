"""A puzzle file is looked at before any job, and once only."""

from __future__ import annotations

import pytest

from deltaloss.datasets import lichess
from deltaloss.datasets.lichess_check import check_puzzle_file
from deltaloss.errors import DataError

ROW = "00008,r6k/pp2r2p/4Rp1Q/3p4/8/1N1P2R1/PqP2bPP/7K b - - 0 24,f2g3 e6e7,{},77,95,8,a,b\n"


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "puzzles.csv"
    path.write_text("".join(ROW.format(rating) for rating in (900, 1000, 1100)))
    return path


def check(path, train=2, test=1):
    memory = path.parent / "memory"
    return check_puzzle_file(path, train_count=train, test_count=test, memory=memory)


def test_a_file_that_did_not_change_is_not_read_again(path, monkeypatch):
    first = check(path)
    monkeypatch.setattr(lichess, "check_puzzles", lambda path: pytest.fail("read again"))
    assert check(path) == first


def test_a_file_that_changed_is_read_again(path):
    check(path)
    path.write_text(path.read_text().replace("1100", "high"))
    with pytest.raises(DataError, match=r"puzzles\.csv, line 3: .*high"):
        check(path)


def test_a_larger_experiment_asks_again(path):
    check(path)
    with pytest.raises(DataError, match="3 puzzles, but 2 for training and 2 for testing need 4"):
        check(path, test=2)


def test_a_missing_file(tmp_path):
    with pytest.raises(DataError, match=r"no\.csv: there is no such puzzle file"):
        check(tmp_path / "no.csv")


def test_a_refused_file_leaves_nothing(path):
    with pytest.raises(DataError):
        check(path, train=9)
    assert [one.name for one in path.parent.iterdir()] == ["puzzles.csv"]


def test_the_content_has_a_digest(path):
    before = check(path)
    assert check(path.rename(path.with_name("moved.csv"))) == before
    path.write_text(path.with_name("moved.csv").read_text().replace("900", "901"))
    assert check(path) != before
