"""The picture of a position: the mover is white and at the bottom, whatever the orientation."""

from __future__ import annotations

import chess
import numpy as np
import pytest
from matplotlib.figure import Figure

from deltaloss.puzzles.chess.picture import draw
from deltaloss.puzzles.pictures import Example

from .positions import ORIENTATIONS, encode

FEN = "4k3/8/8/3n4/8/8/1P6/R3K3 w - - 0 1"


def drawn(bits, answer, orientation):
    ax = Figure().subplots()
    draw(ax, Example(bits=bits, answer=answer, facts={"orientation": orientation}))
    return ax


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize(
    ("fen", "move"),
    [(FEN, "a1a8"), ("r3k3/1p6/8/8/3N4/8/8/4K3 b - - 0 1", "a8a1")],
    ids=["white", "black"],
)
def test_the_mover_is_white_and_at_the_bottom(orientation, fen, move):
    ax = drawn(*encode(chess.Board(fen), move, orientation), orientation)
    men = {
        tuple(round(one) for one in text.get_position()): (text.get_text(), text.get_color())
        for text in ax.texts
        if text.get_text()
    }
    assert men == {
        (4, 0): ("\u265a", "black"),
        (3, 3): ("\u265e", "black"),
        (1, 6): ("\u265f", "white"),
        (0, 7): ("\u265c", "white"),
        (4, 7): ("\u265a", "white"),
    }
    (arrow,) = [text for text in ax.texts if not text.get_text()]
    assert (arrow.xyann, arrow.xy) == ((0, 7), (0, 0))
    assert {patch.get_xy() for patch in ax.patches} == {(-0.5, 6.5), (-0.5, -0.5)}


def test_a_move_from_an_empty_square_has_no_arrow():
    bits, answer = encode(chess.Board(FEN), "a1a8", "released")
    ax = drawn(bits, np.ascontiguousarray(answer[::-1, ::-1]), "released")
    assert [text for text in ax.texts if not text.get_text()] == []
    assert len(ax.patches) == 2
