"""Chess positions with exactly one mating move: a puzzle set that needs no download.

How a position is drawn, seen from the mover's side (half are then given to black):

1. The defending king stands on a usual square of its back rank (half), on an edge square (35%) or
   anywhere. Pawns shield it and other men of its side block it.
2. One mover's man, the finisher, stands where on an empty board one move takes it to a square that
   gives check; most often a knight or bishop, or queens and rooks would give nearly all mates.
3. The mover's king and up to nine more men stand about, half of these aimed at a square beside the
   defending king; up to eight of the defender's stand anywhere. No side has more than its first
   army.

Only legal positions with one mating move are kept, no two alike as the mover sees them. There are
no castling or en passant rights, for the planes could not show them. The harder puzzle is the one
with more decoys, checks that do not mate, then the one with more legal moves, then the later one.

Shape letters: N positions.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from functools import cache, partial
from itertools import chain
from multiprocessing import get_context
from random import Random
from typing import NamedTuple

import chess
import numpy as np
from chess import BISHOP, KING, KNIGHT, PAWN, QUEEN, ROOK

from deltaloss.core.seeds import derive_seed
from deltaloss.puzzles.chess.boards import Packed, mirror, pack

CHUNK = 100  # mates of one random stream; another number gives another set

_DIAGONALS = [chess.BB_DIAG_ATTACKS[square][0] for square in chess.SQUARES]
_STRAIGHTS = [
    chess.BB_RANK_ATTACKS[square][0] | chess.BB_FILE_ATTACKS[square][0] for square in chess.SQUARES
]
_REACH = {  # kind -> square -> squares from which it is attacked by white, on an empty board
    PAWN: chess.BB_PAWN_ATTACKS[chess.BLACK],
    KNIGHT: chess.BB_KNIGHT_ATTACKS,
    BISHOP: _DIAGONALS,
    ROOK: _STRAIGHTS,
    QUEEN: [first | second for first, second in zip(_DIAGONALS, _STRAIGHTS, strict=True)],
    KING: chess.BB_KING_ATTACKS,
}
_ATTACKED_FROM = {
    kind: [list(chess.scan_forward(mask)) for mask in masks] for kind, masks in _REACH.items()
}

_HOME_SQUARES = (*[chess.G8] * 4, *[chess.H8] * 2, chess.A8, chess.B8, chess.C8, chess.E8, chess.F8)
_EDGE_SQUARES = tuple(
    chess.SquareSet(chess.BB_RANK_1 | chess.BB_RANK_8 | chess.BB_FILE_A | chess.BB_FILE_H)
)
_MOST = {PAWN: 8, KNIGHT: 2, BISHOP: 2, ROOK: 2, QUEEN: 1, KING: 1}
_FINISHERS = (QUEEN, ROOK, BISHOP, KNIGHT, PAWN)
_FINISHER_WEIGHTS = (0.10, 0.20, 0.25, 0.30, 0.15)
_BLOCKERS = (KNIGHT, BISHOP, ROOK, ROOK)
_ATTACKERS = (  # kind and the chance that it is there
    *((QUEEN, 0.45), (ROOK, 0.55), (ROOK, 0.4), (BISHOP, 0.5), (KNIGHT, 0.5)),
    *((PAWN, 0.6), (PAWN, 0.5), (PAWN, 0.5), (PAWN, 0.3)),
)
_DEFENDERS = (
    *((QUEEN, 0.5), (ROOK, 0.4), (ROOK, 0.3), (BISHOP, 0.4), (KNIGHT, 0.4)),
    *((PAWN, 0.6), (PAWN, 0.5), (PAWN, 0.4)),
)


class Solution(NamedTuple):
    """The only mating move of a position, and its difficulty."""

    move: chess.Move
    decoys: int  # checks that do not mate
    legal_moves: int


class Mate(NamedTuple):
    """A position with one mating move, white to move."""

    packed: tuple[int, ...]  # see `boards.pack`
    black_moves: bool  # whether the puzzle shows it with the colours exchanged
    difficulty: tuple[int, int]  # decoys and legal moves


def make_mates(count: int, *, seed: int, workers: int = 1) -> Packed:
    """Make `count` different positions with exactly one mating move, the easiest first.

    Chunk c of them comes from the random stream (seed, "mates", c), in any of the processes.

    Returns:
        Packed positions, uint64 [count, 9], see `boards`.
    """
    found: dict[tuple[int, ...], Mate] = {}
    fork = get_context("fork")  # a spawned process would run the main script again
    with ProcessPoolExecutor(workers, fork) if workers > 1 else nullcontext() as pool:

        def draw(chunks: range) -> Iterable[list[Mate]]:
            one = partial(_draw_chunk, seed)
            return pool.map(one, chunks) if pool else map(one, chunks)

        chunk = 0
        while len(found) < count:
            after = chunk + math.ceil((count - len(found)) / CHUNK)
            for mate in chain.from_iterable(draw(range(chunk, after))):
                found.setdefault(mate.packed, mate)
            chunk = after
    ranked = sorted(list(found.values())[:count], key=lambda mate: mate.difficulty)
    packed = np.array([mate.packed for mate in ranked], dtype=np.uint64)
    black_moves = np.array([mate.black_moves for mate in ranked])
    return np.where(black_moves[:, None], mirror(packed), packed)


def _draw_chunk(seed: int, chunk: int) -> list[Mate]:
    """Draw the mates of one random stream."""
    random = Random(derive_seed(seed, "mates", chunk))
    mates: list[Mate] = []
    while len(mates) < CHUNK:
        board = _compose(random)
        if board is None or board.was_into_check() or not board.is_valid():
            continue
        solution = find_only_mate(board)
        if solution is not None:
            black_moves = random.random() < 0.5
            mates.append(Mate(pack(board, solution.move), black_moves, solution[1:]))
    return mates


def find_only_mate(board: chess.Board) -> Solution | None:
    """Find the mating move if there is exactly one; None if there are more or none.

    Only moves that can give check are played: those to a square from which the piece attacks the
    king, those from a square in line with it, and promotions. The board may have no castling or
    en passant rights, whose moves check in other ways.
    """
    king = chess.msb(board.kings & board.occupied_co[not board.turn])
    targets, in_line = _checking_squares(board, king), _REACH[QUEEN][king]
    mate, decoys = None, 0
    moves = list(board.generate_legal_moves())
    for move in moves:
        kind = board.piece_type_at(move.from_square) or PAWN
        aims = targets[kind] >> move.to_square & 1 or in_line >> move.from_square & 1
        if not (aims or move.promotion):
            continue
        board.push(move)
        checks = board.is_check()
        mates = checks and board.is_checkmate()
        board.pop()
        if mates and mate is not None:
            return None
        mate = move if mates else mate
        decoys += checks and not mates
    return None if mate is None else Solution(mate, decoys, len(moves))


def _checking_squares(board: chess.Board, king: int) -> dict[int, int]:
    """Find for each kind of piece the squares from which the mover's would attack `king` now."""
    occupied = board.occupied
    diagonal = chess.BB_DIAG_ATTACKS[king][chess.BB_DIAG_MASKS[king] & occupied]
    straight = (
        chess.BB_RANK_ATTACKS[king][chess.BB_RANK_MASKS[king] & occupied]
        | chess.BB_FILE_ATTACKS[king][chess.BB_FILE_MASKS[king] & occupied]
    )
    return {
        PAWN: chess.BB_PAWN_ATTACKS[not board.turn][king],
        KNIGHT: chess.BB_KNIGHT_ATTACKS[king],
        BISHOP: diagonal,
        ROOK: straight,
        QUEEN: diagonal | straight,
        KING: 0,
    }


