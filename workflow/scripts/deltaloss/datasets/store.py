"""The one format of examples on disk: bits in an .npz, and what they are in a .json card beside it.

Not compressed: the paper's six data sets take 166 MB as bits, they load at the disk's speed, and
the bytes do not depend on which zlib wrote them.

Shape letters: N examples, C channels, *S pixels ([L] or [H, W]).
"""

from __future__ import annotations

import hashlib
import json
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from deltaloss.errors import DataError
from deltaloss.files import atomic_path, write_json

# What numpy and zipfile raise on a file that is damaged or is something else.
UNREADABLE = (
    AttributeError,
    BadZipFile,
    EOFError,
    KeyError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    zlib.error,
)


@dataclass(frozen=True, kw_only=True)
class Examples:
    """Puzzles and their answers, one byte a bit.

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
        """Give the SHA-256 of shapes and bits: tells equal examples from others."""
        return _digest(_shapes(self), _pack(self))


def save_examples(path: Path, examples: Examples, *, card: Mapping[str, object]) -> None:
    """Write the bits to `path` (.npz), then the card beside it (.json), each atomically.

    Equal examples give equal bytes. Into the card go the entries of `card` and what is measured
    here: count, shapes, and the digest (SHA-256) that tells equal examples from others.
    """
    shapes, packed = _shapes(examples), _pack(examples)
    with atomic_path(path) as temporary:
        np.savez(
            temporary,
            inputs=packed["inputs"],
            inputs_shape=np.array(shapes["inputs"], dtype="<i8"),
            targets=packed["targets"],
            targets_shape=np.array(shapes["targets"], dtype="<i8"),
        )
    measured = {
        "count": len(examples),
        **{f"{name}_shape": list(shape) for name, shape in shapes.items()},
        "digest": _digest(shapes, packed),
    }
    write_json(path.with_suffix(".json"), {**card, **measured})


def load_examples(path: Path) -> Examples:
    """Read what `save_examples` wrote.

    Raises:
        DataError: the file is missing, damaged, or something else.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {
                name: _unpack(stored[name], stored[f"{name}_shape"])
                for name in ("inputs", "targets")
            }
        return Examples(**arrays)
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such file of examples") from error
    except (*UNREADABLE, DataError) as error:
        raise DataError(f"{path}: no file of examples, or a damaged one; make it again") from error


def load_card(path: Path) -> dict[str, Any]:
    """Read the card of a file of examples, the .json beside it.

    Raises:
        DataError: the file is missing, damaged, or something else.
    """
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: the card cannot be read; make the examples again") from error
    if not isinstance(card, dict):
        raise DataError(f"{path}: not a card of examples; make the examples again")
    return card


def _shapes(examples: Examples) -> dict[str, tuple[int, ...]]:
    return {"inputs": examples.inputs.shape, "targets": examples.targets.shape}


def _pack(examples: Examples) -> dict[str, NDArray[np.uint8]]:
    return {"inputs": np.packbits(examples.inputs), "targets": np.packbits(examples.targets)}


def _unpack(packed: NDArray[np.uint8], shape: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Give the bits in their shape; ValueError when there are not as many as the shape says."""
    sizes = [int(size) for size in shape]
    count = math.prod(sizes)
    if min(sizes) < 0 or packed.shape != (-(-count // 8),):
        raise ValueError("bits and shape do not fit")
    return np.unpackbits(packed, count=count).reshape(sizes)


def _digest(shapes: Mapping[str, tuple[int, ...]], packed: Mapping[str, NDArray[np.uint8]]) -> str:
    """Give the SHA-256 of the shapes and the packed bits, 64 hexadecimal digits."""
    result = hashlib.sha256()
    for name, shape in shapes.items():
        result.update(f"{name} {list(shape)}\n".encode())
        result.update(packed[name].data)
    return result.hexdigest()
