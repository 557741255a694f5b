"""A look at a puzzle file before any job starts, remembered as long as the file does not change."""

from __future__ import annotations

import json
from pathlib import Path

from deltaloss.errors import DataError
from deltaloss.files import file_sha256, write_json
from deltaloss.fingerprint import digest


def check_puzzle_file(path: Path, *, train_count: int, test_count: int, memory: Path) -> str:
    """Refuse a puzzle file that cannot be used, or has fewer puzzles than the experiment asks for.

    Args:
        path: the Lichess puzzle CSV.
        train_count: puzzles for training.
        test_count: puzzles for testing.
        memory: folder that remembers number and digest of the puzzles of a file that was read
            before; the file is known by its path, size and time.

    Returns:
        A digest of the file's content, 16 hexadecimal digits.

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
    memorised = memory / f"{key}.json"
    if memorised.is_file():
        known = json.loads(memorised.read_text(encoding="utf-8"))
    else:
        known = {
            "puzzles": check_puzzles(path),
            "digest": file_sha256(path)[:16],
            "file": str(path),
        }
    check_count(path, known["puzzles"], train_count=train_count, test_count=test_count)
    if not memorised.is_file():
        write_json(memorised, known)
    return str(known["digest"])
