"""Answers on disk."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deltaloss.core.errors import DataError
from deltaloss.evaluation.answers import CURVE_COLUMNS, Answers, load_answers, save_answers


def answers(correct: list[list[int]], nonfinite_step: list[int]) -> Answers:
    return Answers(
        correct=np.array(correct, dtype=np.bool_),
        nonfinite_step=np.array(nonfinite_step, dtype=np.int32),
        provenance={"seed": 1},
    )


@given(steps=st.integers(1, 20), examples=st.integers(1, 20), seed=st.integers(0, 99))
def test_saved_answers_are_loaded_bit_for_bit(tmp_path_factory, steps, examples, seed):
    random = np.random.default_rng(seed)
    saved = Answers(
        correct=random.random((steps, examples)) < 0.5,
        nonfinite_step=random.integers(0, steps + 1, examples).astype(np.int32),
        provenance={"steps": steps},
    )
    path = tmp_path_factory.mktemp("answers") / "a.npz"
    save_answers(path, saved)
    loaded = load_answers(path)
    assert np.array_equal(loaded.correct, saved.correct)
    assert np.array_equal(loaded.nonfinite_step, saved.nonfinite_step)
    assert loaded.provenance == saved.provenance


def test_curve_counts_right_answers_and_lost_examples_after_each_step():
    curve = answers([[1, 0, 1, 0], [1, 0, 0, 0], [1, 0, 0, 1]], [0, 2, 3, 0]).curve()
    assert tuple(curve.columns) == CURVE_COLUMNS
    assert curve["step"].tolist() == [1, 2, 3]
    assert curve["correct"].tolist() == [2, 1, 2]
    assert curve["accuracy_percent"].tolist() == [50.0, 25.0, 50.0]
    assert curve["not_finite"].tolist() == [0, 1, 2]
    assert curve["examples"].tolist() == [4, 4, 4]


def test_best_step_is_the_first_of_the_highest_accuracy():
    assert answers([[0, 0], [1, 0], [0, 1]], [0, 0]).best_step() == 2


@pytest.mark.parametrize("damage", ["missing", "cut", "text", "empty"])
def test_a_file_without_answers_is_refused_by_name(tmp_path, damage):
    path = tmp_path / "a.npz"
    save_answers(path, answers([[1, 0]], [0, 0]))
    content = path.read_bytes()
    path.write_bytes({"cut": content[:-40], "text": b"no answers", "empty": b""}.get(damage, b""))
    if damage == "missing":
        path.unlink()
    with pytest.raises(DataError, match=r"a\.npz"):
        load_answers(path)


def test_answers_in_the_place_of_others_are_refused(tmp_path):
    saved = Answers(
        correct=np.ones((1, 2), dtype=np.bool_),
        nonfinite_step=np.zeros(2, dtype=np.int32),
        provenance={"name": "mazes/delta/seed1"},
    )
    path = tmp_path / "mazes" / "delta" / "seed1.npz"
    save_answers(path, saved)
    load_answers(path)
    path = path.rename(path.with_name("seed2.npz"))
    with pytest.raises(DataError, match=r"seed2\.npz: is that of mazes/delta/seed1; delete it"):
        load_answers(path)


def test_every_flipped_bit_is_noticed_or_changes_no_answer(tmp_path):
    path, saved = tmp_path / "a.npz", answers([[1, 0, 1], [0, 1, 1]], [0, 2, 0])
    save_answers(path, saved)
    content, refused = path.read_bytes(), 0
    for bit in range(8 * len(content)):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        try:
            loaded = load_answers(path)
        except DataError:
            refused += 1
        else:
            assert np.array_equal(loaded.correct, saved.correct)
            assert np.array_equal(loaded.nonfinite_step, saved.nonfinite_step)
            assert loaded.provenance == saved.provenance
    assert refused > len(content)
