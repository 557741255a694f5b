"""Audit of chess: every board and move played with python-chess.

What the planes do not show is taken as it must be: there are castling and en passant rights where
the move needs them, and a pawn becomes what it must.

Shape letters: N positions, K of them in a sample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import chess
import numpy as np
from numpy.typing import NDArray

from deltaloss.core.errors import DataError
from deltaloss.puzzles.base import Examples
from deltaloss.puzzles.checks import Bits, Check, Findings, chunks
from deltaloss.puzzles.chess.boards import numbers

Question = Callable[[chess.Board, int, int], bool]

KINDS = ("king", "queen", "bishop", "knight", "rook", "pawn")

ORIENTATIONS = {  # name -> whether boards, and moves, have the mover's rank 1 in row 7, not row 0
    "released": (False, True),
    "aligned": (True, True),
    "aligned upside down": (False, False),
    "released upside down": (True, False),
}
"""Ways in which boards and moves can lie; only the first two are made (`boards`)."""

SAMPLE = 1000  # positions that decide which way they lie
AGREEMENT = 0.9  # share of the answers about them that must be yes


def inspect(examples: Examples, source: str) -> Findings:
    """Verify boards [N, 12, 8, 8] and moves [N, 8, 8].

    Args:
        examples: the boards and their moves.
        source: with "generate" the move must be the only one that mates.

    Raises:
        DataError: the examples are no boards.
    """
    planes, squares = examples.inputs, examples.targets
    if planes.shape[1:] != (12, 8, 8):
        raise DataError(f"chess: inputs are {planes.shape}, must be [N, 12, 8, 8]")
    asked = [is_legal, is_only_mate] if source == "generate" else [is_legal]
    votes = _vote(planes, squares, asked)
    most = max(votes.values())
    orientation = next(name for name in ORIENTATIONS if votes[name] == most)
    clear = most >= AGREEMENT * len(asked) * min(len(planes), SAMPLE)
    clear &= not votes["released"] == votes["aligned"] == most
    checks, movers = _check(planes, squares, orientation, asked)
    unusual = clear and orientation not in ("released", "aligned")
    remark = f"boards and moves lie neither as released nor as aligned, but as {orientation}"
    return Findings(
        size=None,
        checks=checks,
        ones=int(np.count_nonzero(squares)),
        counted=squares.size,
        solutions={"what": "kind of the moved piece", **movers},
        details={
            "orientation": orientation if clear else None,
            "orientation_votes": votes,
        },
        remarks=[remark] if unusual else [],
    )


def _vote(planes: Bits, squares: Bits, asked: Sequence[Question]) -> dict[str, int]:
    """Count, for each orientation, the questions with answer yes in a sample of the positions."""
    rows = np.unique(np.linspace(0, len(planes) - 1, SAMPLE).astype(int))
    votes = {}
    for orientation in ORIENTATIONS:
        boards, moves = _turn(planes[rows], squares[rows], orientation)
        sound = ~np.any(_faults(boards, moves), axis=0)
        played = _play(boards[sound], moves[sound])
        votes[orientation] = sum(ask(*one) for one in played for ask in asked)
    return votes


def _check(
    planes: Bits, squares: Bits, orientation: str, asked: Sequence[Question]
) -> tuple[list[Check], dict[str, int]]:
    """Check all positions in one orientation; count the kinds of the men that move."""
    faults: list[NDArray[np.bool_]] = []
    answers: list[tuple[bool, ...]] = []
    movers = np.zeros(len(KINDS), dtype=np.int64)
    for part in chunks(planes):
        boards, moves = _turn(planes[part], squares[part], orientation)
        faults.append(_faults(boards, moves))
        sound = ~np.any(faults[-1], axis=0)
        boards, moves = boards[sound], moves[sound]
        movers += (boards[:, :6] & moves[:, np.newaxis]).sum(axis=(0, 2, 3), dtype=np.int64)
        answers += [tuple(ask(*one) for ask in asked) for one in _play(boards, moves)]
    failed = np.concatenate(faults, axis=1)
    rows = np.flatnonzero(~np.any(failed, axis=0))
    wrong = ~np.array(answers, dtype=np.bool_).reshape(-1, len(asked)).T
    checks = [
        Check(name=name, fault=fault, failed=f)
        for (name, fault), f in zip(_SEEN, failed, strict=True)
    ]
    checks += [
        Check(name=name, fault=fault, failed=f, rows=rows)
        for (name, fault), f in zip(_PLAYED[: len(asked)], wrong, strict=True)
    ]
    return checks, dict(zip(KINDS, movers.tolist(), strict=True))


_SEEN = (
    ("board", "have two men on one square"),
    ("squares", "mark other than two squares"),
    ("origin", "move from no piece of the player to move"),
)
_PLAYED = (
    ("legal", "have an impossible board or a move that is not legal"),
    ("mate", "have a move that is not the only mating one"),
)


def _faults(boards: Bits, moves: Bits) -> NDArray[np.bool_]:
    """Check positions without playing, bool [3, N]: the faults of `_SEEN`."""
    crowded = (boards.sum(axis=1) > 1).any(axis=(1, 2))
    marked = moves.sum(axis=(1, 2)) != 2
    origin = (boards[:, :6].any(axis=1) & moves).sum(axis=(1, 2)) != 1
    return np.stack([crowded, marked, origin])


def _turn(planes: Bits, squares: Bits, orientation: str) -> tuple[Bits, Bits]:
    """Turn boards and moves of an orientation to have the mover's rank 1 in row 0."""
    turn_boards, turn_moves = ORIENTATIONS[orientation]
    return (
        planes[:, :, ::-1] if turn_boards else planes,
        squares[:, ::-1] if turn_moves else squares,
    )


