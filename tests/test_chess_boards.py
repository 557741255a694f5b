"""Boards and moves as planes: hand-made positions, symmetries, and the published archive."""

from __future__ import annotations

import os
import random
import tarfile
from pathlib import Path

import chess
import numpy as np
import pytest
import torch

from deltaloss.datasets import chess_boards
from deltaloss.datasets.chess_boards import (
    ORIENTATIONS,
    count_special_moves,
    encode,
    mirror,
    orient,
    pack,
    stack,
    unpack,
)
from deltaloss.datasets.lichess import read_puzzles

SHARED = Path(os.environ.get("SHARED_DIR", Path(__file__).resolve().parents[2] / "shared"))

# One man of each kind, no two on one file in a mirrored place.
WHITE_TO_MOVE = "k7/1q6/2b5/3n4/2P4r/4p1N1/1RB5/Q5K1 w - - 0 1"


def ones(plane):
    """Give the (row, column) places of the ones."""
    return {(int(row), int(column)) for row, column in np.argwhere(plane)}


def random_positions(count, seed=0):
    """Yield positions and legal moves from random games."""
    chooser = random.Random(seed)
    board = chess.Board()
    for _ in range(count):
        moves = list(board.legal_moves)
        if not moves or board.is_insufficient_material():
            board = chess.Board()
            moves = list(board.legal_moves)
        move = chooser.choice(moves)
        yield board.copy(), move
        board.push(move)


def mirrored_move(move):
    return chess.Move(
        chess.square_mirror(move.from_square), chess.square_mirror(move.to_square), move.promotion
    )


def test_planes_are_mover_first_in_the_published_order():
    board = chess.Board(WHITE_TO_MOVE)
    planes, squares = encode(board, chess.Move.from_uci("a1h8"), "released")
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
    planes, squares = encode(board, chess.Move.from_uci("b7b2"), "released")
    places = [ones(plane) for plane in planes]
    assert places[:3] == [{(0, 0)}, {(1, 1)}, {(2, 2)}]
    assert places[6:9] == [{(7, 6)}, {(7, 0)}, {(6, 2)}]
    assert ones(squares) == {(6, 1), (1, 1)}
    assert ones(encode(board, chess.Move.from_uci("b7a7"), "released")[1]) == {(6, 1), (6, 0)}


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_origin_holds_a_man_of_the_mover(orientation):
    """In the aligned planes it does so as drawn, in the released ones after turning the move."""
    unturned = 0
    for board, move in random_positions(200):
        planes, squares = encode(board, move, orientation)
        own = planes[:6].any(axis=0)
        turned = squares if orientation == "aligned" else squares[::-1]
        assert (own & turned).sum() == 1
        assert planes.sum() == chess.popcount(board.occupied)
        unturned += (own & turned[::-1]).sum() == 1
    assert unturned < 200  # the other way up does not hold, so the assertion above can fail


def test_aligned_has_the_home_rank_of_the_mover_at_the_bottom():
    start = chess.Board()
    for board, move in [(start, "e2e4"), (start.mirror(), "e7e5")]:
        planes, squares = encode(board, chess.Move.from_uci(move), "aligned")
        assert ones(planes[0]) == {(7, 4)}
        assert ones(planes[6]) == {(0, 4)}
        assert ones(squares) == {(6, 4), (4, 4)}


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_exchanging_the_colours_changes_nothing(orientation):
    for board, move in random_positions(100, seed=1):
        planes, squares = encode(board, move, orientation)
        other_planes, other_squares = encode(board.mirror(), mirrored_move(move), orientation)
        np.testing.assert_array_equal(planes, other_planes)
        np.testing.assert_array_equal(squares, other_squares)


def test_mirror_is_the_mirror_of_the_library():
    positions = list(random_positions(100, seed=2))
    records = stack([pack(board, move) for board, move in positions])
    expected = stack([pack(board.mirror(), mirrored_move(move)) for board, move in positions])
    np.testing.assert_array_equal(mirror(records), expected)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_many_positions_are_each_as_one_alone(orientation, monkeypatch):
    monkeypatch.setattr(chess_boards, "_CHUNK", 7)  # 20 positions: two whole parts and a rest
    positions = list(random_positions(20, seed=3))
    planes, squares = unpack(stack([pack(*position) for position in positions]), orientation)
    for i, position in enumerate(positions):
        alone = encode(*position, orientation)
        np.testing.assert_array_equal(planes[i], alone[0])
        np.testing.assert_array_equal(squares[i], alone[1])


