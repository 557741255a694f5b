"""Prefix sums: right answers, fair bits, and streams that depend on their names alone."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deltaloss.datasets.prefix_sums import make_prefix_sums
from deltaloss.errors import DataError


def make(bits=32, count=50, seed=7, split="train"):
    return make_prefix_sums(bits=bits, count=count, seed=seed, split=split)


@settings(max_examples=30, deadline=None)
@given(bits=st.integers(1, 70), count=st.integers(1, 20), seed=st.integers(0, 2**32))
def test_each_answer_is_the_parity_of_the_bits_so_far(bits, count, seed):
    examples = make(bits, count, seed)
    assert examples.inputs.shape == (count, 1, bits)
    for string, answer in zip(examples.inputs[:, 0].tolist(), examples.targets, strict=True):
        assert answer.tolist() == [sum(string[: end + 1]) % 2 for end in range(bits)]


@settings(max_examples=30, deadline=None)
@given(bits=st.integers(1, 70), fewer=st.integers(1, 40), more=st.integers(0, 40))
def test_more_strings_begin_with_the_same_ones(bits, fewer, more):
    few, many = make(bits, fewer), make(bits, fewer + more)
    assert np.array_equal(many.inputs[:fewer], few.inputs)
    assert np.array_equal(many.targets[:fewer], few.targets)


def test_each_stream_has_its_own_strings():
    streams = [make(), make(seed=8), make(split="test"), make(bits=64)]
    beginnings = {examples.inputs[0, 0, :32].tobytes() for examples in streams}
    assert len(beginnings) == len(streams)
    assert len(np.unique(make(count=1000).inputs, axis=0)) == 1000


def test_the_bits_are_fair_and_independent():
    bits = make(count=10_000).inputs[:, 0].astype(np.float64)
    assert np.abs(bits.mean(axis=0) - 0.5).max() < 5 * 0.5 / np.sqrt(10_000)
    correlations = np.corrcoef(bits, rowvar=False) - np.eye(32)
    assert np.abs(correlations).max() < 5 / np.sqrt(10_000)


def test_the_strings_are_the_ones_of_earlier_versions():
    packed = np.packbits(make(bits=32, count=100, seed=42).inputs)
    assert hashlib.sha256(packed).hexdigest()[:16] == "310e0432a7832aa7"


@pytest.mark.parametrize("wrong", [{"bits": 0}, {"count": 0}, {"bits": -1}])
def test_what_cannot_be_made_is_refused(wrong):
    with pytest.raises(DataError, match=f"{next(iter(wrong))} is .* 1 or more"):
        make(**wrong)
