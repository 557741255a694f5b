"""The picture of an answer to a position: a legal move is legal on the board that is drawn."""

from __future__ import annotations

import chess
import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from deltaloss.puzzles.answer_pictures import RIGHT
from deltaloss.puzzles.chess.answer_picture import draw
from deltaloss.puzzles.chess.picture import MEN
from deltaloss.puzzles.pictures import Example

from .positions import ORIENTATIONS, encode

KINDS = (chess.KING, chess.QUEEN, chess.BISHOP, chess.KNIGHT, chess.ROOK, chess.PAWN)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize(
    ("fen", "move"),
    [
        ("r1bqkb1r/pppp1ppp/2n2n2/4p2Q/2B1P3/8/PPPP1PPP/RNB1K1NR w KQkq - 4 4", "h5f7"),
        ("r5k1/5ppp/8/8/3n4/8/5PPP/1R4K1 b - - 0 1", "a8a1"),
    ],
    ids=["white", "black"],
)
def test_the_right_move_is_legal_on_the_picture(orientation, fen, move):
    bits, target = encode(chess.Board(fen), move, orientation)
    ax = Figure().subplots()
    facts = {"orientation": orientation}
    draw(ax, Example(bits=bits, answer=target, facts=facts), target.astype(bool))
    board = chess.Board(None)  # white moves
    for patch in ax.patches:
        if patch.get_label() in MEN:
            column, row = patch.get_path().get_extents().get_points().mean(axis=0).round()
            white = patch.get_facecolor() == to_rgba("white")
            kind = KINDS[MEN.index(patch.get_label())]
            board.set_piece_at(chess.square(int(column), 7 - int(row)), chess.Piece(kind, white))
    assert len(board.piece_map()) == len(chess.Board(fen).piece_map())
    (arrow,) = [text for text in ax.texts if not text.get_text()]
    ends = [chess.square(int(x), 7 - int(y)) for x, y in (arrow.xyann, arrow.xy)]
    assert chess.Move(*ends) in board.legal_moves
    marks = ax.images[-1].get_array()
    filled = np.argwhere((marks[6::12, 6::12] == to_rgba(RIGHT)).all(axis=-1))
    assert {chess.square(int(column), 7 - int(row)) for row, column in filled} == set(ends)


def test_a_wrong_answer_leaves_the_right_squares_hollow():
    bits, target = encode(chess.Board("4k3/8/8/8/8/8/8/R3K3 w - - 0 1"), "a1a8", "aligned")
    answer = target.astype(bool)
    answer[0, 0], answer[3, 3] = False, True
    ax = Figure().subplots()
    draw(ax, Example(bits=bits, answer=target), answer)
    marks = ax.images[-1].get_array()[:, :, 3].reshape(8, 12, 8, 12).mean(axis=(1, 3))
    assert marks[7, 0] == 1
    assert 0 < marks[0, 0] < 1
    assert 0 < marks[3, 3] < 1
    assert np.count_nonzero(marks) == 3
