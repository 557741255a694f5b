"""The audit of chess: silent on made examples, and each check fires on its own fault."""

from __future__ import annotations

import chess
import numpy as np
import pytest

from deltaloss.core.errors import DataError
from deltaloss.puzzles import checks
from deltaloss.puzzles.base import Examples
from deltaloss.puzzles.chess.audit import KINDS, inspect
from deltaloss.puzzles.chess.boards import orient
from tests.puzzles.examples import make_mates, make_mazes, take

from .positions import ORIENTATIONS, encode, shared_archive


@pytest.fixture(scope="module")
def mates():
    return {one: make_mates(orientation=one) for one in ORIENTATIONS}


@pytest.fixture
def wrong(mates):
    return take(mates["aligned"], slice(None))


def failed(examples, source="generate"):
    return {check.name for check in inspect(examples, source).checks if check.failed.any()}


def positions(orientation, *cases):
    """Examples of pairs of FEN and move."""
    pairs = [encode(chess.Board(fen), move, orientation) for fen, move in cases]
    inputs, targets = (np.stack(one) for one in zip(*pairs, strict=True))
    return Examples(inputs=inputs, targets=targets)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_made_mates_pass(mates, orientation):
    found = inspect(mates[orientation], "generate")
    names = ["board", "squares", "origin", "legal", "mate"]
    assert [check.name for check in found.checks] == names
    assert {tuple(check.report().values()) for check in found.checks} == {(60, 0)}
    assert found.details["orientation"] == orientation
    assert found.remarks == []
    assert sum(found.solutions[kind] for kind in KINDS) == 60


def test_the_part_of_the_positions_looked_at_together_makes_no_difference(mates, monkeypatch):
    whole = inspect(mates["released"], "generate")
    monkeypatch.setattr(checks, "CHUNK_BYTES", 7 * 12 * 64)
    parts = inspect(mates["released"], "generate")
    assert [check.report() for check in parts.checks] == [check.report() for check in whole.checks]
    assert parts.solutions == whole.solutions


PUSHES = [
    ("4k3/8/8/8/8/8/4P3/4K3 w - - 0 1", "e2e4"),
    ("4k3/4p3/8/8/8/8/8/4K3 b - - 0 1", "e7e5"),
    ("4k3/8/8/8/8/2P5/8/4K3 w - - 0 1", "c3c4"),
]


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize(
    ("fen", "move"),
    [
        ("4k2r/8/8/8/8/8/8/R3K2R w KQ - 0 1", "e1g1"),
        ("r3k2r/8/8/8/8/8/8/4K3 b kq - 0 1", "e8c8"),
        ("4k3/8/8/3pP3/8/8/8/4K3 w - d6 0 1", "e5d6"),
        ("4k3/8/8/8/3pP3/8/8/4K3 b - e3 0 1", "d4e3"),
        ("4k3/P7/8/8/8/8/8/4K3 w - - 0 1", "a7a8q"),
    ],
    ids=["castling", "long castling", "en passant", "en passant by black", "promotion"],
)
def test_moves_that_need_rights_are_legal(orientation, fen, move):
    examples = positions(orientation, *PUSHES, (fen, move))
    assert failed(examples, "lichess") == set()


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize(
    ("fen", "move"),
    [
        ("4k3/8/8/8/8/8/4P3/4K3 w - - 0 1", "e2e5"),
        ("4k3/8/8/8/8/8/8/4K1R1 w - - 0 1", "g1h3"),
        ("4k3/8/8/8/8/8/8/4K3 w - - 0 1", "e1g1"),
        ("4k3/8/8/8/4r3/8/8/4KN2 w - - 0 1", "f1g3"),
        ("4k3/8/8/8/8/4P3/8/4K3 w - - 0 1", "e3d4"),
        ("4k3/8/8/4R3/8/8/8/4K3 w - - 0 1", "e5e6"),
    ],
    ids=[
        "too far",
        "as a knight",
        "castling without rook",
        "in check",
        "no capture",
        "a rook pinned on nothing",
    ],
)
def test_illegal_moves_are_found(orientation, fen, move):
    examples = positions(orientation, *PUSHES * 4, (fen, move))
    assert failed(examples, "lichess") == {"legal"}


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize(
    ("fen", "move", "faults"),
    [
        ("6k1/5ppp/8/8/8/8/8/R3K3 w - - 0 1", "a1a8", set()),
        ("6k1/5ppp/8/8/8/8/8/R3K3 w - - 0 1", "a1a7", {"mate"}),
        ("6k1/5ppp/8/8/8/8/8/R2QK3 w - - 0 1", "a1a8", {"mate"}),
    ],
    ids=["one mate", "no mate", "two mates"],
)
def test_a_made_move_must_be_the_only_mate(mates, orientation, fen, move, faults):
    examples = positions(orientation, (fen, move))
    assert failed(examples) == faults
    assert failed(examples, "lichess") == set()


