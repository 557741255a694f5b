"""A chess position and its move as the network sees them: twelve planes in, two squares out.

Plane order, as published: king, queen, bishop, knight, rook, pawn of the player to move, then the
same six of the opponent. Columns are files a to h. A move is its origin and destination squares
(castling: the king's; promotion: the pawn's, whatever it becomes).

The published archive keeps row 0 = rank 1 for planes and moves and says who moves (1: black). The
data-set package then turns the moves of every puzzle upside down, and the released training code
turns planes and moves upside down where black moves. Hence the two orientations:

- "released": planes have the mover's home rank in row 0, moves have it in row 7, so the two are
  mirrored against each other, as the released code feeds them;
- "aligned": both have the mover's home rank in row 7, the bottom, as the paper describes.

Shape letters: N positions.
"""

from __future__ import annotations

from collections.abc import Sequence

import chess
import numpy as np
from numpy.typing import NDArray

ORIENTATIONS = ("released", "aligned")

PIECE_LETTERS = "KQBNRP"
"""Order of the six planes of each player."""

RECORD_FIELDS = 9
"""Numbers in a packed position: six kinds of piece, the mover's pieces, the move, black moves."""

_KINDS = len(PIECE_LETTERS)
_OWN, _MOVE, _BLACK = _KINDS, _KINDS + 1, _KINDS + 2
_CHUNK = 1 << 15
_LAST_RANKS = chess.BB_RANK_1 | chess.BB_RANK_8

Bits = NDArray[np.uint8]
Words = NDArray[np.uint64]


def encode(board: chess.Board, move: chess.Move, orientation: str) -> tuple[Bits, Bits]:
    """Give the planes [12, 8, 8] of `board` and the squares [8, 8] of `move`, both 0 or 1."""
    planes, squares = unpack(np.array([pack(board, move)], dtype=np.uint64), orientation)
    return planes[0], squares[0]


def pack(board: chess.Board, move: chess.Move) -> tuple[int, ...]:
    """Give a position as `RECORD_FIELDS` numbers; bit 8 * rank + file of each stands for a square.

    This is the form to collect millions of positions in; `unpack` makes arrays of it.
    """
    return (
        board.kings,
        board.queens,
        board.bishops,
        board.knights,
        board.rooks,
        board.pawns,
        board.occupied_co[board.turn],
        1 << move.from_square | 1 << move.to_square,
        int(not board.turn),
    )


def unpack(records: Words, orientation: str) -> tuple[Bits, Bits]:
    """Give the planes [N, 12, 8, 8] and squares [N, 8, 8] of packed positions [N, 9]."""
    count = len(records)
    planes = np.empty((count, 2 * _KINDS, 8, 8), dtype=np.uint8)
    squares = np.empty((count, 8, 8), dtype=np.uint8)
    for start in range(0, count, _CHUNK):
        part = slice(start, start + _CHUNK)
        kinds, own = records[part, :_KINDS], records[part, _OWN, None]
        planes[part], squares[part] = orient(
            _grids(np.concatenate([kinds & own, kinds & ~own], axis=1)),
            _grids(records[part, _MOVE]),
            black_moves=records[part, _BLACK] == 1,
            orientation=orientation,
        )
    return planes, squares


def orient(
    planes: Bits, squares: Bits, *, black_moves: NDArray[np.bool_], orientation: str
) -> tuple[Bits, Bits]:
    """Turn planes [N, 12, 8, 8] and squares [N, 8, 8] with row 0 = rank 1 as the network sees them.

    Args:
        planes: the boards of the published archive, or of `_grids`.
        squares: the moves of the same positions.
        black_moves: [N], whether black is to move.
        orientation: one of `ORIENTATIONS`.
    """
    if orientation not in ORIENTATIONS:
        raise ValueError(f"orientation is {orientation!r}; allowed: {', '.join(ORIENTATIONS)}")
    mover_first = np.where(black_moves[:, None, None, None], planes[:, :, ::-1], planes)
    mover_last = np.where(black_moves[:, None, None], squares, squares[:, ::-1])
    return (mover_first if orientation == "released" else mover_first[:, :, ::-1]), mover_last


def mirror(records: Words) -> Words:
    """Give the same positions [N, 9] with the colours exchanged: ranks reversed, other to move."""
    mirrored: Words = records.byteswap()
    mirrored[:, _BLACK] = 1 - records[:, _BLACK]
    return mirrored


def count_special_moves(records: Words) -> dict[str, int]:
    """Count the unusual moves among packed positions [N, 9], and those that black makes."""
    move, own = records[:, _MOVE], records[:, _OWN]
    kings, pawns = records[:, 0], records[:, 5]
    origin, destination = move & own, move & ~own
    by_pawn = (origin & pawns) != 0
    occupied = np.bitwise_or.reduce(records[:, :_KINDS], axis=1)
    two_files_aside = (destination == origin << np.uint64(2)) | (
        destination == origin >> np.uint64(2)
    )
    return {
        "promotions": int((by_pawn & ((destination & np.uint64(_LAST_RANKS)) != 0)).sum()),
        "castlings": int((((origin & kings) != 0) & two_files_aside).sum()),
        "en_passant": int(
            (by_pawn & ((destination & occupied) == 0) & ~_same_file(origin, destination)).sum()
        ),
        "black_moves": int(records[:, _BLACK].sum()),
    }


def stack(records: Sequence[Sequence[int]]) -> Words:
    """Give packed positions as one array [N, 9], also where there are none."""
    return np.array(records, dtype=np.uint64).reshape(-1, RECORD_FIELDS)


def _grids(words: Words) -> Bits:
    """Give the squares of each number [...] as [..., 8, 8], row 0 = rank 1."""
    ranks = np.ascontiguousarray(words, dtype="<u8")[..., None].view(np.uint8)
    return np.unpackbits(ranks[..., None], axis=-1, bitorder="little")


def _same_file(first: Words, second: Words) -> NDArray[np.bool_]:
    """Say whether two one-square numbers stand on the same file."""
    both = _grids(first | second)
    same: NDArray[np.bool_] = both.any(axis=1).sum(axis=1) == 1
    return same
