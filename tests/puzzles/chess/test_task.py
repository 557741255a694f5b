"""Chess: the two squares of the answer, and when an answer is right."""

from __future__ import annotations

import torch

from deltaloss.puzzles.base import load_task
from tests.puzzles.logits import logits_of

TASK = load_task("chess")
BITS = torch.zeros(1, 12, 8, 8, dtype=torch.uint8)


def test_the_two_highest_scores_of_channel_1_are_the_move():
    logits = torch.full((1, 2, 8, 8), -9.0)
    logits[0, 0] = 5.0  # channel 0 is likelier everywhere, which makes no difference
    logits[0, 1, 1, 4], logits[0, 1, 3, 4] = -2.0, -1.0
    assert TASK.answer(logits, BITS)[0].nonzero().tolist() == [[1, 4], [3, 4]]


def test_both_squares_must_be_right():
    targets = torch.zeros(1, 8, 8, dtype=torch.uint8)
    targets[0, 0, 0] = targets[0, 7, 7] = 1
    wrong = torch.zeros(1, 8, 8)
    wrong[0, 0, 0] = wrong[0, 6, 7] = 1
    assert TASK.correct(logits_of(targets), BITS, targets).tolist() == [True]
    assert TASK.correct(logits_of(wrong), BITS, targets).tolist() == [False]
