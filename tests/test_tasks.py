"""Puzzles: which pixels count, how logits become answers, when an answer is right."""

from __future__ import annotations

import pytest
import torch

from deltaloss.paper import TASKS
from deltaloss.tasks import load_task
from deltaloss.titles import describe


def logits_of(answer: torch.Tensor) -> torch.Tensor:
    """Give logits [N, 2, *S] that say `answer` clearly."""
    scores = answer.float() * 2 - 1
    return torch.stack([-scores, scores], dim=1)


def test_prefix_sums_are_centred_and_thresholded():
    task = load_task("prefix_sums")
    bits = torch.tensor([[[0, 1, 1]]], dtype=torch.uint8)
    assert task.encode(bits).tolist() == [[[-0.5, 0.5, 0.5]]]
    assert task.counted(bits) is None
    answer = torch.tensor([[0, 1, 0]])
    assert task.correct(logits_of(answer), bits, answer).tolist() == [True]
    assert task.correct(logits_of(1 - answer), bits, answer).tolist() == [False]


def test_one_wrong_bit_makes_the_whole_answer_wrong():
    task = load_task("prefix_sums")
    bits = torch.zeros(2, 1, 50, dtype=torch.uint8)
    targets = torch.zeros(2, 50, dtype=torch.uint8)
    said = targets.clone()
    said[1, 49] = 1
    assert task.correct(logits_of(said), bits, targets).tolist() == [True, False]


class TestMazes:
    bits = torch.zeros(1, 3, 4, 4, dtype=torch.uint8)
    bits[0, :, 1, 1:3] = 1  # free
    bits[0, 1, 2, 1] = 1  # start
    bits[0, 0, 2, 2] = 1  # end

    def test_open_pixels_count_start_and_end_among_them(self):
        counted = load_task("mazes").counted(self.bits)[0]
        assert counted.nonzero().tolist() == [[1, 1], [1, 2], [2, 1], [2, 2]]

    def test_what_is_said_of_walls_does_not_matter(self):
        task = load_task("mazes")
        targets = torch.zeros(1, 4, 4, dtype=torch.uint8)
        targets[0, 1:3, 1:3] = 1
        everywhere = torch.ones(1, 4, 4)
        assert task.correct(logits_of(everywhere), self.bits, targets).tolist() == [True]
        assert task.correct(logits_of(1 - everywhere), self.bits, targets).tolist() == [False]


class TestChess:
    bits = torch.zeros(1, 12, 8, 8, dtype=torch.uint8)

    def test_the_two_highest_scores_of_channel_1_are_the_move(self):
        task = load_task("chess")
        logits = torch.full((1, 2, 8, 8), -9.0)
        logits[0, 0] = 5.0  # channel 0 is likelier everywhere, and does not matter
        logits[0, 1, 1, 4], logits[0, 1, 3, 4] = -2.0, -1.0
        answer = task.answer(logits, self.bits)
        assert answer[0].nonzero().tolist() == [[1, 4], [3, 4]]

    def test_one_square_is_not_enough(self):
        task = load_task("chess")
        targets = torch.zeros(1, 8, 8, dtype=torch.uint8)
        targets[0, 0, 0] = targets[0, 7, 7] = 1
        wrong = torch.zeros(1, 8, 8)
        wrong[0, 0, 0] = wrong[0, 6, 7] = 1
        assert task.correct(logits_of(targets), self.bits, targets).tolist() == [True]
        assert task.correct(logits_of(wrong), self.bits, targets).tolist() == [False]


@pytest.mark.parametrize("name", TASKS)
def test_each_puzzle_knows_its_name(name):
    assert load_task(name).name == name


def test_sizes_in_words():
    words = [describe(name, 9) for name in TASKS]
    assert words == ["hard puzzles", "9x9 mazes", "9-bit strings"]
