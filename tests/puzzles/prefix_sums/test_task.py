"""Prefix sums: how logits become an answer, and when an answer is right."""

from __future__ import annotations

import torch

from deltaloss.puzzles.base import load_task
from tests.puzzles.logits import logits_of

TASK = load_task("prefix_sums")


def test_bits_are_centred_and_all_count():
    bits = torch.tensor([[[0, 1, 1]]], dtype=torch.uint8)
    assert TASK.encode(bits).tolist() == [[[-0.5, 0.5, 0.5]]]
    assert TASK.counted(bits) is None


def test_one_wrong_bit_makes_the_whole_answer_wrong():
    bits = torch.zeros(2, 1, 50, dtype=torch.uint8)
    targets = torch.zeros(2, 50, dtype=torch.uint8)
    said = targets.clone()
    said[1, 49] = 1
    assert TASK.correct(logits_of(said), bits, targets).tolist() == [True, False]
    assert TASK.correct(logits_of(said), bits, said).tolist() == [True, True]
