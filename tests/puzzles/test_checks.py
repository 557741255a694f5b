"""What audits share: warnings that name an example, prints, and summaries of lengths."""

from __future__ import annotations

import numpy as np
import pytest

from deltaloss.puzzles import checks
from deltaloss.puzzles.checks import Check, chunks, describe_lengths, prints_of


def test_a_fault_counts_the_failures_and_names_the_first():
    check = Check(name="labels", fault="are wrong", failed=np.array([False, True, True]))
    assert check.report() == {"checked": 3, "failed": 2}
    (line,) = check.faults()
    assert line == "2 of 3 examples looked at are wrong (the first is number 1, from 0)"


def test_the_first_failure_is_named_by_its_number_in_the_file():
    check = Check(name="a", fault="b", failed=np.array([False, True]), rows=np.array([4, 17]))
    assert "number 17, from 0" in check.faults()[0]
    assert Check(name="a", fault="b", failed=np.zeros(2, dtype=bool)).faults() == []


def test_prints_are_equal_for_equal_examples_only(monkeypatch):
    bits = np.random.default_rng(0).integers(2, size=(40, 3, 5), dtype=np.uint8)
    bits[33] = bits[4]
    prints = prints_of(bits)
    assert prints[33] == prints[4]
    assert len(np.unique(prints)) == 39
    monkeypatch.setattr(checks, "CHUNK_BYTES", 100)
    assert [part.start for part in chunks(bits)] == [0, 6, 12, 18, 24, 30, 36]
    np.testing.assert_array_equal(prints_of(bits), prints)


def test_lengths_are_counted_in_bins_of_whole_numbers():
    found = describe_lengths("ones", np.array([0, 2]))
    assert (found["least"], found["median"], found["mean"], found["most"]) == (0, 1, 1, 2)
    assert (found["edges"], found["counts"]) == ([0, 1, 2, 3], [1, 0, 1])
    wide = describe_lengths("ones", np.arange(1000))
    assert len(wide["counts"]) <= 20
    assert sum(wide["counts"]) == 1000
    assert describe_lengths("ones", np.array([], dtype=np.int64)) == {"what": "ones", "count": 0}


@pytest.mark.parametrize("size", [1, 1 << 26])
def test_a_chunk_holds_one_example_at_least(size):
    array = np.broadcast_to(np.uint8(0), (3, size))
    covered = [number for part in chunks(array) for number in range(3)[part]]
    assert covered == [0, 1, 2]
