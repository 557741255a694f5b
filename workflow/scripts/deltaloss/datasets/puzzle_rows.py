"""The rows of a Lichess puzzle file as text, in every form it has been published in.

The dump of 2021 has nine columns and no header; later ones have a header, and a tenth column; today
it is compressed with zstandard.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import NamedTuple

import zstandard

from deltaloss.errors import DataError

COLUMNS = (
    "PuzzleId",
    "FEN",
    "Moves",
    "Rating",
    "RatingDeviation",
    "Popularity",
    "NbPlays",
    "Themes",
    "GameUrl",
)
"""Columns of a file without a header; with one, their order is free and others may stand there."""

NEEDED_COLUMNS = ("FEN", "Moves", "Rating")

_CHUNK = 1 << 20
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


class Row(NamedTuple):
    """What is used of one row, as text."""

    line: int
    fen: str
    moves: str
    rating: str


def rows(path: Path) -> Iterator[Row]:
    """Yield the rows of a puzzle file with or without a header; blank lines are passed over."""
    try:
        with path.open("rb") as handle:
            reader = csv.reader(_lines(handle, path))
            places: tuple[int, ...] | None = None
            for cells in reader:
                if not cells:
                    continue
                if places is None:
                    places, is_header = _find_columns(cells, f"{path}, line {reader.line_num}")
                    if is_header:
                        continue
                if len(cells) <= max(places):
                    raise DataError(_too_short(cells, places, f"{path}, line {reader.line_num}"))
                yield Row(reader.line_num, *(cells[place] for place in places))
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such puzzle file") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    except zstandard.ZstdError as error:
        raise DataError(f"{path}: the compressed file is damaged: {error}") from error
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: not a CSV row: {error}") from error


def _raw_lines(handle: BufferedReader) -> Iterator[bytes]:
    """Yield the lines of a plain file, or of one that zstandard has compressed, as it is read."""
    if handle.peek(4)[:4] != _ZSTD_MAGIC:
        yield from handle
        return
    rest = b""
    for piece in _unpack(handle):
        *whole, rest = (rest + piece).split(b"\n")
        yield from (line + b"\n" for line in whole)
    if rest:
        yield rest


def _unpack(handle: BufferedReader) -> Iterator[bytes]:
    """Yield the content of all frames; ZstdError where one is damaged or breaks off."""
    unpacker, begun = zstandard.ZstdDecompressor().decompressobj(), False
    while chunk := handle.read(_CHUNK):
        while chunk:
            yield unpacker.decompress(chunk)
            chunk, begun = unpacker.unused_data, not unpacker.eof
            if unpacker.eof:
                unpacker = zstandard.ZstdDecompressor().decompressobj()
    if begun:
        raise zstandard.ZstdError("it breaks off")


def _lines(handle: BufferedReader, path: Path) -> Iterator[str]:
    """Yield the lines as text, each decoded by itself, so that an error knows its line."""
    for number, line in enumerate(_raw_lines(handle), start=1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise DataError(
                f"{path}, line {number}: not UTF-8 text; only zstandard (.zst) may compress it"
            ) from error


def _find_columns(cells: list[str], where: str) -> tuple[tuple[int, ...], bool]:
    """Give the places of the needed columns, and whether this first row is a header."""
    if not set(cells) & set(COLUMNS):
        absent = COLUMNS[len(cells) :]
        if absent:
            raise DataError(
                f"{where}: no header and only {len(cells)} columns; missing in a file "
                f"without one: {', '.join(absent)}"
            )
        return tuple(COLUMNS.index(name) for name in NEEDED_COLUMNS), False
    twice = [name for name in NEEDED_COLUMNS if cells.count(name) > 1]
    if twice:
        raise DataError(f"{where}: the header names {', '.join(twice)} more than once")
    missing = [name for name in NEEDED_COLUMNS if name not in cells]
    if missing:
        raise DataError(f"{where}: the header misses the columns {', '.join(missing)}")
    return tuple(cells.index(name) for name in NEEDED_COLUMNS), True


def _too_short(cells: list[str], places: tuple[int, ...], where: str) -> str:
    """Say which columns a row misses."""
    missing = [
        name for name, place in zip(NEEDED_COLUMNS, places, strict=True) if place >= len(cells)
    ]
    return f"{where}: {len(cells)} columns, missing {', '.join(missing)}"
