"""Save and load examples: bits in an .npz, and a manifest of what they are in a .json beside it.

Not compressed: the paper's six files take 166 MB as bits, they load at the disk's speed, and their
bytes do not depend on which zlib wrote them.

Shape letters: N examples, C channels, *S pixels ([L] or [H, W]).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltaloss.core.arrays import load_arrays, save_arrays
from deltaloss.core.errors import DataError
from deltaloss.core.files import damaged, read_json, write_json
from deltaloss.puzzles.base import Examples, digest_heading

AUDITED = "audited"  # entry of the manifest: digest of the audited examples, and warnings

Bits = NDArray[np.uint8]


def save_examples(path: Path, examples: Examples, *, manifest: Mapping[str, object]) -> None:
    """Write examples and their manifest; see `save_chunks`."""
    save_chunks(path, [examples], manifest=manifest)


def save_chunks(path: Path, chunks: Iterable[Examples], *, manifest: Mapping[str, object]) -> None:
    """Write examples to `path` (.npz), then their manifest beside it (.json), each atomically.

    Equal examples are equal bytes, however they are cut into chunks. One chunk at a time is in
    memory, and all examples as bits.

    Args:
        path: of the examples.
        chunks: the examples in order.
        manifest: JSON values. Added are `count`, the shapes, and `digest`, as of
            `Examples.digest`.

    Raises:
        ValueError: no chunk, or chunks of different shapes.
    """
    inputs, targets = _Packer(), _Packer()
    for chunk in chunks:
        inputs.add(chunk.inputs)
        targets.add(chunk.targets)
    digest = hashlib.sha256()
    arrays: dict[str, NDArray[Any]] = {}
    shapes: dict[str, list[int]] = {}
    for name, packer in (("inputs", inputs), ("targets", targets)):
        packed, shape = packer.finish()
        digest.update(digest_heading(name, shape))
        digest.update(packed.data)
        arrays |= {name: packed, f"{name}_shape": np.array(shape, dtype="<i8")}
        shapes[f"{name}_shape"] = list(shape)
    save_arrays(path, compress=False, **arrays)
    measured = {"count": inputs.count, **shapes, "digest": digest.hexdigest()}
    write_json(path.with_suffix(".json"), {**manifest, **measured})


class _Packer:
    """Packs arrays of bits into bytes, eight bits to a byte across the arrays' borders."""

    def __init__(self) -> None:
        self.count = 0
        self._shape: tuple[int, ...] | None = None
        self._packed: list[Bits] = []
        self._rest = np.empty(0, dtype=np.uint8)

    def add(self, bits: Bits) -> None:
        """Append bits [n, ...]."""
        if self._shape not in (None, bits.shape[1:]):
            raise ValueError(f"chunks of different shapes: {self._shape} and {bits.shape[1:]}")
        self._shape = bits.shape[1:]
        self.count += len(bits)
        flat = bits.reshape(-1)
        if len(self._rest):
            flat = np.concatenate([self._rest, flat])
        whole = len(flat) // 8 * 8
        self._packed.append(np.packbits(flat[:whole]))
        self._rest = flat[whole:].copy()

    def finish(self) -> tuple[Bits, tuple[int, ...]]:
        """Return all bytes, and the shape of all bits."""
        if self._shape is None:
            raise ValueError("no examples")
        packed = np.concatenate([*self._packed, np.packbits(self._rest)])
        return packed, (self.count, *self._shape)


def load_examples(path: Path) -> Examples:
    """Load the examples that `save_chunks` wrote.

    Raises:
        DataError: the file is missing, damaged, or something else.
    """
    stored = load_arrays(path, ["inputs", "inputs_shape", "targets", "targets_shape"])
    try:
        return Examples(
            inputs=_unpack(stored["inputs"], stored["inputs_shape"]),
            targets=_unpack(stored["targets"], stored["targets_shape"]),
        )
    except (DataError, MemoryError, TypeError, ValueError) as error:
        raise damaged(path) from error


def load_manifest(path: Path) -> dict[str, Any]:
    """Load the manifest of a file of examples.

    Args:
        path: of the examples; the manifest is the .json beside them.

    Raises:
        DataError: the manifest is missing, damaged, or something else.
    """
    return read_json(path.with_suffix(".json"))


def mark_audited(path: Path, warnings: Sequence[str]) -> None:
    """Note in the manifest of a file of examples that these were audited, with what warnings."""
    manifest = load_manifest(path)
    audited = {"digest": manifest["digest"], "warnings": list(warnings)}
    write_json(path.with_suffix(".json"), {**manifest, AUDITED: audited})


def load_audited(path: Path, *, strict: bool = False) -> Examples:
    """Load examples for a network.

    Args:
        path: of the examples.
        strict: whether a warning of their audit is an error.

    Raises:
        DataError: as of `load_examples`; they are not the examples that were audited; there was a
            warning, if strict.
    """
    examples, audited = load_examples(path), load_manifest(path).get(AUDITED, {})
    if audited.get("digest") != examples.digest():
        raise DataError(
            f"{path}: not the examples that were made and audited; delete it, then make it again "
            "by its path"
        )
    if strict and audited["warnings"]:
        raise DataError(f"{path}: {audited['warnings'][0]}; strict: false lets it pass")
    return examples


def _unpack(packed: Bits, shape: NDArray[np.int64]) -> Bits:
    """Unpack bits into their shape; ValueError where the shape needs more or fewer."""
    sizes = [int(size) for size in shape]
    count = math.prod(sizes)
    if min(sizes) < 0 or packed.shape != (-(-count // 8),):
        raise ValueError("bits and shape do not fit")
    return np.unpackbits(packed, count=count).reshape(sizes)
