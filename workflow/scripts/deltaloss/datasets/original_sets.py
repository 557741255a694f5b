"""The original data sets: which archive holds what, fetched, unpacked, and read as examples."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from deltaloss.datasets.archive_names import CHESS, archive_name
from deltaloss.datasets.archive_source import Archives, fetch
from deltaloss.datasets.archives import extract
from deltaloss.datasets.downloads import read_record
from deltaloss.datasets.originals import read_chess, read_mazes, read_prefix_sums
from deltaloss.datasets.store import Examples


def load_sized(
    archives: Archives, *, task: str, split: str, size: int, count: int, start: int = 0
) -> tuple[Examples, dict[str, object]]:
    """Give prefix sums or mazes of one size, and where they come from.

    Args:
        archives: where to fetch from.
        task: prefix_sums or mazes.
        split: train or test.
        size: bits, or positions a side.
        count: number of examples.
        start: the first one taken; there is one set of strings of each length for both splits.

    Raises:
        DataError: the archive cannot be had or used, or holds fewer examples.
    """
    name = archive_name(task, split, size)
    taken = {"count": count, "start": start}
    if task == "mazes":
        return _load(archives, name, lambda at: read_mazes(at, split=split, size=size, **taken))
    return _load(archives, name, lambda at: read_prefix_sums(at, bits=size, **taken))


def load_chess(
    archives: Archives, *, train_count: int, test_count: int, orientation: str
) -> tuple[Examples, Examples, dict[str, object]]:
    """Give the easiest puzzles for training and the next harder for the test, the published cut.

    Raises:
        DataError: the archive cannot be had or used, or holds fewer puzzles.
    """
    both: list[Examples] = []

    def read(folder: Path) -> Examples:
        for start, count in ((0, train_count), (train_count, test_count)):
            both.append(read_chess(folder, orientation=orientation, start=start, count=count))
        return both[0]

    _, source = _load(archives, CHESS, read)
    return both[0], both[1], source


def _load(
    archives: Archives, name: str, read: Callable[[Path], Examples]
) -> tuple[Examples, dict[str, object]]:
    path = fetch(archives, name)
    record = read_record(path)
    with TemporaryDirectory(dir=archives.folder, prefix=".unpacked-") as unpacked:
        archives.progress(f"{name}: unpacking")
        folder = extract(path, Path(unpacked) / "archive", max_bytes=archives.max_bytes)
        examples = read(folder)
    source: dict[str, object] = {"source": "archive", "archive": name}
    if record is not None:
        source |= {"address": record.address, "sha256": record.sha256}
    return examples, source
