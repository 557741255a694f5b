"""Prefix sums: right answers, fair bits, and streams that depend on their names alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deltaloss.core.errors import DataError
from tests.puzzles.examples import make_strings as make


@settings(max_examples=30)
@given(size=st.integers(1, 70), count=st.integers(1, 20), seed=st.integers(0, 2**32))
def test_each_answer_is_the_parity_of_the_bits_so_far(size, count, seed):
    count = min(count, 2**size)
    examples = make(size=size, count=count, seed=seed)
    assert examples.inputs.shape == (count, 1, size)
    for string, answer in zip(examples.inputs[:, 0].tolist(), examples.targets, strict=True):
        assert answer.tolist() == [sum(string[: end + 1]) % 2 for end in range(size)]


@pytest.mark.parametrize(("few", "many"), [(1, 40), (1024, 1025), (1500, 3000)])
def test_more_strings_begin_with_the_same_ones(few, many):
    some, all_of_them = make(size=13, count=few), make(size=13, count=many)
    assert np.array_equal(all_of_them.inputs[:few], some.inputs)
    assert np.array_equal(all_of_them.targets[:few], some.targets)


def test_no_string_comes_twice():
    strings = make(size=7, count=128)
    assert len(np.unique(strings.inputs, axis=0)) == 128
    with pytest.raises(DataError, match="no more than 128 different examples"):
        make(size=7, count=129)


def test_each_stream_has_its_own_strings():
    streams = [make(), make(seed=8), make(split="test"), make(size=64)]
    beginnings = {examples.inputs[0, 0, :32].tobytes() for examples in streams}
    assert len(beginnings) == len(streams)
    assert len(np.unique(make(count=1000).inputs, axis=0)) == 1000


def test_the_bits_are_fair_and_independent():
    bits = make(count=10_000).inputs[:, 0].astype(np.float64)
    assert np.abs(bits.mean(axis=0) - 0.5).max() < 5 * 0.5 / np.sqrt(10_000)
    correlations = np.corrcoef(bits, rowvar=False) - np.eye(32)
    assert np.abs(correlations).max() < 5 / np.sqrt(10_000)


@pytest.mark.parametrize(
    ("size", "count", "seed", "split", "digest"),
    [
        (32, 100, 42, "train", "950961e9a1cbd03c"),
        (512, 3000, 42, "test", "eaea618a994f1fe7"),
        (14, 2500, 1, "train", "8b363d3c15b885d0"),
    ],
)
def test_the_strings_of_a_seed_are_the_recorded_ones(size, count, seed, split, digest):
    made = make(size=size, count=count, seed=seed, split=split)
    assert made.digest()[:16] == digest
