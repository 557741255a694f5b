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
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import BadZipFile, ZipFile, ZipInfo

import numpy as np
from numpy.typing import NDArray

from deltaloss.errors import DataError
from deltaloss.files import atomic_path, write_json

_PART = 1 << 22  # bytes copied at once

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


def join_chunks(chunks: Iterable[Examples]) -> Examples:
    """Give chunks of examples as one."""
    parts = list(chunks)
    return Examples(
        inputs=np.concatenate([part.inputs for part in parts]),
        targets=np.concatenate([part.targets for part in parts]),
    )


def cut_rows(rows: range) -> Iterator[slice]:
    """Cut rows into chunks that bound the memory of 12 x 8 x 8 boards to some 50 MB."""
    for start in range(rows.start, rows.stop, 1 << 16):
        yield slice(start, min(start + (1 << 16), rows.stop))


def save_examples(path: Path, examples: Examples, *, card: Mapping[str, object]) -> None:
    """Write examples that are all there at once; see `save_chunks`."""
    save_chunks(path, [examples], card=card)


def save_chunks(path: Path, chunks: Iterable[Examples], *, card: Mapping[str, object]) -> None:
    """Write the bits to `path` (.npz), then the card beside it (.json), each atomically.

    Chunk after chunk, so that memory does not grow with the number of examples. Equal examples
    give equal bytes, however they are cut. Into the card go the entries of `card` and what is
    measured here: count, shapes, and the digest (SHA-256) that tells equal examples from others.

    Raises:
        ValueError: no chunk, chunks of different shapes, or a chunk but the last whose bits do not
            fill whole bytes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=path.parent, prefix=".packing-") as folder:
        shapes = _pack_to(Path(folder), chunks)
        with atomic_path(path) as temporary:
            digest = _write(temporary, Path(folder), shapes)
    measured = {
        "count": shapes["inputs"][0],
        **{f"{name}_shape": list(shape) for name, shape in shapes.items()},
        "digest": digest,
    }
    write_json(path.with_suffix(".json"), {**card, **measured})


def _pack_to(folder: Path, chunks: Iterable[Examples]) -> dict[str, tuple[int, ...]]:
    """Pack inputs and targets into a file each; give their shapes."""
    count, rest = 0, None
    with (folder / "inputs").open("wb") as inputs, (folder / "targets").open("wb") as targets:
        for chunk in chunks:
            shapes = _shapes(chunk)
            if rest not in (None, [shape[1:] for shape in shapes.values()]):
                raise ValueError("chunks of different shapes")
            if any(count * math.prod(shape[1:]) % 8 for shape in shapes.values()):
                raise ValueError("a chunk before the last does not fill whole bytes")
            rest, count = [shape[1:] for shape in shapes.values()], count + len(chunk)
            packed = _pack(chunk)
            inputs.write(packed["inputs"].data)
            targets.write(packed["targets"].data)
    if rest is None:
        raise ValueError("no examples")
    return {"inputs": (count, *rest[0]), "targets": (count, *rest[1])}


def _write(path: Path, folder: Path, shapes: Mapping[str, tuple[int, ...]]) -> str:
    """Write the .npz from the packed files, as `numpy.savez` does; give the digest."""
    digest = hashlib.sha256()
    with ZipFile(path, "w") as archive:
        for name, shape in shapes.items():
            digest.update(_heading(name, shape))
            size = (folder / name).stat().st_size
            with (
                archive.open(ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member,
                (folder / name).open("rb") as packed,
            ):
                header = {"descr": "|u1", "fortran_order": False, "shape": (size,)}
                np.lib.format.write_array_header_1_0(member, header)
                while part := packed.read(_PART):
                    digest.update(part)
                    member.write(part)
            with archive.open(ZipInfo(f"{name}_shape.npy"), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.array(shape, dtype="<i8"))
    return digest.hexdigest()


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
        result.update(_heading(name, shape))
        result.update(packed[name].data)
    return result.hexdigest()


def _heading(name: str, shape: tuple[int, ...]) -> bytes:
    return f"{name} {list(shape)}\n".encode()
