"""The published puzzles, read from their unpacked archives by the package that published them.

The classes of easy-to-hard-data load whatever lies in their folder, pickles with code included, and
all of it. So they are never given an archive's own files: each is opened here without running code,
checked, and handed over some rows at a time, as new files. That also bounds the memory.

Shape letters: N examples, L bits, P pixels a side.
"""

from __future__ import annotations

import io
import pickle
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from easy_to_hard_data import ChessPuzzleDataset, MazeDataset, PrefixSumDataset
from numpy.typing import NDArray

from deltaloss.datasets.chess_boards import orient
from deltaloss.datasets.store import Examples
from deltaloss.errors import DataError

NUMBERS = ("float32", "float64", "uint8", "int32", "int64")
"""Types that bits may have in the files."""

_PART_BYTES = 64 << 20

Bits = NDArray[np.uint8]
Shapes = Mapping[str, tuple[int, ...]]
"""For each file, the shape of one example in it."""


def read_prefix_sums(
    archive_folder: Path, *, bits: int, count: int | None = None, start: int = 0
) -> Examples:
    """Read strings of one length from the unpacked `prefix_sums_data`.

    Args:
        archive_folder: the folder that has the folder of that name in it.
        bits: length L of a string.
        count: number of strings N; None: all from `start` on.
        start: the first string taken.

    Returns:
        inputs [N, 1, L], bits, not the package's bits minus 0.5; targets [N, L].

    Raises:
        DataError: a file is missing, damaged, carries code, or has other shapes, types or values
            than bits; fewer strings than asked for.
    """

    def load(root: str) -> tuple[Bits, Bits]:
        strings = PrefixSumDataset(root, num_bits=bits, download=False)
        return _as_bits(strings.inputs + 0.5), _as_bits(strings.targets)

    shapes = {f"{bits}_data.pth": (bits,), f"{bits}_targets.pth": (bits,)}
    return _read(archive_folder / "prefix_sums_data", shapes, load, start, count)


def read_mazes(
    archive_folder: Path, *, split: str, size: int, count: int | None = None, start: int = 0
) -> Examples:
    """Read mazes from the unpacked `maze_data_SPLIT_SIZE`, P = 2 size + 6.

    Args:
        archive_folder: the folder that has the folder of that name in it.
        split: train or test.
        size: positions a side.
        count: number of mazes N; None: all from `start` on.
        start: the first maze taken.

    Returns:
        inputs [N, 3, P, P] in red, green, blue; targets [N, P, P], 1 on the path.

    Raises:
        DataError: as `read_prefix_sums`.
    """

    def load(root: str) -> tuple[Bits, Bits]:
        mazes = MazeDataset(root, train=split == "train", size=size, download=False)
        return _as_bits(mazes.inputs), _as_bits(mazes.targets)

    pixels = 2 * size + 6
    shapes = {"inputs.npy": (3, pixels, pixels), "solutions.npy": (pixels, pixels)}
    return _read(archive_folder / f"maze_data_{split}_{size}", shapes, load, start, count)


def read_chess(
    archive_folder: Path, *, orientation: str, count: int | None = None, start: int = 0
) -> Examples:
    """Read puzzles, sorted by rating, from the unpacked `chess_data`.

    The published cut is rows [0, 600000) for training and [600000, 700000) for testing.

    Args:
        archive_folder: the folder that has the folder of that name in it.
        orientation: one of `chess_boards.ORIENTATIONS`.
        count: number of puzzles N; None: all from `start` on.
        start: the first puzzle taken.

    Returns:
        inputs [N, 12, 8, 8]; targets [N, 8, 8], 1 on the two squares of the move.

    Raises:
        DataError: as `read_prefix_sums`.
    """

    def load(root: str) -> tuple[Bits, Bits]:
        rows = len(torch.load(Path(root) / "chess_data" / "who_moves.pth", weights_only=True))
        puzzles = ChessPuzzleDataset(root, idx_start=0, idx_end=rows, download=False)
        return orient(
            _as_bits(puzzles.puzzles),
            _as_bits(puzzles.targets.flip(1)),  # `orient` turns over what the package has, too
            black_moves=puzzles.who_moves.squeeze(1).numpy() == 1,
            orientation=orientation,
        )

    shapes = {"data.pth": (12, 8, 8), "targets.pth": (8, 8), "who_moves.pth": (1,)}
    return _read(archive_folder / "chess_data", shapes, load, start, count)


