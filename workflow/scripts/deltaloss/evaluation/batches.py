"""Examples on a device, unpacked once and taken by index: there are no loader workers.

Shape letters: N examples, C channels, *S pixels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from deltaloss.core.seeds import derive_seed
from deltaloss.puzzles.base import Examples, training_count


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Puzzles and answers as bits, uint8 [N, C, *S] and [N, *S]."""

    inputs: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return self.inputs.shape[0]

    def take(self, indices: Tensor | slice) -> Batch:
        """Select examples by index, in the order of the indices."""
        return Batch(inputs=self.inputs[indices], targets=self.targets[indices])

    def to(self, device: torch.device) -> Batch:
        """Copy to a device."""
        return Batch(inputs=self.inputs.to(device), targets=self.targets.to(device))


def to_device(examples: Examples, device: torch.device) -> Batch:
    """Copy a whole data set to a device, one byte per bit."""
    inputs, targets = torch.from_numpy(examples.inputs), torch.from_numpy(examples.targets)
    return Batch(inputs=inputs, targets=targets).to(device)


def split_training(examples: Batch, *, fraction: float, seed: int) -> tuple[Batch, Batch]:
    """Split into training and validation by a random permutation, as the released code does.

    Args:
        examples: all training examples.
        fraction: share of the examples that goes to validation.
        seed: seed of the permutation (42 in the released code).
    """
    train, validation = split_order(len(examples), fraction=fraction, seed=seed)
    device = examples.inputs.device
    return examples.take(train.to(device)), examples.take(validation.to(device))


def split_order(count: int, *, fraction: float, seed: int) -> tuple[Tensor, Tensor]:
    """Numbers, from 0, of the examples for training and of those for validation."""
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    train_count = training_count(count, fraction)
    return order[:train_count], order[train_count:]


def shuffled(examples: Batch, batch_size: int, *, seed: int, epoch: int) -> Iterator[Batch]:
    """Yield one epoch's batches in its own random order; an incomplete last batch is dropped."""
    stream = torch.Generator().manual_seed(derive_seed(seed, "shuffle", epoch))
    order = torch.randperm(len(examples), generator=stream).to(examples.inputs.device)
    for start in range(0, len(examples) - batch_size + 1, batch_size):
        yield examples.take(order[start : start + batch_size])


def in_order(examples: Batch, batch_size: int) -> Iterator[Batch]:
    """Yield all examples in their order; the last batch may be smaller."""
    for start in range(0, len(examples), batch_size):
        yield examples.take(slice(start, start + batch_size))
