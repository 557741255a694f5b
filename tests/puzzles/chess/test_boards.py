"""Boards and moves as planes: hand-made positions, symmetries, and the published archive."""

from __future__ import annotations

import chess
import numpy as np
import pytest

from deltaloss.puzzles.chess import boards
from deltaloss.puzzles.chess.boards import grids, mirror, numbers, orient
from deltaloss.puzzles.chess.lichess import read_puzzles

from .positions import (
    ORIENTATIONS,
    encode,
    examples_of,
    pack_all,
    random_positions,
    shared_archive,
    shared_puzzles,
)

# One man of each kind, no two on one file in a mirrored place.
WHITE_TO_MOVE = "k7/1q6/2b5/3n4/2P4r/4p1N1/1RB5/Q5K1 w - - 0 1"


def ones(plane):
    """Places (row, column) of the ones."""
    return {(int(row), int(column)) for row, column in np.argwhere(plane)}


def mirrored(board, move):
    return board.mirror(), chess.Move(
        chess.square_mirror(move.from_square), chess.square_mirror(move.to_square), move.promotion
    )


def test_planes_are_mover_first_in_the_published_order():
    planes, squares = encode(chess.Board(WHITE_TO_MOVE), "a1h8", "released")
    assert planes.shape == (12, 8, 8)
    assert squares.shape == (8, 8)
    assert planes.dtype == squares.dtype == np.uint8
    places = [ones(plane) for plane in planes]
    own = [{(0, 6)}, {(0, 0)}, {(1, 2)}, {(2, 6)}, {(1, 1)}, {(3, 2)}]
    opponent = [{(7, 0)}, {(6, 1)}, {(5, 2)}, {(4, 3)}, {(3, 7)}, {(2, 4)}]
    assert places == own + opponent
    assert ones(squares) == {(7, 0), (0, 7)}  # a1 and h8, rank 1 in the last row


def test_black_to_move_exchanges_the_groups_and_turns_both_upside_down():
    board = chess.Board(WHITE_TO_MOVE.replace(" w ", " b "))
    planes, squares = encode(board, "b7b2", "released")
    places = [ones(plane) for plane in planes]
    assert places[:3] == [{(0, 0)}, {(1, 1)}, {(2, 2)}]
    assert places[6:9] == [{(7, 6)}, {(7, 0)}, {(6, 2)}]
    assert ones(squares) == {(6, 1), (1, 1)}


def test_aligned_has_the_home_rank_of_the_mover_at_the_bottom():
    start = chess.Board()
    for board, move in [(start, "e2e4"), (start.mirror(), "e7e5")]:
        planes, squares = encode(board, move, "aligned")
        assert ones(planes[0]) == {(7, 4)}
        assert ones(planes[6]) == {(0, 4)}
        assert ones(squares) == {(6, 4), (4, 4)}


def test_castling_en_passant_and_promotion_mark_origin_and_destination():
    cases = [
        ("r3k2r/8/8/8/8/8/8/R3K2R w KQkq - 0 1", "e1g1", {(7, 4), (7, 6)}),
        ("r3k2r/8/8/8/8/8/8/R3K2R b KQkq - 0 1", "e8c8", {(7, 4), (7, 2)}),
        ("4k3/8/8/3pP3/8/8/8/4K3 w - d6 0 1", "e5d6", {(3, 4), (2, 3)}),
        ("4k3/P7/8/8/8/8/8/4K3 w - - 0 1", "a7a8n", {(1, 0), (0, 0)}),
    ]
    for fen, move, places in cases:
        assert ones(encode(chess.Board(fen), move, "aligned")[1]) == places


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_exchanging_the_colours_changes_nothing(orientation):
    positions = list(random_positions(100, seed=1))
    one = examples_of(pack_all(positions), orientation)
    other = examples_of(pack_all(mirrored(*position) for position in positions), orientation)
    assert one.digest() == other.digest()


def test_mirror_is_the_mirror_of_python_chess():
    positions = list(random_positions(100, seed=2))
    expected = pack_all(mirrored(*position) for position in positions)
    np.testing.assert_array_equal(mirror(pack_all(positions)), expected)


def test_numbers_are_the_inverse_of_grids():
    packed = np.random.default_rng(0).integers(2**64, size=(5, 3), dtype=np.uint64)
    np.testing.assert_array_equal(numbers(grids(packed)), packed)
    (corners,) = grids(np.array([chess.BB_A1 | chess.BB_H8], dtype=np.uint64))
    assert ones(corners) == {(0, 0), (7, 7)}


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_positions_are_the_same_whatever_the_chunk(orientation, monkeypatch):
    packed = pack_all(random_positions(20, seed=3))
    whole = examples_of(packed, orientation)
    monkeypatch.setattr(boards, "CHUNK", 7)  # two whole chunks and a rest
    assert examples_of(packed, orientation).digest() == whole.digest()


def test_orient_is_what_the_released_loaders_do():
    """The package turns every move over; the training code turns both where black moves."""
    generator = np.random.default_rng(0)
    planes = generator.integers(0, 2, (9, 12, 8, 8), dtype=np.uint8)
    squares = generator.integers(0, 2, (9, 8, 8), dtype=np.uint8)
    black_moves = np.arange(9) % 3 == 0
    expected_planes, expected_squares = planes.copy(), squares[:, ::-1].copy()
    expected_planes[black_moves] = expected_planes[black_moves][:, :, ::-1]
    expected_squares[black_moves] = expected_squares[black_moves][:, ::-1]
    got = orient(planes, squares, black_moves=black_moves, orientation="released")
    np.testing.assert_array_equal(got[0], expected_planes)
    np.testing.assert_array_equal(got[1], expected_squares)


@pytest.fixture(scope="module")
def real_puzzles():
    return read_puzzles(shared_puzzles())


@pytest.mark.parametrize(
    ("name", "agreeing"),
    [("chess_data.tar.gz", 3000), ("chess_data_rank8_first.tar.gz", 0)],
    ids=["rank 1 first", "rank 8 first"],
)
def test_rows_of_a_csv_become_the_rows_of_the_archive(name, agreeing, real_puzzles):
    archive = shared_archive(name)
    ratings, packed = real_puzzles
    for orientation in ORIENTATIONS:
        ours = examples_of(packed, orientation)
        planes, squares = orient(
            archive["data"],
            archive["targets"],
            black_moves=archive["who_moves"].ravel() == 1,
            orientation=orientation,
        )
        known = set(keys(ours.inputs, ours.targets, ratings))
        theirs = list(keys(planes, squares, archive["rating"].ravel()))
        assert len(theirs) == 3000
        assert sum(key in known for key in theirs) == agreeing


def keys(planes, squares, ratings):
    for one, move, rating in zip(planes, squares, ratings, strict=True):
        yield one.tobytes(), move.tobytes(), float(rating)
