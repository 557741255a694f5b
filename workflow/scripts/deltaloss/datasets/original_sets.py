"""The original data sets: which archive holds what, fetched, unpacked, and read as examples."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from deltaloss.datasets.archive_names import CHESS, archive_name
from deltaloss.datasets.archive_source import Archives, fetch
from deltaloss.datasets.archives import extract
from deltaloss.datasets.downloads import Record, forget_archive, read_record
from deltaloss.datasets.originals import read_chess, read_mazes, read_prefix_sums
from deltaloss.datasets.store import Examples
from deltaloss.errors import DataError


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
    archives.folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=archives.folder, prefix=".unpacked-") as unpacked:
        folder = Path(unpacked) / "archive"
        record = _unpack(archives, name, folder, list(archives.mirrors))
        examples = read(folder)
    source: dict[str, object] = {"source": "archive", "archive": name}
    if record is not None:
        source |= {"address": record.address, "sha256": record.sha256}
    return examples, source


def _unpack(archives: Archives, name: str, folder: Path, mirrors: list[str]) -> Record | None:
    """Fetch and unpack an archive; one that cannot be unpacked is forgotten, the next mirror asked.

    If the config gives its digest, it is what was asked for, and stays.
    """
    path = fetch(archives, name, mirrors=mirrors)
    record = read_record(path)
    archives.progress(f"{name}: unpacking")
    try:
        extract(path, folder, max_bytes=archives.max_bytes)
    except DataError as error:
        if name in archives.sha256:
            raise
        forget_archive(path)
        others = [mirror for mirror in mirrors if record and mirror != record.address]
        if not others or len(others) == len(mirrors):
            raise
        archives.progress(f"{error}; asking the next mirror")
        return _unpack(archives, name, folder, others)
    return record
