"""Examples, and the tasks by which training and evaluation read them.

Uses only the methods of tensors, not torch itself.

Shape letters: N examples, C channels, *S pixels ([L] or [H, W]).
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deltaloss.core.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor


FUTILE_CHUNKS = 100  # that bring no new example, after which there is none


@dataclass(frozen=True, kw_only=True)
class Examples:
    """Puzzles and their answers, one byte per bit.

    Attributes:
        inputs: uint8 [N, C, *S], 0 or 1.
        targets: uint8 [N, *S], 0 or 1.

    Raises:
        DataError: other types, shapes or values.
    """

    inputs: NDArray[np.uint8]
    targets: NDArray[np.uint8]

    def __post_init__(self) -> None:
        shape, answers = self.inputs.shape, self.targets.shape
        if len(shape) < 3 or answers != (shape[0], *shape[2:]):
            raise DataError(
                f"examples: inputs {shape} and targets {answers} do not fit, "
                "they must be [N, C, *S] and [N, *S]"
            )
        for name, bits in (("inputs", self.inputs), ("targets", self.targets)):
            if bits.dtype != np.uint8:
                raise DataError(f"examples: {name} are {bits.dtype}, must be uint8")
            if bits.max(initial=0) > 1:
                raise DataError(f"examples: {name} hold {bits.max()}, must be 0 or 1")

    def __len__(self) -> int:
        return len(self.inputs)

    def digest(self) -> str:
        """SHA-256 of shapes and packed bits: equal for equal examples."""
        result = hashlib.sha256()
        for name, bits in (("inputs", self.inputs), ("targets", self.targets)):
            result.update(digest_heading(name, bits.shape))
            result.update(np.packbits(bits).data)
        return result.hexdigest()


Made = Iterator[tuple[str, Iterable[Examples], dict[str, Any]]]
"""Made or read examples: for each split its name, its examples in chunks, and facts about them."""


def digest_heading(name: str, shape: tuple[int, ...]) -> bytes:
    """Bytes that precede an array's packed bits in the digest of examples."""
    return f"{name} {list(shape)}\n".encode()


def distinct(chunks: Iterable[Examples], count: int) -> Iterator[Examples]:
    """Yield the first `count` different examples of an endless series, in its order.

    Raises:
        DataError: the series has no more different ones.
    """
    seen: set[bytes] = set()
    futile = 0  # chunks in a row that brought nothing new
    for chunk in chunks:
        fresh = []
        for row, bits in enumerate(np.packbits(chunk.inputs.reshape(len(chunk), -1), axis=1)):
            key = hashlib.blake2b(bits.data, digest_size=16).digest()
            if key not in seen and len(seen) < count:
                seen.add(key)
                fresh.append(row)
        futile = 0 if fresh else futile + 1
        if futile == FUTILE_CHUNKS:
            raise DataError(
                f"there are no more than {len(seen):,} different examples of this size, but "
                f"{count:,} are asked for; ask for fewer or larger ones"
            )
        yield Examples(inputs=chunk.inputs[fresh], targets=chunk.targets[fresh])
        if len(seen) == count:
            return


def training_count(count: int, validation_fraction: float) -> int:
    """Return how many of `count` examples are trained on; the others are for validation.

    Rounded down, as the released code does; the small term keeps 0.8 * 10 from becoming 7.
    """
    return int((1 - validation_fraction) * count + 1e-9)


@dataclass(frozen=True, kw_only=True)
class Task(ABC):
    """Conversion of a puzzle's bits to a network's input, and of its logits to an answer.

    Attributes:
        channels: C of the input.
        dimensions: 1 or 2.
    """

    channels: int
    dimensions: int

    def encode(self, bits: Tensor) -> Tensor:
        """Network input, float [N, C, *S], from stored bits, uint8 of the same shape."""
        return bits.float()

    def counted(self, bits: Tensor) -> Tensor | None:
        """Pixels that the loss counts, bool [N, *S]; None for all of them."""
        return None

    @abstractmethod
    def answer(self, logits: Tensor, bits: Tensor) -> Tensor:
        """Answer, bool [N, *S], decoded from logits [N, 2, *S]."""

    def correct(self, logits: Tensor, bits: Tensor, targets: Tensor) -> Tensor:
        """Whether each whole answer is right, bool [N]."""
        return (self.answer(logits, bits) == targets.bool()).flatten(1).all(1)


def load_task(name: str) -> Task:
    """Load the task of a puzzle: `TASK` in ``puzzles/{name}/task.py``."""
    task: Task = import_module(f"deltaloss.puzzles.{name}.task").TASK
    return task
