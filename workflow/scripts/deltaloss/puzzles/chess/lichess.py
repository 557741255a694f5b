"""Read chess puzzles from a Lichess puzzle CSV, in every form it has been published in.

The dump of 2021 has nine columns and no header; later ones have a header and a tenth column; today
it is compressed with zstandard. The FEN of a row stands before the opponent's move: the first of
`Moves` leads to the puzzle, the second is its answer, the rest is not used. The original archive is
such a file sorted by rating.

Shape letters: N puzzles.
"""

from __future__ import annotations

import csv
import math
from array import array
from collections.abc import Iterator, Sequence
from io import BufferedReader
from pathlib import Path

import chess
import numpy as np
import zstandard
from numpy.typing import NDArray

from deltaloss.core.errors import DataError
from deltaloss.puzzles.chess.boards import PACKED_NUMBERS, Packed, pack

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

NEEDED = ("FEN", "Moves", "Rating")
THEMES, MATE = "Themes", "mateIn1"

_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_ZSTD_CHUNK = 1 << 10  # bytes; one decompresses to 32 MB at most


def read_puzzles(path: Path) -> tuple[NDArray[np.float64], Packed]:
    """Read and check a puzzle file, line by line.

    Returns:
        Ratings [N], ascending, and packed positions [N, 9] (`boards`). Puzzles of equal rating
        keep the order of the file.

    Raises:
        DataError: no such file, no puzzles, text that is not UTF-8, missing columns, or a row
            with a broken FEN, fewer than two moves, an illegal move, no rating, or an answer that
            should mate (theme mateIn1) and does not. The text names the file and the line.
    """
    ratings, numbers = array("d"), array("Q")
    try:
        with path.open("rb") as handle:
            for rating, packed in _parse_lines(handle):
                ratings.append(rating)
                numbers.extend(packed)
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such puzzle file") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    except zstandard.ZstdError as error:
        raise DataError(f"{path}: the compressed file is damaged: {error}") from error
    except ValueError as error:
        raise DataError(f"{path}, {error}") from error
    if not ratings:
        raise DataError(f"{path}: there are no puzzles in this file")
    values = np.frombuffer(ratings, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    return values[order], np.frombuffer(numbers, dtype=np.uint64).reshape(-1, PACKED_NUMBERS)[order]


def _parse_lines(handle: BufferedReader) -> Iterator[tuple[float, tuple[int, ...]]]:
    """Yield rating and packed position of each puzzle.

    Each line is decoded and split by itself: an error has its line, and a stray quote ends there.

    Raises:
        ValueError: a line that cannot be used; the text begins with its number.
    """
    places: list[int] = []
    fewest = 0
    for number, line in enumerate(_lines(handle), start=1):
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
            cells = next(csv.reader([text], strict=True), [])
            if not cells:
                continue
            if not places:
                header = cells if set(cells) & set(COLUMNS) else COLUMNS
                places, fewest = _find_columns(header, len(cells))
                if header is cells:
                    continue
            if len(cells) < fewest:
                raise ValueError(
                    f"{len(cells)} columns, there must be {fewest} or more; the row breaks off"
                )
            parsed = _parse(*(cells[place] for place in places))
        except UnicodeDecodeError as error:
            reason = "not UTF-8 text; only zstandard (.zst) may compress it"
            raise ValueError(f"line {number}: {reason}") from error
        except csv.Error as error:
            raise ValueError(f"line {number}: not a CSV row: {error}") from error
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from error
        yield parsed


def _find_columns(header: Sequence[str], width: int) -> tuple[list[int], int]:
    """Find the needed columns, and how many a row must have; only opening tags may be left out."""
    missing = [name for name in NEEDED if name not in header]
    if missing:
        raise ValueError(f"the header misses the columns {', '.join(missing)}")
    if width < len(header):
        raise ValueError(
            f"no header and only {width} columns; a file without a header has {', '.join(COLUMNS)}"
        )
    names = [*NEEDED, *([THEMES] if THEMES in header else [])]
    return [header.index(name) for name in names], len(header) - ("OpeningTags" in header)


def _lines(handle: BufferedReader) -> Iterator[bytes]:
    """Yield the lines of a plain file, or of a compressed one as it is unpacked."""
    if handle.peek(4)[:4] != _ZSTD_MAGIC:
        yield from handle
        return
    rest = b""
    for piece in _unpack(handle):
        *whole, rest = (rest + piece).split(b"\n")
        yield from whole
    yield rest


def _unpack(handle: BufferedReader) -> Iterator[bytes]:
    """Yield the content of all frames; ZstdError where one is damaged or breaks off."""
    unpacker, begun = zstandard.ZstdDecompressor().decompressobj(), False
    while chunk := handle.read(_ZSTD_CHUNK):
        while chunk:
            yield unpacker.decompress(chunk)
            chunk, begun = unpacker.unused_data, not unpacker.eof
            if unpacker.eof:
                unpacker = zstandard.ZstdDecompressor().decompressobj()
    if begun:
        raise zstandard.ZstdError("it breaks off")


def _parse(fen: str, moves: str, rating: str, themes: str = "") -> tuple[float, tuple[int, ...]]:
    """Parse a row to its rating and packed position; ValueError where it cannot be used."""
    try:
        value = float(rating)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"the rating {rating!r} is not a number")
    board = _parse_fen(fen)
    first, answer, *_ = [*moves.split(maxsplit=2), "", ""]
    if not answer:
        raise ValueError(f"two moves are needed, the opponent's and the answer, not {moves!r}")
    board.push(_parse_move(board, first))
    move = _parse_move(board, answer)
    packed = pack(board, move)
    if MATE in themes.split():
        board.push(move)
        if not board.is_checkmate():
            raise ValueError(f"the answer {answer!r} does not mate, but the theme is {MATE}")
    return value, packed


def _parse_fen(fen: str) -> chess.Board:
    try:
        board = chess.Board(fen)
    except ValueError as error:
        raise ValueError(f"broken FEN {fen!r}: {error}") from error
    if len(fen.split()) < 4:
        raise ValueError(f"broken FEN {fen!r}: it names no player, castling or en passant square")
    if status := board.status():
        faults = ", ".join(str(flag.name).lower().replace("_", " ") for flag in status)
        raise ValueError(f"impossible position {fen!r}: {faults}")
    return board


def _parse_move(board: chess.Board, text: str) -> chess.Move:
    move = board.parse_uci(text)
    if not move:
        raise ValueError(f"{text!r} is not a move")
    return move