@pytest.mark.parametrize("squares", [0, 1, 3])
def test_other_than_two_marked_squares_are_found(wrong, squares):
    wrong.targets[3] = 0
    wrong.targets[3].flat[:squares] = 1
    assert failed(wrong) >= {"squares"}


def test_a_move_from_an_empty_square_is_found(wrong):
    empty = np.argwhere(~wrong.inputs[3].any(axis=0))[:2]
    wrong.targets[3] = 0
    wrong.targets[3][tuple(empty.T)] = 1
    assert failed(wrong) == {"origin"}


@pytest.mark.parametrize(
    ("spoil", "check"),
    [
        (lambda board: board[6].fill(0), "legal"),
        (lambda board: board[:2].fill(1), "board"),
        (lambda board: board[11, 0].__setitem__(~board[:, 0].any(axis=0), 1), "legal"),
    ],
    ids=["no king", "two men on a square", "pawns on the last rank"],
)
def test_impossible_boards_are_found(wrong, spoil, check):
    spoil(wrong.inputs[3])
    assert check in failed(wrong)


def test_images_of_mazes_are_refused():
    with pytest.raises(DataError, match=r"must be \[N, 12, 8, 8\]"):
        inspect(make_mazes(count=1), "generate")


@pytest.mark.parametrize(
    ("turned", "seen"),
    [("released", "aligned upside down"), ("aligned", "released upside down")],
)
def test_moves_turned_upside_down_are_remarked(mates, turned, seen):
    one = mates[turned]
    spoiled = Examples(inputs=one.inputs, targets=np.ascontiguousarray(one.targets[:, ::-1]))
    found = inspect(spoiled, "lichess")
    assert found.details["orientation"] == seen
    assert found.remarks == [
        f"boards and moves lie neither as released nor as aligned, but as {seen}"
    ]


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_one_mirrored_board_is_a_fault_and_no_orientation(mates, orientation):
    spoiled = take(mates[orientation], slice(None))
    spoiled.inputs[2] = spoiled.inputs[2, :, ::-1].copy()
    found = inspect(spoiled, "generate")
    assert found.details["orientation"] == orientation
    assert {int(check.failed.sum()) for check in found.checks} == {0, 1}


def test_without_pawns_the_usual_orientation_is_taken():
    examples = positions("aligned", ("4k3/8/8/8/8/8/8/R3K3 w - - 0 1", "a1a4"))
    assert inspect(examples, "lichess").details["orientation"] == "aligned"


def test_noise_has_no_orientation():
    random = np.random.default_rng(0)
    noise = Examples(
        inputs=random.integers(2, size=(50, 12, 8, 8), dtype=np.uint8),
        targets=random.integers(2, size=(50, 8, 8), dtype=np.uint8),
    )
    found = inspect(noise, "lichess")
    assert found.details["orientation"] is None
    assert found.remarks == []


@pytest.mark.parametrize(
    ("name", "orientations"),
    [
        ("chess_data.tar.gz", {"released": "released", "aligned": "aligned"}),
        ("chess_data_rank8_first.tar.gz", {"released": "aligned", "aligned": "released"}),
    ],
    ids=["rank 1 first", "rank 8 first"],
)
def test_the_orientation_of_an_archive_is_found(name, orientations):
    raw = shared_archive(name)
    for asked, expected in orientations.items():
        planes, squares = orient(
            raw["data"],
            raw["targets"],
            black_moves=raw["who_moves"].ravel() == 1,
            orientation=asked,
        )
        found = inspect(Examples(inputs=planes, targets=squares), "archive")
        assert found.details["orientation"] == expected
        assert found.remarks == []
        assert {tuple(check.report().values()) for check in found.checks} == {(3000, 0)}
