"""Batches by index: the released split, and shuffling from the seed alone."""

from __future__ import annotations

import torch

from deltaloss.evaluation.batches import Batch, in_order, shuffled, split_training


def numbered(count: int) -> Batch:
    numbers = torch.arange(count)
    return Batch(inputs=numbers.view(-1, 1, 1), targets=numbers.view(-1, 1))


def numbers(batches) -> list[list[int]]:
    return [batch.targets.flatten().tolist() for batch in batches]


def test_split_is_the_permutation_of_the_released_code():
    train, validation = split_training(numbered(10), fraction=0.2, seed=42)
    expected = torch.utils.data.random_split(
        range(10), [8, 2], generator=torch.Generator().manual_seed(42)
    )
    assert numbers([train, validation]) == [list(part) for part in expected]


def test_shuffling_drops_the_incomplete_batch_and_repeats_no_example():
    batches = numbers(shuffled(numbered(11), 3, seed=1, epoch=0))
    assert [len(batch) for batch in batches] == [3, 3, 3]
    assert len({number for batch in batches for number in batch}) == 9


def test_order_depends_on_seed_and_epoch_alone():
    def order(seed: int, epoch: int) -> list[list[int]]:
        return numbers(shuffled(numbered(12), 4, seed=seed, epoch=epoch))

    assert order(1, 0) == order(1, 0)
    assert order(1, 0) != order(1, 1) != order(2, 1)


def test_batches_in_order_cover_all_examples():
    assert numbers(in_order(numbered(7), 3)) == [[0, 1, 2], [3, 4, 5], [6]]
