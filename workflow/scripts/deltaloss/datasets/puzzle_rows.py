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
    places: tuple[int, ...] | None = None
    fewest = 0
    try:
        with path.open("rb") as handle:
            for number, cells in _cells(handle, path):
                if places is None:
                    places, is_header = _find_columns(cells, f"{path}, line {number}")
                    fewest = len(cells) - ("OpeningTags" in cells) if is_header else len(COLUMNS)
                    if is_header:
                        continue
                if len(cells) < fewest:
                    raise DataError(_too_short(cells, places, fewest, f"{path}, line {number}"))
                yield Row(number, *(cells[place] for place in places))
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such puzzle file") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    except zstandard.ZstdError as error:
        raise DataError(f"{path}: the compressed file is damaged: {error}") from error


def _cells(handle: BufferedReader, path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield number and cells of each line that is not blank; no field goes over a line's end."""
    for number, line in enumerate(_lines(handle, path), start=1):
        try:
            cells = next(csv.reader([line], strict=True), [])
        except csv.Error as error:
            raise DataError(f"{path}, line {number}: not a CSV row: {error}") from error
        if cells:
            yield number, cells


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


def _too_short(cells: list[str], places: tuple[int, ...], fewest: int, where: str) -> str:
    """Say which columns a row misses."""
    named = zip(NEEDED_COLUMNS, places, strict=True)
    missing = [name for name, place in named if place >= len(cells)]
    lost = ", ".join(missing) if missing else "some that are not used; the row breaks off"
    return f"{where}: {len(cells)} columns, missing {lost}; there are {fewest} or more"
