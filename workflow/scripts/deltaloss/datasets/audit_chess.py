"""Audit of chess: every board and move looked at, a sample of them played with python-chess.

What the planes do not show is taken as it must be: there are castling and en passant rights where
the move needs them, and a pawn becomes what it must.

Shape letters: N positions, K of them in the sample.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import chess
import numpy as np
from numpy.typing import NDArray

from deltaloss.datasets.audit_base import Bits, Check, Findings, chunks
from deltaloss.datasets.chess_boards import ORIENTATIONS
from deltaloss.datasets.chess_orientation import Orientation, detect_orientation
from deltaloss.datasets.store import Examples
from deltaloss.errors import DataError

CHUNK = 10_000  # positions played at a time, to bound the memory
KINDS = ("king", "queen", "bishop", "knight", "rook", "pawn")
_PROMOTIONS = (chess.QUEEN, chess.KNIGHT, chess.ROOK, chess.BISHOP)

Flags = NDArray[np.bool_]


def inspect(examples: Examples, source: str) -> Findings:
    """Verify boards [N, 12, 8, 8] and moves [N, 8, 8].

    Args:
        examples: the boards and their moves.
        source: where they come from; generated ones must have just one mating move, the label.

    Raises:
        DataError: the examples are no boards.
    """
    if examples.inputs.shape[1:] != (12, 8, 8):
        raise DataError(f"chess: inputs are {examples.inputs.shape}, must be [N, 12, 8, 8]")
    orientation = detect_orientation(examples.inputs, examples.targets)
    turned = orientation.turn(examples.targets)
    checks, movers = _look(examples.inputs, turned)
    sound = np.flatnonzero(np.stack([check.failed for check in checks]).sum(axis=0) == 0)
    checks += _play_all(examples.inputs, turned, sound, orientation, source)
    return Findings(
        size=None,
        checks=checks,
        ones=int(np.count_nonzero(examples.targets)),
        counted=examples.targets.size,
        solutions={"what": "kind of the moved piece", **movers},
        prints={},
        details={
            "orientation": orientation.name,
            "orientation_in_words": orientation.describe(),
            "orientation_votes": orientation.votes,
        },
        remarks=_unusual(orientation),
    )


def _unusual(orientation: Orientation) -> list[str]:
    """Say so if boards and moves lie in neither of the known ways."""
    if orientation.name in ORIENTATIONS:
        return []
    return [
        f"boards and moves lie neither as released nor aligned, but {orientation.name}: "
        f"{orientation.describe()}"
    ]


def _look(planes: Bits, squares: Bits) -> tuple[list[Check], dict[str, int]]:
    """Check all positions without playing; count the kinds of piece that move."""
    two, single, board = (np.zeros(len(planes), dtype=np.bool_) for _ in range(3))
    movers = np.zeros(len(KINDS), dtype=np.int64)
    for part in chunks(planes):
        boards, moves = planes[part], squares[part]
        own = boards[:, :6].any(axis=1)
        two[part] = moves.sum(axis=(1, 2)) == 2
        single[part] = (own & moves).sum(axis=(1, 2)) == 1
        board[part] = _possible(boards)
        origins = (boards[:, :6] & moves[:, np.newaxis]).sum(axis=(2, 3))
        movers += origins[two[part] & single[part]].sum(axis=0, dtype=np.int64)
    checks = [
        Check(name="board", fault="have an impossible board", failed=~board),
        Check(name="squares", fault="mark other than two squares", failed=~two),
        Check(name="origin", fault="move from no piece of the player to move", failed=~single),
    ]
    return checks, dict(zip(KINDS, movers.tolist(), strict=True))


def _possible(boards: Bits) -> Flags:
    """Say of [N, 12, 8, 8]: one man a square, a king each, at most 16 men, no pawn at an end."""
    sides = boards.reshape(len(boards), 2, 6, 64)
    kings_fit = (sides[:, :, 0].sum(axis=2) == 1).all(axis=1)
    men_fit = (sides.sum(axis=(2, 3)) <= 16).all(axis=1)
    pawns_fit = ~boards[:, 5::6, ::7].any(axis=(1, 2, 3))
    fits: Flags = kings_fit & men_fit & pawns_fit & (boards.sum(axis=1) <= 1).all(axis=(1, 2))
    return fits


def _play_all(
    planes: Bits,
    squares: Bits,
    rows: NDArray[np.int64],
    orientation: Orientation,
    source: str,
) -> list[Check]:
    """Check all sound positions, `CHUNK` at a time."""
    parts = [rows[first : first + CHUNK] for first in range(0, max(len(rows), 1), CHUNK)]
    played = [_play(planes[part], squares[part], part, orientation, source) for part in parts]
    return [
        replace(checks[0], failed=np.concatenate([one.failed for one in checks]), rows=rows)
        for checks in zip(*played, strict=True)
    ]


def _play(
    planes: Bits, squares: Bits, rows: NDArray[np.int64], orientation: Orientation, source: str
) -> list[Check]:
    """Check positions [K] with python-chess; where the home rank is mixed either may be right."""
    questions: dict[str, tuple[str, Callable[[chess.Board, int, int], bool]]] = {
        "legal": ("have a move that is not legal", is_legal)
    }
    if source == "generated":
        questions["mate"] = ("have a move that is not the only mating one", is_only_mate)
    ends = {"first": [False], "last": [True]}.get(orientation.home)
    if ends is None:
        usual = orientation.moves == "same"
        ends = [usual, not usual]
    seen = [
        _recover(planes[:, :, ::-1], squares[:, ::-1]) if last else _recover(planes, squares)
        for last in ends
    ]
    return [
        Check(
            name=name,
            fault=fault,
            failed=~np.array(
                [any(ask(*one) for one in ways) for ways in zip(*seen, strict=True)], dtype=np.bool_
            ),
            rows=rows,
        )
        for name, (fault, ask) in questions.items()
    ]


def _recover(planes: Bits, squares: Bits) -> list[tuple[chess.Board, int, int]]:
    """Give board, origin and destination of each position, with row 0 as the mover's rank 1.

    The mover plays white, for the planes do not say who it is.
    """
    words = _words(planes)
    own = np.bitwise_or.reduce(words[:, :6], axis=1)
    moves = _words(squares)
    positions = []
    for men, mine, move in zip(words.tolist(), own.tolist(), moves.tolist(), strict=True):
        board = chess.Board(None)
        both = [one | other for one, other in zip(men[:6], men[6:], strict=True)]
        board.kings, board.queens, board.bishops, board.knights, board.rooks, board.pawns = both
        board.occupied = sum(both)
        board.occupied_co = [board.occupied & ~mine, mine]
        positions.append((board, chess.lsb(move & mine), chess.lsb(move & ~mine)))
    return positions


def _words(grids: Bits) -> NDArray[np.uint64]:
    """Give each [..., 8, 8] as a number whose bit 8 * row + column stands for a square."""
    rows = np.packbits(np.ascontiguousarray(grids), axis=-1, bitorder="little")
    return np.ascontiguousarray(rows[..., 0]).view("<u8")[..., 0].astype(np.uint64)


def is_legal(board: chess.Board, origin: int, destination: int) -> bool:
    """Say whether white may move so, in a possible position, with the rights that it needs."""
    board = _with_rights(board, origin, destination)
    return board.is_valid() and bool(_moves(board, origin, destination))


def is_only_mate(board: chess.Board, origin: int, destination: int) -> bool:
    """Say whether white mates by this move and by no other; what a pawn becomes is not asked."""
    mating = set()
    for move in list(board.legal_moves):
        board.push(move)
        if board.is_checkmate():
            mating.add((move.from_square, move.to_square))
        board.pop()
    return mating == {(origin, destination)}


def _moves(board: chess.Board, origin: int, destination: int) -> list[chess.Move]:
    """List the legal moves between two squares: none, one, or a promotion to each piece."""
    kinds = (None, *_PROMOTIONS)
    moves = [chess.Move(origin, destination, promotion=kind) for kind in kinds]
    return [move for move in moves if board.is_legal(move)]


def _with_rights(board: chess.Board, origin: int, destination: int) -> chess.Board:
    """Give the rights, not shown by the planes, to castle or to take en passant by this move."""
    kind = board.piece_type_at(origin)
    granted = board.copy(stack=False)
    if kind == chess.KING and origin == chess.E1 and destination in (chess.G1, chess.C1):
        corner = chess.BB_H1 if destination == chess.G1 else chess.BB_A1
        granted.castling_rights = corner & board.rooks & board.occupied_co[chess.WHITE]
    aside = chess.square_file(origin) != chess.square_file(destination)
    if kind == chess.PAWN and aside and board.piece_type_at(destination) is None:
        granted.ep_square = destination  # where no pawn has just passed, the board is not valid
    return granted
