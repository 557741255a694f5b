"""Recorded answers: their steps and examples, the file, and agreement with an evaluation."""

from __future__ import annotations

import numpy as np
import pytest

from deltaloss.core.errors import DataError
from deltaloss.core.files import write_json
from deltaloss.evaluation.answers import Answers
from deltaloss.evaluation.loop import evaluate
from deltaloss.evaluation.recording import record_answers
from deltaloss.evaluation.thinking import (
    COLUMNS,
    FRAMES,
    choose_examples,
    frame_steps,
    load_recording,
    save_recording,
    strip_steps,
)
from deltaloss.puzzles.base import load_task
from tests.evaluation.problems import SIZES, answered, random_examples, random_network


def answers(*columns: str) -> Answers:
    """Answers to examples, each a string with a digit per step: 1 is right."""
    correct = np.array([[digit == "1" for digit in column] for column in columns]).T
    return Answers(correct=correct, nonfinite_step=np.zeros(len(columns), dtype=np.int32))


class TestSteps:
    @pytest.mark.parametrize(
        ("last", "steps"),
        [
            (1, [1]),
            (6, [1, 2, 6]),
            (40, [1, 2, 5, 10, 40]),
            (500, [1, 2, 5, 10, 30, 100, 500]),
            (1000, [1, 5, 10, 30, 100, 300, 1000]),
        ],
    )
    def test_a_strip_has_few_steps_and_the_last(self, last, steps):
        assert strip_steps(last) == steps
        assert len(steps) <= COLUMNS

    @pytest.mark.parametrize("last", [1, FRAMES, FRAMES + 1, 500, 1000])
    def test_an_animation_goes_from_the_first_step_to_the_last(self, last):
        steps = frame_steps(last)
        assert (steps[0], steps[-1]) == (1, last)
        assert steps == sorted(set(steps))
        assert min(last, FRAMES // 2) < len(steps) + 1 <= FRAMES + 1

    def test_no_step_of_a_short_evaluation_is_left_out(self):
        assert frame_steps(FRAMES) == list(range(1, FRAMES + 1))


class TestChoice:
    def test_the_solved_one_is_the_median_of_those_that_most_runs_solve(self):
        one = answers("0000", "0001", "0011", "1111", "0111")
        other = answers("0001", "0001", "0111", "1111", "0000")
        assert choose_examples([one, other])[0] == 2

    def test_the_failing_one_is_solved_by_fewest(self):
        assert choose_examples([answers("0001", "0000"), answers("0001", "0001")])[1] == 1

    def test_of_unsolved_ones_it_is_the_one_that_most_runs_lose_again(self):
        one, other = (
            answers("1111", "0000", "0110", "0110"),
            answers("1111", "0000", "0000", "1000"),
        )
        assert choose_examples([one, other]) == [0, 3]

    def test_of_lost_ones_it_is_the_one_that_is_right_half_of_the_time(self):
        assert choose_examples([answers("1111", "0010", "0110", "1110")]) == [0, 2]

    def test_if_nothing_fails_it_is_a_slow_one(self):
        assert choose_examples([answers("1111", "1111", "0011")]) == [1, 2]

    def test_one_example_is_chosen_once(self):
        assert choose_examples([answers("0011")]) == [0]


@pytest.mark.parametrize("name", SIZES)
def test_recorded_answers_are_those_that_an_evaluation_judges(name, tmp_path):
    network, task = random_network(name), load_task(name)
    examples = answered(name, network, random_examples(name, 7), 3)
    evaluated = evaluate(network, examples, task=task, steps=6, batch_size=4)
    recording = record_answers(network, examples, task=task, numbers=[5, 1], steps=[1, 3, 6])
    assert recording.correct[1].all()
    assert recording.differing(evaluated) == 0
    assert (recording.answers[1] == recording.targets).all()
    right = (recording.answers == recording.targets).reshape(3, 2, -1).all(2)
    np.testing.assert_array_equal(recording.correct, right)

    path = tmp_path / "mazes" / "delta" / "seed1.npz"
    save_recording(path, recording)
    write_json(path.with_suffix(".json"), {"name": "mazes/delta/seed1"}, files=[path])
    loaded = load_recording(path)
    for field in ("steps", "examples", "answers", "correct", "inputs", "targets"):
        np.testing.assert_array_equal(getattr(loaded, field), getattr(recording, field))


def test_a_single_example_has_the_answers_that_it_has_among_others():
    network, examples = random_network("mazes"), random_examples("mazes", 5)
    task = load_task("mazes")
    alone, among = (
        record_answers(network, examples, task=task, numbers=numbers, steps=[2, 4])
        for numbers in ([3], [0, 3])
    )
    np.testing.assert_array_equal(alone.answers[:, 0], among.answers[:, 1])


def test_answers_after_an_overflow_are_wrong_as_in_an_evaluation():
    network, task = random_network("mazes"), load_task("mazes")
    examples = answered("mazes", network, random_examples("mazes", 3), 2)
    network.recall.weight.data *= 1e20
    evaluated = evaluate(network, examples, task=task, steps=4, batch_size=3)
    assert evaluated.nonfinite_step.all()
    recording = record_answers(network, examples, task=task, numbers=[2], steps=[1, 2, 3, 4])
    assert recording.differing(evaluated) == 0
    assert not recording.correct[-1].any()


def test_a_changed_file_is_refused(tmp_path):
    network, examples = random_network("mazes"), random_examples("mazes", 2)
    recording = record_answers(network, examples, task=load_task("mazes"), numbers=[0], steps=[1])
    path = tmp_path / "seed1.npz"
    save_recording(path, recording)
    write_json(path.with_suffix(".json"), {}, files=[path])
    path.write_bytes(path.read_bytes() + b"0")
    with pytest.raises(DataError, match="damaged or changed"):
        load_recording(path)
