"""The audit of prefix sums: silent on made ones, and each check fires on its own fault."""

from __future__ import annotations

import numpy as np
import pytest

from deltaloss.core.errors import DataError
from deltaloss.puzzles import checks
from deltaloss.puzzles.base import Examples
from deltaloss.puzzles.prefix_sums.audit import inspect
from tests.puzzles.examples import make_mazes, make_strings


@pytest.mark.parametrize(("size", "count"), [(1, 2), (8, 60), (32, 1000), (1000, 50)])
def test_made_strings_pass(size, count):
    found = inspect(make_strings(size=size, count=count, seed=3), "generate")
    (check,) = found.checks
    assert (check.name, check.report()) == ("labels", {"checked": count, "failed": 0})
    assert (found.size, found.remarks) == (size, [])


def test_a_wrong_sum_is_found_in_whichever_chunk(monkeypatch):
    strings = make_strings(count=200)
    strings.targets[17, 30] ^= 1
    monkeypatch.setattr(checks, "CHUNK_BYTES", 7 * 32)
    (check,) = inspect(strings, "archive").checks
    assert np.flatnonzero(check.failed).tolist() == [17]


def test_bits_that_are_not_fair_are_remarked():
    bits = (np.random.default_rng(0).random((200, 1, 32)) < 0.6).astype(np.uint8)
    biased = Examples(inputs=bits, targets=np.bitwise_xor.accumulate(bits[:, 0], axis=1))
    found = inspect(biased, "archive")
    assert not found.checks[0].failed.any()
    (line,) = found.remarks
    assert "of the input bits are 1" in line


def test_ones_lengths_and_equally_likely_strings_are_counted():
    bits = np.array([[[1, 0, 0, 1]], [[0, 0, 0, 0]]], dtype=np.uint8)
    sums = np.array([[1, 1, 1, 0], [0, 0, 0, 0]], dtype=np.uint8)
    found = inspect(Examples(inputs=bits, targets=sums), "archive")
    assert (found.ones, found.counted) == (3, 8)
    assert (found.solutions["least"], found.solutions["most"]) == (0, 2)
    assert found.possible == {"exact": 16}


def test_images_are_refused():
    with pytest.raises(DataError, match=r"must be \[N, 1, L\]"):
        inspect(make_mazes(count=1), "generate")