def _play(boards: Bits, moves: Bits) -> Iterator[tuple[chess.Board, int, int]]:
    """Yield board, origin and destination of positions [N] with the mover's rank 1 in row 0.

    The mover plays white, for the planes do not say who it is.
    """
    words = numbers(boards)
    kinds = (words[:, :6] | words[:, 6:]).tolist()
    own = np.bitwise_or.reduce(words[:, :6], axis=1).tolist()
    for men, mine, move in zip(kinds, own, numbers(moves).tolist(), strict=True):
        board = chess.Board(None)
        board.kings, board.queens, board.bishops, board.knights, board.rooks, board.pawns = men
        board.occupied = sum(men)
        board.occupied_co = [board.occupied & ~mine, mine]
        yield board, chess.lsb(move & mine), chess.lsb(move & ~mine)


def is_legal(board: chess.Board, origin: int, destination: int) -> bool:
    """Whether white may move so, in a possible position, with the rights that it needs."""
    board = _with_rights(board, origin, destination)
    legal = board.generate_legal_moves(chess.BB_SQUARES[origin])
    return board.is_valid() and any(move.to_square == destination for move in legal)


def is_only_mate(board: chess.Board, origin: int, destination: int) -> bool:
    """Whether white mates by this move and by no other; what a pawn becomes is not asked."""
    mating = set()
    for move in list(board.legal_moves):
        board.push(move)
        if board.is_checkmate():
            mating.add((move.from_square, move.to_square))
        board.pop()
    return mating == {(origin, destination)}


def _with_rights(board: chess.Board, origin: int, destination: int) -> chess.Board:
    """Copy a board, with the right to castle or to take en passant if the move needs it."""
    kind = board.piece_type_at(origin)
    granted = board.copy(stack=False)
    if kind == chess.KING and origin == chess.E1 and destination in (chess.G1, chess.C1):
        corner = chess.BB_H1 if destination == chess.G1 else chess.BB_A1
        granted.castling_rights = corner & board.rooks & board.occupied_co[chess.WHITE]
    aside = chess.square_file(origin) != chess.square_file(destination)
    if kind == chess.PAWN and aside and board.piece_type_at(destination) is None:
        granted.ep_square = destination  # where no pawn has just passed, the board is not valid
    return granted
