"""Examples: what is refused, and which digest they have; and the share that is trained on."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from deltaloss.core.errors import DataError
from deltaloss.puzzles.base import Examples, training_count
from tests.puzzles.examples import join, make_strings, take

BITS = np.zeros((4, 1, 5), dtype=np.uint8)


@pytest.mark.parametrize(
    ("inputs", "targets", "words"),
    [
        (BITS, BITS[:3, 0], r"\(4, 1, 5\) and targets \(3, 5\) do not fit"),
        (BITS[:, 0], BITS[:, 0], "do not fit"),
        (BITS.astype(bool), BITS[:, 0], "inputs are bool, must be uint8"),
        (BITS, BITS[:, 0] + 2, "targets hold 2, must be 0 or 1"),
    ],
    ids=["count", "channels", "type", "value"],
)
def test_arrays_that_are_no_examples_are_refused(inputs, targets, words):
    with pytest.raises(DataError, match=words):
        Examples(inputs=inputs, targets=targets)


def test_the_digest_is_of_shapes_and_packed_bits():
    made = make_strings(size=9, count=3)
    expected = hashlib.sha256(b"inputs [3, 1, 9]\n" + np.packbits(made.inputs).tobytes())
    expected.update(b"targets [3, 9]\n" + np.packbits(made.targets).tobytes())
    assert made.digest() == expected.hexdigest()
    assert join(take(made, [0]), take(made, [1, 2])).digest() == made.digest()
    made.targets[0, 0] ^= 1
    assert made.digest() != expected.hexdigest()


@pytest.mark.parametrize(
    ("count", "fraction", "trained"),
    [(10, 0.2, 8), (10, 0.3, 7), (11, 0.2, 8), (600_000, 0.2, 480_000)],
)
def test_the_training_part_is_rounded_down(count, fraction, trained):
    assert training_count(count, fraction) == trained
