"""Mazes: which pixels count, and when an answer is right."""

from __future__ import annotations

import torch

from deltaloss.puzzles.base import load_task
from tests.puzzles.logits import logits_of

TASK = load_task("mazes")
BITS = torch.zeros(1, 3, 4, 4, dtype=torch.uint8)
BITS[0, :, 1, 1:3] = 1  # free
BITS[0, 1, 2, 1] = 1  # start
BITS[0, 0, 2, 2] = 1  # end


def test_open_pixels_count_start_and_end_among_them():
    assert TASK.counted(BITS)[0].nonzero().tolist() == [[1, 1], [1, 2], [2, 1], [2, 2]]


def test_logits_at_walls_make_no_difference():
    targets = torch.zeros(1, 4, 4, dtype=torch.uint8)
    targets[0, 1:3, 1:3] = 1
    everywhere = torch.ones(1, 4, 4)
    assert TASK.correct(logits_of(everywhere), BITS, targets).tolist() == [True]
    assert TASK.correct(logits_of(1 - everywhere), BITS, targets).tolist() == [False]
