"""Evaluations on disk: every bit comes back, and what is read off them is right."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from deltaloss.records import Evaluation, load_curve, load_evaluation, save_evaluation

shapes = hnp.array_shapes(min_dims=2, max_dims=2, max_side=40)


def evaluation(correct, nonfinite=None, **provenance) -> Evaluation:
    correct = np.asarray(correct, dtype=bool)
    lost = np.zeros(correct.shape[1]) if nonfinite is None else nonfinite
    return Evaluation(
        correct=correct,
        nonfinite_step=np.asarray(lost, dtype=np.int32),
        periodic_step=np.full(correct.shape[1], 7, dtype=np.int32),
        period=np.full(correct.shape[1], 2, dtype=np.int32),
        provenance=provenance,
    )


@given(hnp.arrays(bool, shapes))
def test_every_bit_comes_back(tmp_path_factory, correct):
    path = tmp_path_factory.mktemp("records") / "seed42.npz"
    save_evaluation(path, evaluation(correct, seed=42, settings={"steps": [1, 2]}))
    stored = load_evaluation(path)
    np.testing.assert_array_equal(stored.correct, correct)
    assert (stored.steps, stored.examples) == correct.shape
    assert stored.periodic_step.tolist() == [7] * stored.examples
    assert stored.period.tolist() == [2] * stored.examples
    assert stored.provenance == {"seed": 42, "settings": {"steps": [1, 2]}}


def test_one_bit_for_each_example_and_step(tmp_path):
    random = np.random.default_rng(0).integers(2, size=(200, 4096))
    save_evaluation(tmp_path / "bits.npz", evaluation(random))
    assert (tmp_path / "bits.npz").stat().st_size < 200 * 4096 / 8 * 1.05


@pytest.mark.parametrize(
    ("rows", "best"),
    [([[1, 0], [1, 1], [1, 1]], 2), ([[0, 0], [0, 0]], 1), ([[0, 1], [1, 0]], 1)],
)
def test_best_step_is_the_first_of_the_highest(rows, best):
    assert evaluation(rows).best_step() == best


def test_curve_counts_what_is_right_and_what_is_lost(tmp_path):
    curve = evaluation([[1, 1, 0, 1], [1, 1, 0, 0], [1, 0, 0, 0]], [0, 3, 0, 2]).curve()
    assert curve["step"].tolist() == [1, 2, 3]
    assert curve["correct"].tolist() == [3, 2, 1]
    assert curve["accuracy_percent"].tolist() == [75.0, 50.0, 25.0]
    assert curve["not_finite"].tolist() == [0, 1, 2]
    curve.to_csv(tmp_path / "curve.csv", index=False)
    assert load_curve(tmp_path / "curve.csv").equals(curve)


@given(st.lists(st.integers(0, 6), min_size=1, max_size=9))
def test_not_finite_never_falls(lost):
    curve = evaluation(np.zeros((6, len(lost))), lost).curve()
    assert curve["not_finite"].is_monotonic_increasing
    assert curve["not_finite"].iloc[-1] == sum(step > 0 for step in lost)
