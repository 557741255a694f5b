"""Chess puzzles from a Lichess puzzle CSV, in every form it has been published in.

The dump of 2021 has nine columns and no header; later ones have a header, and a tenth column. The
FEN of a row stands before the opponent's move: the first of `Moves` leads to the puzzle, the
second is its answer, the rest is not used. The original archive is such a file sorted by rating.

Shape letters: N puzzles.
"""

from __future__ import annotations

import math
import re
from array import array
from dataclasses import dataclass
from pathlib import Path

import chess
import numpy as np
from numpy.typing import NDArray

from deltaloss.datasets.chess_boards import RECORD_FIELDS, count_special_moves, pack, unpack
from deltaloss.datasets.puzzle_rows import Row, rows
from deltaloss.datasets.store import Examples
from deltaloss.errors import DataError

_FEN = re.compile(
    r"([1-8KQBNRPkqbnrp]+(?:/[1-8KQBNRPkqbnrp]+){7}) ([wb]) (-|[KQkq]+) (-|[a-h][36])( \d+ \d+)?"
)
_EMPTY_RUNS = str.maketrans({str(length): "." * length for length in range(1, 9)})


def _selecting(letters: str) -> dict[int, int]:
    """Give a translation of a row of pieces to a binary number that is 1 at `letters`."""
    return str.maketrans(".KQBNRPkqbnrp", "".join("01"[x in letters] for x in ".KQBNRPkqbnrp"))


_KINGS, _QUEENS, _BISHOPS = _selecting("Kk"), _selecting("Qq"), _selecting("Bb")
_KNIGHTS, _ROOKS, _PAWNS = _selecting("Nn"), _selecting("Rr"), _selecting("Pp")
_WHITE, _BLACK = _selecting("KQBNRP"), _selecting("kqbnrp")


@dataclass(frozen=True, kw_only=True)
class Puzzles:
    """Puzzles in the order of their rating, equals in the order of the file.

    Attributes:
        ratings: float64 [N], ascending.
        records: packed positions, uint64 [N, 9], see `chess_boards.pack`.
    """

    ratings: NDArray[np.float64]
    records: NDArray[np.uint64]

    def __len__(self) -> int:
        """Give the number of puzzles N."""
        return len(self.ratings)

    def examples(self, rows: slice, orientation: str) -> Examples:
        """Give some of the puzzles as the network sees them, planes and squares."""
        inputs, targets = unpack(self.records[rows], orientation)
        return Examples(inputs=inputs, targets=targets)

    def statistics(self) -> dict[str, int | float]:
        """Count what is in the file: puzzles, unusual moves, and the spread of the ratings."""
        low, middle, high = np.quantile(self.ratings, (0, 0.5, 1)).tolist()
        return {
            "puzzles": len(self),
            **count_special_moves(self.records),
            "rating_lowest": low,
            "rating_median": middle,
            "rating_highest": high,
        }


def cut_puzzles(
    puzzles: Puzzles, path: Path, *, train_count: int, test_count: int, orientation: str
) -> tuple[Examples, Examples]:
    """Give the puzzles of lowest rating for training, in that order, and the highest for testing.

    The first rows of the sorted file are for training and its last rows for testing; the original
    cut [0, 600000) and [600000, 700000) is this one when the file has just the rows asked for.

    Raises:
        DataError: the file `path` has fewer puzzles than both counts together.
    """
    found = len(puzzles)
    check_count(path, found, train_count=train_count, test_count=test_count)
    train = puzzles.examples(slice(0, train_count), orientation)
    return train, puzzles.examples(slice(found - test_count, found), orientation)


def check_count(path: Path, found: int, *, train_count: int, test_count: int) -> None:
    """Refuse a file of `found` puzzles, if those for training and testing would overlap."""
    needed = train_count + test_count
    if found < needed:
        raise DataError(
            f"{path}: {found:,} puzzles, but {train_count:,} for training and {test_count:,} for "
            f"testing need {needed:,}; ask for fewer or give a larger file"
        )


