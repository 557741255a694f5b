"""A look at a puzzle file before any job starts, remembered as long as the file does not change."""

from __future__ import annotations

import json
from pathlib import Path

from deltaloss.errors import DataError
from deltaloss.files import write_json
from deltaloss.fingerprint import digest


def check_puzzle_file(path: Path, *, train_count: int, test_count: int, memory: Path) -> None:
    """Refuse a puzzle file that cannot be used, or has fewer puzzles than the experiment asks for.

    Args:
        path: the Lichess puzzle CSV.
        train_count: puzzles for training.
        test_count: puzzles for testing.
        memory: folder that remembers how many puzzles a file that was read before has; a file is
            known by its path, size and time.

    Raises:
        DataError: as of `read_puzzles` and `check_count`.
    """
    # Here, because chess takes long to import and most experiments have no puzzle file.
    from deltaloss.datasets.lichess import check_count, check_puzzles  # noqa: PLC0415

    try:
        state = path.stat()
    except OSError as error:
        raise DataError(f"{path}: there is no such puzzle file") from error
    key = digest([str(path.resolve()), state.st_size, state.st_mtime_ns])
    known = memory / f"{key}.json"
    if known.is_file():
        found = int(json.loads(known.read_text(encoding="utf-8"))["puzzles"])
    else:
        found = check_puzzles(path)
        write_json(known, {"file": str(path), "puzzles": found})
    check_count(path, found, train_count=train_count, test_count=test_count)