def _read(
    folder: Path,
    shapes: Shapes,
    load: Callable[[str], tuple[Bits, Bits]],
    start: int,
    count: int | None,
) -> Examples:
    """Give some rows of an archive's files; `load` reads a copy of a few with the package."""
    arrays = {name: _open(folder / name, shape) for name, shape in shapes.items()}
    rows = _rows(folder, arrays, start, count)
    (_, first), (_, second), *_ = shapes.items()
    inputs_shape = first if len(first) > len(second) else (1, *first)
    inputs = np.empty((len(rows), *inputs_shape), dtype=np.uint8)
    targets = np.empty((len(rows), *second), dtype=np.uint8)
    for part, root in _copies(folder, arrays, rows):
        inputs[part], targets[part] = load(root)
    return Examples(inputs=inputs, targets=targets)


def _rows(folder: Path, arrays: Mapping[str, NDArray[Any]], start: int, count: int | None) -> range:
    """Give the rows asked for, if all files have them."""
    counts = {name: len(array) for name, array in arrays.items()}
    (found, *others) = set(counts.values())
    if others:
        listed = ", ".join(f"{name} {number:,}" for name, number in counts.items())
        raise DataError(f"{folder}: the files differ in their number of examples: {listed}")
    wanted = max(found - start, 0) if count is None else count
    if start < 0 or wanted < 1 or start + wanted > found:
        asked = f"{wanted:,} from row {start:,} on" if start else f"{wanted:,}"
        raise DataError(
            f"{folder}: the archive holds {found:,} examples, but {asked} are asked for"
        )
    return range(start, start + wanted)


def _copies(
    folder: Path, arrays: Mapping[str, NDArray[Any]], rows: range
) -> Iterator[tuple[slice, str]]:
    """Yield, for a few rows at a time, their place among `rows` and a folder of checked copies."""
    row_bytes = sum(array[0].nbytes for array in arrays.values())
    step = max(1, _PART_BYTES // row_bytes)
    with TemporaryDirectory(prefix="originals-") as root, redirect_stdout(io.StringIO()):
        copies = Path(root) / folder.name
        copies.mkdir()
        for offset in range(0, len(rows), step):
            part = rows[offset : offset + step]
            for name, array in arrays.items():
                values = np.array(array[part.start : part.stop])
                _check_bits(folder / name, values, part.start)
                _save(copies / name, values)
            yield slice(offset, offset + len(part)), root


def _check_bits(path: Path, values: NDArray[Any], start: int) -> None:
    """Refuse values that are not 0 or 1, naming the first row that has one."""
    wrong = (values != 0) & (values != 1)
    if wrong.any():
        place = tuple(np.argwhere(wrong)[0])
        raise DataError(
            f"{path}: row {start + int(place[0]):,} holds {values[place]}, must be 0 or 1"
        )


def _save(path: Path, values: NDArray[Any]) -> None:
    if path.suffix == ".npy":
        np.save(path, values, allow_pickle=False)
    else:
        torch.save(torch.from_numpy(values), path)


def _open(path: Path, shape: tuple[int, ...]) -> NDArray[Any]:
    """Map a file of examples of one shape into memory, running nothing that stands in it."""
    try:
        array = _open_array(path) if path.suffix == ".npy" else _open_tensor(path)
    except FileNotFoundError as error:
        raise DataError(f"{path}: the archive has no such file") from error
    except pickle.UnpicklingError as error:
        raise DataError(
            f"{path}: refused, its pickle holds other things than a tensor, perhaps code"
        ) from error
    except DataError:
        raise
    except Exception as error:  # a hostile file makes the libraries raise anything
        raise DataError(f"{path}: no file of examples, or a damaged one") from error
    if array.dtype.name not in NUMBERS or not array.dtype.isnative:
        raise DataError(f"{path}: has the type {array.dtype}, allowed are {', '.join(NUMBERS)}")
    if array.ndim == 0 or array.shape[1:] != shape:
        wanted = ", ".join(["N", *map(str, shape)])
        raise DataError(f"{path}: has the shape {list(array.shape)}, must be [{wanted}]")
    return array


def _open_array(path: Path) -> NDArray[Any]:
    array: NDArray[Any] = np.lib.format.open_memmap(path, mode="r")
    return array


def _open_tensor(path: Path) -> NDArray[Any]:
    """Load a tensor that the file really holds, not one that a few bytes are spread out to."""
    size = path.stat().st_size
    mapped = zipfile.is_zipfile(path)
    if mapped:
        with zipfile.ZipFile(path) as records:
            if sum(record.file_size for record in records.infolist()) > size:
                raise DataError(f"{path}: refused, it unpacks to more than its size")
    with warnings.catch_warnings(action="ignore"):  # what is wrong is said in one line, by us
        tensor = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    if not isinstance(tensor, torch.Tensor):
        raise DataError(f"{path}: holds a {type(tensor).__name__}, must be one tensor")
    if tensor.numel() * tensor.element_size() > size:
        raise DataError(f"{path}: refused, it claims more numbers than it holds")
    array: NDArray[Any] = tensor.detach().numpy()
    return array


def _as_bits(tensor: torch.Tensor) -> Bits:
    return tensor.to(torch.uint8).numpy()
