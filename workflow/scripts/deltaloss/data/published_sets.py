"""Read the published archives by the classes of the package that published them.

The classes of easy-to-hard-data load whatever lies in their folder, pickles with code included. So
each file is first opened here without running code and checked: type, shape, and 0 or 1 everywhere.
Then the class loads it from the same folder, which is ours, temporary, and changed by nobody.

Shape letters: N examples, L bits, P pixels a side.
"""

from __future__ import annotations

import io
import pickle
import re
import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import torch
from easy_to_hard_data import ChessPuzzleDataset, MazeDataset, PrefixSumDataset
from numpy.typing import NDArray

from deltaloss.core.errors import ConfigError, DataError
from deltaloss.data.unpack import check_zstd, unpacked
from deltaloss.puzzles.base import Examples, Made
from deltaloss.puzzles.chess.boards import orient

DTYPES = ("float32", "float64", "uint8", "int32", "int64")
"""Types that bits may have in the files."""

_CHUNK_BYTES = 64 << 20

Arrays = dict[str, NDArray[Any]]


def check_fetched(path: Path, *, name: str, max_bytes: int) -> None:
    """Check the content of a fetched file as far as that is fast; values are not looked at.

    Args:
        path: of the file.
        name: that it will have: of a published archive, or ending .zst.
        max_bytes: that it may unpack to.

    Raises:
        DataError: it is cut or corrupt, or not what its name says.
    """
    if name.endswith(".zst"):
        check_zstd(path, max_bytes=max_bytes)
        return
    with unpacked(path, max_bytes=max_bytes) as folder:
        part = folder / name.removesuffix(".tar.gz")
        lengths = [re.fullmatch(r"(\d+)_data\.pth", file.name) for file in part.glob("*")]
        for length in [int(one[1]) for one in lengths if one] or [0]:
            _open_all(part, size=length)


def read_archive(
    archive: Path, settings: Mapping[str, Any], splits: Sequence[str], *, max_bytes: int
) -> Made:
    """Unpack a fetched archive and read examples from it.

    Args:
        archive: .tar.gz, fetched or put in its place by the user.
        settings: `task`, and what `Card.settings` returns.
        splits: see `read_published`.
        max_bytes: that it may unpack to.

    Yields:
        As `read_published`.

    Raises:
        DataError: as `read_published`; or the archive cannot be unpacked.
    """
    try:
        with unpacked(archive, max_bytes=max_bytes) as folder:
            yield from read_published(settings["task"], folder, settings, splits)
    except DataError as error:
        reason = re.sub(r"\S*/\.unpacked-[^/]*/", "", str(error).removeprefix(f"{archive}: "))
        raise DataError(f"{archive}: {reason}; delete it to fetch it again") from error


def read_published(
    task: str, folder: Path, settings: Mapping[str, Any], splits: Sequence[str]
) -> Made:
    """Read examples from an unpacked archive.

    Args:
        task: chess, mazes or prefix_sums.
        folder: the archive's own folder is in it.
        settings: as of `Card.settings`.
        splits: train, test or both.

    Yields:
        For each split its name, chunks of examples, and facts for the manifest (none).

    Raises:
        DataError: a file is missing, damaged, carries code, or has other shapes, types or values
            than bits.
        ConfigError: more examples are asked for than there are.
    """
    read = {"chess": _read_chess, "mazes": _read_mazes, "prefix_sums": _read_prefix_sums}[task]
    return read(folder, settings, splits)


def _load(dataset: Any, folder: Path, **options: Any) -> Any:
    """Load a checked folder by a class, which prints and may download."""
    with redirect_stdout(io.StringIO()):
        return dataset(str(folder), download=False, **options)


def _read_prefix_sums(folder: Path, settings: Mapping[str, Any], splits: Sequence[str]) -> Made:
    (split,) = splits
    size = settings["size"]
    rows = _check_rows(folder / "prefix_sums_data", settings["start"], settings["count"], size)
    strings = _load(PrefixSumDataset, folder, num_bits=size)
    inputs = strings.inputs[rows] + 0.5  # the class subtracts it
    yield split, iter([_as_examples(inputs, strings.targets[rows])]), {}


def _read_mazes(folder: Path, settings: Mapping[str, Any], splits: Sequence[str]) -> Made:
    (split,) = splits
    size = settings["size"]
    rows = _check_rows(folder / f"maze_data_{split}_{size}", 0, settings["count"])
    mazes = _load(MazeDataset, folder, train=split == "train", size=size)
    chunks = (_as_examples(mazes.inputs[part], mazes.targets[part]) for part in _parts(rows))
    yield split, chunks, {}


def _read_chess(folder: Path, settings: Mapping[str, Any], splits: Sequence[str]) -> Made:
    """Read the published cut: the first puzzles for training, the next ones for the test."""
    counts = {"train": settings["train_count"], "test": settings["test_count"]}
    rows = _check_rows(folder / "chess_data", 0, sum(counts.values()))
    puzzles = _load(ChessPuzzleDataset, folder, idx_start=0, idx_end=rows.stop)

    def examples(part: slice) -> Examples:
        inputs, targets = orient(
            _as_bits(puzzles.puzzles[part]),
            _as_bits(puzzles.targets[part].flip(1)),  # mirrored by the class, and by `orient`
            black_moves=puzzles.who_moves[part, 0].numpy() == 1,
            orientation=settings["orientation"],
        )
        return Examples(inputs=inputs, targets=targets)

    starts = {"train": 0, "test": counts["train"]}
    for split in splits:
        own = slice(starts[split], starts[split] + counts[split])
        yield split, (examples(part) for part in _parts(own)), {}