def test_no_positions_are_empty_arrays():
    planes, squares = unpack(stack([]), "aligned")
    assert planes.shape == (0, 12, 8, 8)
    assert squares.shape == (0, 8, 8)


def test_unknown_orientation_is_refused():
    with pytest.raises(ValueError, match=r"'upright'.*released, aligned"):
        encode(chess.Board(), chess.Move.from_uci("e2e4"), "upright")


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


def test_unusual_moves_are_counted_and_marked_by_origin_and_destination():
    cases = [
        ("r3k2r/8/8/8/8/8/8/R3K2R w KQkq - 0 1", "e1g1", {(7, 4), (7, 6)}),
        ("r3k2r/8/8/8/8/8/8/R3K2R b KQkq - 0 1", "e8c8", {(7, 4), (7, 2)}),
        ("4k3/8/8/3pP3/8/8/8/4K3 w - d6 0 1", "e5d6", {(3, 4), (2, 3)}),
        ("4k3/8/8/8/3pP3/8/8/4K3 b - e3 0 1", "d4e3", {(3, 3), (2, 4)}),
        ("4k3/P7/8/8/8/8/8/4K3 w - - 0 1", "a7a8n", {(1, 0), (0, 0)}),
        ("4k3/8/8/3pP3/8/8/8/4K3 w - - 0 1", "e5e6", {(3, 4), (2, 4)}),
        ("4k3/8/3p4/4P3/8/8/8/4K3 w - - 0 1", "e5d6", {(3, 4), (2, 3)}),
        ("4k3/8/8/8/8/8/8/4K3 w - - 0 1", "e1f1", {(7, 4), (7, 5)}),
    ]
    records = []
    for fen, text, places in cases:
        board = chess.Board(fen)
        move = board.parse_uci(text)
        assert ones(encode(board, move, "aligned")[1]) == places
        records.append(pack(board, move))
    assert count_special_moves(stack(records)) == {
        "promotions": 1,
        "castlings": 2,
        "en_passant": 2,
        "black_moves": 2,
    }


def load_archive(name, folder):
    """Give planes, squares and who moves of a chess archive of the shared data, row 0 first."""
    source = SHARED / "data" / "easy_to_hard" / name
    if not source.exists():
        pytest.skip(f"{source} is absent: set SHARED_DIR to the folder of shared data")
    with tarfile.open(source) as archive:
        archive.extractall(folder, filter="data")
    loaded = {
        part: torch.load(folder / "chess_data" / f"{part}.pth", weights_only=True).numpy()
        for part in ("data", "targets", "who_moves", "rating")
    }
    for part in ("data", "targets"):
        loaded[part] = loaded[part].astype(np.uint8)
    loaded["who_moves"] = loaded["who_moves"].squeeze(1) == 1
    return loaded


@pytest.fixture(scope="module")
def real_puzzles():
    path = SHARED / "data" / "lichess_puzzles.csv"
    if not path.exists():
        pytest.skip(f"{path} is absent: set SHARED_DIR to the folder of shared data")
    return read_puzzles(path)


@pytest.mark.parametrize(
    ("name", "agreeing"), [("chess_data.tar.gz", 3000), ("chess_data_rank8_first.tar.gz", 0)]
)
def test_rows_of_a_csv_become_the_rows_of_the_archive(name, agreeing, tmp_path, real_puzzles):
    archive = load_archive(name, tmp_path)
    for orientation in ORIENTATIONS:
        inputs, targets = unpack(real_puzzles.records, orientation)
        ours = {
            (planes.tobytes(), squares.tobytes(), float(rating))
            for planes, squares, rating in zip(inputs, targets, real_puzzles.ratings, strict=True)
        }
        planes, squares = orient(
            archive["data"],
            archive["targets"],
            black_moves=archive["who_moves"],
            orientation=orientation,
        )
        found = sum(
            (planes[i].tobytes(), squares[i].tobytes(), float(archive["rating"][i, 0])) in ours
            for i in range(len(planes))
        )
        assert len(planes) == 3000
        assert found == agreeing
