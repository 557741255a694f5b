"""Which way up boards and moves lie, found out from the pieces alone.

Two questions, each answered by every example that can answer it:

- Do boards and moves lie the same way up? A move leaves a square with a man of the mover's and
  goes to one without, so just one of the two marked squares holds such a man.
- Where is the mover's home rank? Pawns go away from it, and they do not attack the king of a
  player who has just moved.

Shape letters: N positions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deltaloss.datasets.audit_base import Bits, chunks

AGREEMENT = 0.9  # share of the examples that must answer alike; what else they do is an error
_OWN_PAWN, _THEIR_KING = 5, 6

_NAMES = {
    ("same", "first"): "same-first",
    ("same", "last"): "aligned",
    ("mirrored", "first"): "released",
    ("mirrored", "last"): "mirrored-last",
}
_MOVES = {
    "same": "boards and moves lie the same way up",
    "mirrored": "moves are mirrored against the boards",
    "unclear": "whether boards and moves lie the same way up is unclear",
}
_HOMES = {
    "first": "the mover's home rank is the first row of the board",
    "last": "the mover's home rank is the last row of the board",
    "mixed": "the mover's home rank is now the first row of the board, now the last, as in an "
    "archive whose boards nobody has turned to the mover",
    "unclear": "no pawn tells where the mover's home rank is",
}


@dataclass(frozen=True, kw_only=True)
class Orientation:
    """How boards and moves lie.

    Attributes:
        moves: same, mirrored or unclear, against the boards.
        home: first, last, mixed or unclear: the row of the boards with the mover's home rank.
        votes: how many examples said so, or otherwise.
    """

    moves: str
    home: str
    votes: dict[str, int]

    @property
    def name(self) -> str:
        """One of `chess_boards.ORIENTATIONS`, or a name for what is neither."""
        home = self.home
        if home == "unclear":  # nothing speaks against the usual one
            home = {"same": "last", "mirrored": "first"}.get(self.moves, home)
        return _NAMES.get((self.moves, home), f"{self.moves}-{home}")

    def describe(self) -> str:
        """Say it in words."""
        return f"{_MOVES[self.moves]}; {_HOMES[self.home]}"

    def turn(self, squares: Bits) -> Bits:
        """Turn moves [N, 8, 8] to lie as the boards do."""
        return squares[:, ::-1] if self.moves == "mirrored" else squares


def detect_orientation(planes: Bits, squares: Bits) -> Orientation:
    """Find out how boards [N, 12, 8, 8] and moves [N, 8, 8] lie.

    Use it on examples as the network sees them, or on the arrays of an archive as they are.
    """
    fitting = {
        "same": _leaving_one(planes, squares),
        "mirrored": _leaving_one(planes, squares[:, ::-1]),
    }
    fits = {name: int(mask.sum()) for name, mask in fitting.items()}
    moves = max(fits, key=lambda name: fits[name])
    if len(set(fits.values())) == 1 or fits[moves] < AGREEMENT * len(planes):
        moves = "unclear"
    turned = squares[:, ::-1] if moves == "mirrored" else squares
    told = home_votes(planes, turned if moves != "unclear" else np.zeros_like(squares))
    first, last = int((told > 0).sum()), int((told < 0).sum())
    votes = {**fits, "home_first": first, "home_last": last, "positions": len(planes)}
    return Orientation(moves=moves, home=_home(first, last), votes=votes)


def home_votes(planes: Bits, squares: Bits) -> NDArray[np.int8]:
    """Say where the mover's home rank is: [N], 1 in the first row, -1 in the last, 0 for unknown.

    Args:
        planes: boards [N, 12, 8, 8].
        squares: moves [N, 8, 8], the same way up as the boards.
    """
    votes = np.zeros(len(planes), dtype=np.int8)
    for part in chunks(planes):
        boards, moves = planes[part], squares[part]
        pawns, king = boards[:, _OWN_PAWN], boards[:, _THEIR_KING]
        own = boards[:, :6].max(axis=1)
        origin, destination = moves & own, moves & ~own
        by_pawn = (origin & pawns).any(axis=(1, 2)) & destination.any(axis=(1, 2))
        onward = by_pawn * np.sign(_row(destination) - _row(origin))
        behind = _attacked(pawns[:, ::-1], king[:, ::-1]).astype(np.int8) - _attacked(pawns, king)
        votes[part] = np.sign(onward + behind)
    return votes


def _home(first: int, last: int) -> str:
    if first + last == 0:
        return "unclear"
    if max(first, last) < AGREEMENT * (first + last):
        return "mixed"
    return "first" if first > last else "last"


def _leaving_one(planes: Bits, squares: Bits) -> NDArray[np.bool_]:
    """Say of each position whether just one of its marked squares holds the mover's man."""
    single = np.zeros(len(planes), dtype=np.bool_)
    for part in chunks(planes):
        own = planes[part, :6].any(axis=1)
        single[part] = (own & squares[part]).sum(axis=(1, 2)) == 1
    return single


def _row(squares: Bits) -> NDArray[np.int8]:
    """Give the row of the first marked square of each [N, 8, 8]."""
    rows: NDArray[np.int8] = squares.any(axis=2).argmax(axis=1).astype(np.int8)
    return rows


def _attacked(pawns: Bits, king: Bits) -> NDArray[np.bool_]:
    """Say whether a pawn [N, 8, 8] that goes to higher rows attacks the king [N, 8, 8]."""
    left = pawns[:, :-1, 1:] & king[:, 1:, :-1]
    right = pawns[:, :-1, :-1] & king[:, 1:, 1:]
    hits: NDArray[np.int64] = (left | right).sum(axis=(1, 2))
    return hits > 0