def _compose(random: Random) -> chess.Board | None:
    """Draw a position as described at the top of the module, white to move; it may be illegal.

    Returns:
        None where the mover's king has no place.
    """
    draw = random.random()
    squares = _HOME_SQUARES if draw < 0.5 else _EDGE_SQUARES if draw < 0.85 else chess.SQUARES
    king = random.choice(squares)
    board = chess.Board(None)
    put = partial(_put, random, board)
    put(KING, chess.BLACK, (king,))
    around = _ATTACKED_FROM[KING][king]
    crowd = 0.6 if random.random() < 0.3 else 0.2
    for square in around:
        if square < king - 1:
            put(PAWN, chess.BLACK, (square,), chance=0.55)
        else:
            put(random.choice(_BLOCKERS), chess.BLACK, (square,), chance=crowd)
    finisher = random.choices(_FINISHERS, _FINISHER_WEIGHTS)[0]
    put(finisher, chess.WHITE, _one_move_from_check(finisher, king))
    put(KING, chess.WHITE, chess.SQUARES if random.random() < 0.5 else chess.SQUARES[:16])
    if not board.kings & board.occupied_co[chess.WHITE]:
        return None
    for kind, chance in _ATTACKERS:
        aim = _ATTACKED_FROM[kind][random.choice(around)]
        put(kind, chess.WHITE, random.choice((aim, chess.SQUARES)), chance=chance)
    for kind, chance in _DEFENDERS:
        put(kind, chess.BLACK, chess.SQUARES, chance=chance)
    return board


def _put(
    random: Random,
    board: chess.Board,
    kind: int,
    color: bool,
    squares: Sequence[int],
    chance: float = 1,
) -> None:
    """Put a man on one of `squares`, unless it is taken, unfit, or the army has no more."""
    if random.random() >= chance or not squares:
        return
    square = random.choice(squares)
    fit = (kind != PAWN or 8 <= square < 56) and not board.occupied >> square & 1
    if fit and board.pieces_mask(kind, color).bit_count() < _MOST[kind]:
        board.set_piece_at(square, chess.Piece(kind, color))


@cache
def _one_move_from_check(kind: int, king: int) -> Sequence[int]:
    """List the squares from which, on an empty board, one move of a white piece checks `king`."""
    near, far = _ATTACKED_FROM[kind], _ATTACKED_FROM[kind][king]
    if kind == PAWN:
        return [square - 8 for square in far]
    return [start for square in far for start in near[square] if start not in (*far, king)]