def _as_bits(tensor: torch.Tensor) -> NDArray[np.uint8]:
    return tensor.to(torch.uint8).numpy()


def _as_examples(inputs: torch.Tensor, targets: torch.Tensor) -> Examples:
    return Examples(inputs=_as_bits(inputs), targets=_as_bits(targets))


def _parts(rows: slice, step: int = 4096) -> Iterator[slice]:
    """Cut rows into chunks."""
    for start in range(rows.start, rows.stop, step):
        yield slice(start, min(start + step, rows.stop))


def _check_rows(folder: Path, start: int, count: int, size: int = 0) -> slice:
    """Check all files of an archive and the values of some rows; return these rows."""
    arrays = _open_all(folder, size)
    counts = {name: len(array) for name, array in arrays.items()}
    found = min(counts.values())
    if found != max(counts.values()):
        listed = ", ".join(f"{name} {number:,}" for name, number in counts.items())
        raise DataError(f"{folder}: the files differ in their number of examples: {listed}")
    if start < 0 or count < 1 or start + count > found:
        asked = f"{count:,} from row {start:,} on" if start else f"{count:,}"
        raise ConfigError(
            f"{folder.name}: the archive holds {found:,} examples, but {asked} are asked for"
        )
    rows = slice(start, start + count)
    for name, array in arrays.items():
        for part in _parts(rows, max(1, _CHUNK_BYTES // array[0].nbytes)):
            _check_bits(folder / name, array[part], part.start)
    return rows


def _check_bits(path: Path, values: NDArray[Any], start: int) -> None:
    """Refuse values that are not 0 or 1, naming the first row that has one."""
    wrong = (values != 0) & (values != 1)
    if wrong.any():
        place = tuple(np.argwhere(wrong)[0])
        raise DataError(
            f"{path}: row {start + int(place[0]):,} holds {values[place]}, must be 0 or 1"
        )


def _shapes(name: str, size: int) -> dict[str, tuple[int, ...]]:
    """Shapes of one example in the files of an archive; `size` is the length of bit strings."""
    if name == "chess_data":
        return {"data.pth": (12, 8, 8), "targets.pth": (8, 8), "who_moves.pth": (1,)}
    if maze := re.fullmatch(r"maze_data_(?:train|test)_(\d+)", name):
        pixels = 2 * int(maze[1]) + 6
        return {"inputs.npy": (3, pixels, pixels), "solutions.npy": (pixels, pixels)}
    if name == "prefix_sums_data":
        return {f"{size}_data.pth": (size,), f"{size}_targets.pth": (size,)}
    raise DataError(f"{name}: no archive of the published sets has this name")


def _open_all(folder: Path, size: int) -> Arrays:
    return {name: _open(folder / name, shape) for name, shape in _shapes(folder.name, size).items()}


def _open(path: Path, shape: tuple[int, ...]) -> NDArray[Any]:
    """Map a file of examples of one shape into memory, without running code that it holds."""
    try:
        array: NDArray[Any] = (
            np.lib.format.open_memmap(path, mode="r")
            if path.suffix == ".npy"
            else _open_tensor(path)
        )
    except FileNotFoundError as error:
        raise DataError(f"{path}: the archive has no such file") from error
    except pickle.UnpicklingError as error:
        raise DataError(
            f"{path}: refused, its pickle holds other things than a tensor, perhaps code"
        ) from error
    except DataError:
        raise
    except Exception as error:  # a hostile file makes the libraries raise anything
        raise DataError(f"{path}: not a file of examples, or a damaged one") from error
    if array.dtype.name not in DTYPES or not array.dtype.isnative:
        raise DataError(f"{path}: has the type {array.dtype}, allowed are {', '.join(DTYPES)}")
    if array.ndim == 0 or array.shape[1:] != shape:
        wanted = ", ".join(["N", *map(str, shape)])
        raise DataError(f"{path}: has the shape {list(array.shape)}, must be [{wanted}]")
    return array


def _open_tensor(path: Path) -> NDArray[Any]:
    """Load a tensor that the file really holds, not one that a few bytes are spread out to."""
    size = path.stat().st_size
    mapped = zipfile.is_zipfile(path)
    if mapped:
        with zipfile.ZipFile(path) as records:
            if sum(record.file_size for record in records.infolist()) > size:
                raise DataError(f"{path}: refused, it unpacks to more than its size")
    with warnings.catch_warnings(action="ignore"):
        tensor = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    if not isinstance(tensor, torch.Tensor):
        raise DataError(f"{path}: holds a {type(tensor).__name__}, must be one tensor")
    if tensor.numel() * tensor.element_size() > size:
        raise DataError(f"{path}: refused, it claims more numbers than it holds")
    array: NDArray[Any] = tensor.detach().numpy()
    return array
