"""Mates: each has one mating move by brute force, none twice, the same bytes whoever makes them."""

from __future__ import annotations

import hashlib
from collections import Counter
from random import Random

import chess
import numpy as np
import pytest

from deltaloss.puzzles.chess import mates
from deltaloss.puzzles.chess.boards import pack
from deltaloss.puzzles.chess.mates import find_only_mate, make_mates

from .positions import examples_of, random_positions

KINDS = (chess.KING, chess.QUEEN, chess.BISHOP, chess.KNIGHT, chess.ROOK, chess.PAWN)


@pytest.fixture(scope="module")
def many():
    return make_mates(200, seed=3)


def solve(board):
    """Mating moves, number of checks that do not mate, and number of legal moves."""
    found, decoys = [], 0
    for move in board.legal_moves:
        board.push(move)
        if board.is_checkmate():
            found.append(move)
        elif board.is_check():
            decoys += 1
        board.pop()
    return found, decoys, board.legal_moves.count()


def board_of(planes):
    """Position of aligned planes [12, 8, 8], the mover as white: row 7 is rank 1."""
    board = chess.Board(None)
    for plane, row, column in np.argwhere(planes):
        piece = chess.Piece(KINDS[plane % 6], chess.WHITE if plane < 6 else chess.BLACK)
        board.set_piece_at(chess.square(column, 7 - row), piece)
    return board


def test_each_position_is_legal_has_one_mating_move_and_is_harder_than_the_one_before(many):
    examples = examples_of(many, "aligned")
    difficulty = []
    for planes, squares in zip(examples.inputs, examples.targets, strict=True):
        board = board_of(planes)
        assert board.is_valid()
        found, decoys, legal_moves = solve(board)
        assert len(found) == 1
        marked = {chess.square(column, 7 - row) for row, column in np.argwhere(squares)}
        assert marked == {found[0].from_square, found[0].to_square}
        difficulty.append((decoys, legal_moves))
    assert difficulty == sorted(difficulty)
    assert len({decoys for decoys, _ in difficulty}) > 5


def test_no_position_is_there_twice_as_the_mover_sees_it(many):
    examples = examples_of(many, "released")
    assert len({planes.tobytes() for planes in examples.inputs}) == 200


def test_positions_are_of_many_kinds(many):
    examples = examples_of(many, "aligned")
    moved = (examples.inputs[:, :6] & examples.targets[:, None]).sum(axis=(0, 2, 3))
    assert moved.sum() == 200
    assert moved[1:].min() > 3  # of every kind but the king
    assert 70 < many[:, 8].sum() < 130  # black moves in half of them
    pieces = examples.inputs.sum(axis=(1, 2, 3))
    assert pieces.min() >= 4
    assert pieces.max() <= 20
    assert len(set(pieces.tolist())) > 8


def test_workers_change_nothing_and_seeds_do(many):
    np.testing.assert_array_equal(make_mates(200, seed=3, workers=2), many)
    assert not np.array_equal(make_mates(100, seed=4), make_mates(100, seed=3))


def test_the_mates_of_a_seed_are_the_recorded_ones(many):
    digest = hashlib.sha256(many.astype("<u8").tobytes()).hexdigest()
    assert digest[:16] == "dcb913a79bf21467"


def test_repeated_positions_are_drawn_anew(monkeypatch):
    """Each chunk begins with the last mate of the one before; twelve are asked for in fours."""
    pool = mates._draw_chunk(7, 0)
    monkeypatch.setattr(mates, "CHUNK", 4)
    monkeypatch.setattr(mates, "_draw_chunk", lambda seed, chunk: pool[3 * chunk : 3 * chunk + 4])
    drawn = make_mates(12, seed=7)
    monkeypatch.setattr(mates, "_draw_chunk", lambda seed, chunk: pool)
    np.testing.assert_array_equal(drawn, make_mates(12, seed=7))


def test_impossible_positions_are_passed_over(monkeypatch):
    """In the first, three men check the mover; in the second, the mover checks out of turn."""
    impossible = chess.Board("6k1/5ppp/8/8/8/2n2b2/4R3/r2K3r w - - 0 1")
    out_of_turn = chess.Board("R5k1/5ppp/8/8/8/8/8/K3R3 w - - 0 1")
    possible = chess.Board("6k1/5ppp/8/8/8/8/8/K3R3 w - - 0 1")
    boards = iter([None, impossible, out_of_turn, possible])
    mating = chess.Move.from_uci("e1e8")
    monkeypatch.setattr(mates, "CHUNK", 1)
    monkeypatch.setattr(mates, "_compose", lambda random: next(boards))
    monkeypatch.setattr(mates, "find_only_mate", lambda board: mates.Solution(mating, 0, 1))
    assert [mate.packed for mate in mates._draw_chunk(0, 0)] == [pack(possible, mating)]


def test_solver_agrees_with_brute_force():
    """On games, and on drawn positions before those with other than one mate are left out."""
    random = Random(8)
    drawn = [board for board in (mates._compose(random) for _ in range(400)) if board is not None]
    outcomes = Counter()
    for board in [*(board for board, _ in random_positions(200, seed=8)), *drawn]:
        board.castling_rights, board.ep_square = chess.BB_EMPTY, None
        if not board.is_valid():
            continue
        found, decoys, legal_moves = solve(board)
        outcomes[min(len(found), 2)] += 1
        expected = (found[0], decoys, legal_moves) if len(found) == 1 else None
        assert find_only_mate(board) == expected
    assert min(outcomes[mates_found] for mates_found in (0, 1, 2)) > 5


@pytest.mark.parametrize(
    ("fen", "mate"),
    [
        ("6k1/5ppp/8/8/8/8/8/K3R3 w - - 0 1", "e1e8"),
        ("6rk/6pp/8/6N1/8/8/8/K7 w - - 0 1", "g5f7"),
        ("7k/5Ppp/8/8/8/8/8/6RK w - - 0 1", None),
        ("k7/2K5/8/8/4N3/8/6B1/8 w - - 0 1", None),
        ("4r2k/5Bpp/8/8/8/8/1Q6/K7 w - - 0 1", None),
        ("8/8/8/8/8/5k2/4q3/6K1 b - - 0 1", "e2g2"),
    ],
    ids=[
        "back rank",
        "smothered",
        "queen and rook mate alike",
        "several discoveries",
        "a check that is answered",
        "black moves",
    ],
)
def test_solver_on_known_positions(fen, mate):
    board = chess.Board(fen)
    assert board.is_valid()
    solution = find_only_mate(board)
    assert (None if solution is None else solution.move.uci()) == mate
