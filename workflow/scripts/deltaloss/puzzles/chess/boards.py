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

Millions of positions are collected as packed positions: nine numbers each, bit 8 * rank + file for
a square.

Shape letters: N positions.
"""

from __future__ import annotations

from collections.abc import Iterator

import chess
import numpy as np
from numpy.typing import NDArray

from deltaloss.puzzles.base import Examples

PACKED_NUMBERS = 9
"""Kings, queens, bishops, knights, rooks, pawns; men of the mover; the move; black moves or not."""

CHUNK = 1 << 15  # positions unpacked at once: bounds the memory, changes no bit

_KINDS = 6
_OWN, _MOVE, _BLACK = 6, 7, 8

Bits = NDArray[np.uint8]
Packed = NDArray[np.uint64]


def pack(board: chess.Board, move: chess.Move) -> tuple[int, ...]:
    """Pack a position and the move of its mover."""
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


def mirror(packed: Packed) -> Packed:
    """Exchange the colours of packed positions [N, 9]: ranks reversed, the other side to move."""
    mirrored: Packed = packed.byteswap()
    mirrored[:, _BLACK] = 1 - packed[:, _BLACK]
    return mirrored


def unpack(packed: Packed, orientation: str) -> Iterator[Examples]:
    """Turn packed positions [N, 9] into examples.

    Yields:
        Chunks of `CHUNK` positions: inputs [n, 12, 8, 8], targets [n, 8, 8].
    """
    for start in range(0, len(packed), CHUNK):
        part = packed[start : start + CHUNK]
        kinds, own = part[:, :_KINDS], part[:, _OWN, None]
        planes, squares = orient(
            grids(np.concatenate([kinds & own, kinds & ~own], axis=1)),
            grids(part[:, _MOVE]),
            black_moves=part[:, _BLACK] == 1,
            orientation=orientation,
        )
        yield Examples(inputs=planes, targets=squares)


def orient(
    planes: Bits, squares: Bits, *, black_moves: NDArray[np.bool_], orientation: str
) -> tuple[Bits, Bits]:
    """Turn planes and squares with row 0 = rank 1 to an orientation.

    Args:
        planes: boards as in the published archive, [N, 12, 8, 8].
        squares: their moves, [N, 8, 8].
        black_moves: whether black is to move, [N].
        orientation: released or aligned.
    """
    mover_first = np.where(black_moves[:, None, None, None], planes[:, :, ::-1], planes)
    mover_last = np.where(black_moves[:, None, None], squares, squares[:, ::-1])
    return (mover_first if orientation == "released" else mover_first[:, :, ::-1]), mover_last


def grids(numbers: Packed) -> Bits:
    """Unpack numbers [...] to their squares [..., 8, 8], row 0 = rank 1."""
    ranks = np.ascontiguousarray(numbers, dtype="<u8")[..., None].view(np.uint8)
    return np.unpackbits(ranks[..., None], axis=-1, bitorder="little")


def numbers(grids: Bits) -> Packed:
    """Pack squares [..., 8, 8] to numbers [...]; the inverse of `grids`."""
    ranks = np.packbits(np.ascontiguousarray(grids), axis=-1, bitorder="little")
    return np.ascontiguousarray(ranks[..., 0]).view("<u8")[..., 0].astype(np.uint64)
