"""Mates: each has one mating move by brute force, none twice, the same bytes whoever makes them."""

from __future__ import annotations

import hashlib
from collections import Counter
from random import Random

import chess
import numpy as np
import pytest

from deltaloss.datasets import mates
from deltaloss.datasets.chess_boards import pack, unpack
from deltaloss.datasets.mates import find_only_mate, generate_mates, make_mates

from .test_chess_boards import random_positions

KINDS = (chess.KING, chess.QUEEN, chess.BISHOP, chess.KNIGHT, chess.ROOK, chess.PAWN)


@pytest.fixture(scope="module")
def many():
    return generate_mates(200, seed=3)


def solve(board):
    """Give the mating moves, the number of checks that do not mate, and of legal moves."""
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
    """Give the position of aligned planes [12, 8, 8], the mover as white: row 7 is rank 1."""
    board = chess.Board(None)
    for plane, row, column in np.argwhere(planes):
        piece = chess.Piece(KINDS[plane % 6], chess.WHITE if plane < 6 else chess.BLACK)
        board.set_piece_at(chess.square(column, 7 - row), piece)
    return board


def test_each_position_is_legal_and_has_one_mating_move(many):
    inputs, targets = unpack(many.records, "aligned")
    difficulty = []
    for planes, squares in zip(inputs, targets, strict=True):
        board = board_of(planes)
        assert board.is_valid()
        found, decoys, legal_moves = solve(board)
        assert len(found) == 1
        marked = {chess.square(column, 7 - row) for row, column in np.argwhere(squares)}
        assert marked == {found[0].from_square, found[0].to_square}
        difficulty.append((decoys, legal_moves))
    ranked = list(zip(many.decoys.tolist(), many.legal_moves.tolist(), strict=True))
    assert difficulty == ranked == sorted(ranked)


def test_no_position_is_there_twice_as_the_mover_sees_it(many):
    inputs, _ = unpack(many.records, "released")
    assert len({planes.tobytes() for planes in inputs}) == 200


def test_positions_are_of_many_kinds(many):
    counts = many.statistics()
    assert counts["positions"] == 200
    assert 70 < counts["black_moves"] < 130
    for piece in ("queens", "bishops", "knights", "rooks", "pawns"):
        assert counts[f"mates_by_{piece}"] > 3
    assert sum(counts[key] for key in counts if key.startswith("mates_by_")) == 200
    inputs, _ = unpack(many.records, "aligned")
    pieces = inputs.sum(axis=(1, 2, 3))
    assert pieces.min() >= 4
    assert pieces.max() <= 20
    assert len(set(pieces.tolist())) > 8
    assert len(set(many.decoys.tolist())) > 5


def test_easiest_are_for_training_and_hardest_for_testing(many):
    train, test = make_mates(train_count=150, test_count=50, seed=3, orientation="released")
    inputs, targets = unpack(many.records, "released")
    np.testing.assert_array_equal(train.inputs, inputs[:150])
    np.testing.assert_array_equal(train.targets, targets[:150])
    np.testing.assert_array_equal(test.inputs, inputs[150:])
    np.testing.assert_array_equal(test.targets, targets[150:])


def test_workers_change_nothing_and_seeds_do(many):
    shared = generate_mates(200, seed=3, workers=2)
    np.testing.assert_array_equal(shared.records, many.records)
    np.testing.assert_array_equal(shared.legal_moves, many.legal_moves)
    assert not np.array_equal(
        generate_mates(100, seed=4).records, generate_mates(100, seed=3).records
    )


def test_bytes_are_the_same_on_every_machine(many):
    digest = hashlib.sha256(many.records.astype("<u8").tobytes()).hexdigest()
    assert digest[:16] == "dcb913a79bf21467"


def test_repeated_positions_are_drawn_anew(monkeypatch):
    """Each chunk begins with the last mate of the one before; ten are asked for, chunks have 4."""
    pool = mates._draw_chunk(7, 0)
    monkeypatch.setattr(mates, "_CHUNK", 4)
    monkeypatch.setattr(mates, "_draw_chunk", lambda seed, chunk: pool[3 * chunk : 3 * chunk + 4])
    drawn = generate_mates(12, seed=7)
    expected = mates._sort(pool[:12])
    np.testing.assert_array_equal(drawn.records, expected.records)


def test_impossible_positions_are_passed_over(monkeypatch):
    """In the first, three men check the mover; in the second, the mover checks out of turn."""
    impossible = chess.Board("6k1/5ppp/8/8/8/2n2b2/4R3/r2K3r w - - 0 1")
    out_of_turn = chess.Board("R5k1/5ppp/8/8/8/8/8/K3R3 w - - 0 1")
    possible = chess.Board("6k1/5ppp/8/8/8/8/8/K3R3 w - - 0 1")
    boards = iter([None, impossible, out_of_turn, possible])
    monkeypatch.setattr(mates, "_CHUNK", 1)
    monkeypatch.setattr(mates, "_compose", lambda random: next(boards))
    monkeypatch.setattr(mates, "find_only_mate", lambda board: mates.Solution(mating, 0, 1))
    mating = chess.Move.from_uci("e1e8")
    drawn = mates._draw_chunk(0, 0)
    assert [mate.record for mate in drawn] == [pack(possible, mating)]


def test_none_and_a_few_can_be_asked_for():
    train, test = make_mates(train_count=3, test_count=0, seed=0, orientation="aligned")
    assert train.inputs.shape == (3, 12, 8, 8)
    assert test.targets.shape == (0, 8, 8)


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
        ("6k1/5ppp/8/8/8/8/8/K3R3 w - - 0 1", "e1e8"),  # back rank
        ("6rk/6pp/8/6N1/8/8/8/K7 w - - 0 1", "g5f7"),  # smothered
        ("7k/5Ppp/8/8/8/8/8/6RK w - - 0 1", None),  # queen and rook mate alike
        ("k7/2K5/8/8/4N3/8/6B1/8 w - - 0 1", None),  # several discoveries
        ("4r2k/5Bpp/8/8/8/8/1Q6/K7 w - - 0 1", None),  # a check that is answered
        ("8/8/8/8/8/5k2/4q3/6K1 b - - 0 1", "e2g2"),
    ],
)
def test_solver_on_known_positions(fen, mate):
    board = chess.Board(fen)
    assert board.is_valid()
    solution = find_only_mate(board)
    assert (None if solution is None else solution.move.uci()) == mate