def check_puzzles(path: Path) -> int:
    """Check every row of a puzzle file and give the number of puzzles. Errors: `read_puzzles`."""
    return len(read_puzzles(path))


def read_puzzles(path: Path) -> Puzzles:
    """Read and check a puzzle file, line by line, keeping 80 bytes a puzzle.

    Raises:
        DataError: no such file, no puzzles, text that is not UTF-8, missing columns, or a row
            with a broken FEN, fewer than two moves, an illegal move or no rating. The text names
            the file and the line.
    """
    ratings, fields = array("d"), array("Q")
    for row in rows(path):
        try:
            rating, record = _parse(row)
        except ValueError as error:
            raise DataError(f"{path}, line {row.line}: {error}") from error
        ratings.append(rating)
        fields.extend(record)
    if not ratings:
        raise DataError(f"{path}: there are no puzzles in this file")
    values = np.frombuffer(ratings, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    records = np.frombuffer(fields, dtype=np.uint64).reshape(-1, RECORD_FIELDS)
    return Puzzles(ratings=values[order], records=records[order])


def _parse(row: Row) -> tuple[float, tuple[int, ...]]:
    """Give the rating and the packed position of a row. ValueError: the row cannot be used."""
    rating = _parse_rating(row.rating)
    board = _parse_fen(row.fen)
    moves = row.moves.split(maxsplit=2)
    if len(moves) < 2:
        raise ValueError(
            f"{len(moves)} of the two moves needed, the opponent's and the answer, in {row.moves!r}"
        )
    board.push(_parse_move(board, moves[0]))
    return rating, pack(board, _parse_move(board, moves[1]))


def _parse_rating(text: str) -> float:
    try:
        rating = float(text)
    except ValueError:
        rating = float("nan")
    if not math.isfinite(rating) or "_" in text:
        raise ValueError(f"the rating {text!r} is not a number")
    return rating


def _parse_fen(fen: str) -> chess.Board:
    """Give the board of a FEN, as `chess.Board(fen)` does in four times the time."""
    match = _FEN.fullmatch(fen)
    if match is None:
        raise ValueError(f"broken FEN {fen!r}")
    placement, turn, castling, en_passant, _ = match.groups()
    ranks = placement.translate(_EMPTY_RUNS).split("/")
    if [len(rank) for rank in ranks] != [8] * 8:
        raise ValueError(f"broken FEN {fen!r}: a rank has not eight squares")
    cells = "".join([rank[::-1] for rank in ranks])  # h8 first: the highest bit of a board
    board = chess.Board(None)
    board.kings = int(cells.translate(_KINGS), 2)
    board.queens = int(cells.translate(_QUEENS), 2)
    board.bishops = int(cells.translate(_BISHOPS), 2)
    board.knights = int(cells.translate(_KNIGHTS), 2)
    board.rooks = int(cells.translate(_ROOKS), 2)
    board.pawns = int(cells.translate(_PAWNS), 2)
    black, white = int(cells.translate(_BLACK), 2), int(cells.translate(_WHITE), 2)
    board.occupied_co = [black, white]
    board.occupied = black | white
    board.turn = turn == "w"
    board.set_castling_fen(castling)
    board.ep_square = None if en_passant == "-" else chess.parse_square(en_passant)
    status = board.status()
    if status:
        raise ValueError(f"impossible position {fen!r}: {_describe(status)}")
    return board


def _describe(status: chess.Status) -> str:
    """Name what is wrong with a position in lower-case words."""
    return ", ".join(str(flag.name).lower().replace("_", " ") for flag in status)


def _parse_move(board: chess.Board, text: str) -> chess.Move:
    move = board.parse_uci(text)
    if not move:
        raise ValueError(f"{text!r} is not a move")
    return move
