"""The audit: silent on what the generators make, and each of its checks fires on its own fault."""

from __future__ import annotations

import json
import os
import tarfile
from pathlib import Path

import chess
import numpy as np
import pytest
import torch

from deltaloss.datasets import audit_base, audit_chess
from deltaloss.datasets.audit import audit_split, join_audits
from deltaloss.datasets.chess_boards import ORIENTATIONS, encode, orient
from deltaloss.datasets.chess_orientation import detect_orientation
from deltaloss.datasets.mates import make_mates
from deltaloss.datasets.mazes import make_mazes
from deltaloss.datasets.prefix_sums import make_prefix_sums
from deltaloss.datasets.store import Examples, load_card, load_examples, save_examples
from deltaloss.errors import DataError

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("DATA_DIR", ROOT.parent / "shared" / "data"))

WHITE, BLACK, GREEN, RED = (1, 1, 1), (0, 0, 0), (0, 1, 0), (1, 0, 0)


def audit(task, examples, source="generated", **card):
    return audit_split(examples, {"task": task, "source": source, **card})


def report(task, examples, source="generated", **card):
    """Give the report, which must go to disk."""
    made = dict(audit(task, examples, source, **card).report)
    return json.loads(json.dumps(made, allow_nan=False))


def failed(task, examples, **card):
    """Name the checks that failed, each with a warning."""
    made = report(task, examples, **card)
    names = {name for name, check in made["checks"].items() if check["failed"]}
    assert len(made["warnings"]) >= len(names)
    return names


def copy(examples):
    return Examples(inputs=examples.inputs.copy(), targets=examples.targets.copy())


def joined(one, other):
    return Examples(
        inputs=np.concatenate([one.inputs, other.inputs]),
        targets=np.concatenate([one.targets, other.targets]),
    )


def some(examples, rows):
    return Examples(inputs=examples.inputs[rows], targets=examples.targets[rows])


@pytest.fixture(scope="module")
def strings():
    return make_prefix_sums(bits=32, count=200, seed=1, split="train")


@pytest.fixture(scope="module")
def mazes():
    return make_mazes(size=13, count=60, seed=1, split="train")


@pytest.fixture(scope="module")
def mates():
    return {
        orientation: make_mates(train_count=60, test_count=1, seed=1, orientation=orientation)[0]
        for orientation in ORIENTATIONS
    }


class TestTheGenerators:
    @pytest.mark.parametrize(("bits", "count"), [(1, 9), (8, 60), (32, 1000), (1000, 50)])
    def test_strings(self, bits, count):
        made = report("prefix_sums", make_prefix_sums(bits=bits, count=count, seed=3, split="test"))
        assert made["warnings"] == []
        assert made["size"] == bits
        assert made["checks"] == {"labels": {"checked": count, "failed": 0}}

    @pytest.mark.parametrize(
        ("size", "count"), [(3, 60), (5, 60), (7, 300), (9, 3000), (11, 300), (59, 20), (201, 2)]
    )
    def test_mazes(self, size, count):
        made = report("mazes", make_mazes(size=size, count=count, seed=3, split="train"))
        assert made["warnings"] == []
        assert (made["size"], made["count"]) == (size, count)
        assert {check["checked"] for check in made["checks"].values()} == {count}

    @pytest.mark.parametrize("orientation", ORIENTATIONS)
    def test_mates(self, mates, orientation):
        made = report("chess", mates[orientation], orientation=orientation)
        assert made["warnings"] == []
        assert made["orientation"] == orientation
        assert set(made["checks"]) == {"board", "squares", "origin", "legal", "mate"}
        assert sum(made["solutions"][kind] for kind in audit_chess.KINDS) == 60

    def test_many_are_looked_at_in_parts(self, mazes, mates, strings, monkeypatch):
        for task, examples in [
            ("mazes", mazes),
            ("chess", mates["released"]),
            ("prefix_sums", strings),
        ]:
            whole = report(task, examples)
            monkeypatch.setattr(audit_base, "CHUNK_BYTES", 7 * examples.inputs[0].size)
            assert report(task, examples) == whole
            monkeypatch.undo()

    def test_the_card_of_a_file_fits(self, tmp_path, mazes):
        save_examples(
            tmp_path / "a.npz", mazes, card={"task": "mazes", "size": 13, "split": "test"}
        )
        card = load_card(tmp_path / "a.json")
        made = audit_split(load_examples(tmp_path / "a.npz"), card).report
        assert made["warnings"] == []
        assert made["digest"] == card["digest"]


class TestStrings:
    def test_a_wrong_sum(self, strings):
        wrong = copy(strings)
        wrong.targets[17, 30] ^= 1
        made = report("prefix_sums", wrong)
        assert made["checks"]["labels"]["failed"] == 1
        assert "1 of 200 examples looked at have wrong prefix sums" in made["warnings"][0]
        assert "number 17, from 0" in made["warnings"][0]

    def test_bits_that_are_not_fair(self):
        bits = (np.random.default_rng(0).random((200, 1, 32)) < 0.6).astype(np.uint8)
        biased = Examples(inputs=bits, targets=np.bitwise_xor.accumulate(bits[:, 0], axis=1))
        (line,) = report("prefix_sums", biased)["warnings"]
        assert "of the input bits are 1" in line

    def test_balance_and_lengths(self):
        bits = np.array([[[1, 0, 0, 1]], [[0, 0, 0, 0]]], dtype=np.uint8)
        made = report(
            "prefix_sums",
            Examples(inputs=bits, targets=np.array([[1, 1, 1, 0], [0, 0, 0, 0]], dtype=np.uint8)),
        )
        assert made["ones_percent"] == 37.5
        solutions = made["solutions"]
        assert (solutions["least"], solutions["mean"], solutions["most"]) == (0, 1, 2)
        assert solutions["edges"] == [0, 1, 2, 3]
        assert solutions["counts"] == [1, 0, 1]

    def test_something_else(self, mazes):
        with pytest.raises(DataError, match="must be"):
            audit("prefix_sums", mazes)


def places(examples, number):
    """Give the positions [M, M, 3] of a maze, to be looked at."""
    return examples.inputs[number, :, 3:-3:2, 3:-3:2].transpose(1, 2, 0)


def paint(examples, number, row, column, colour):
    """Give a position another colour."""
    corner = np.s_[3 + 2 * row : 5 + 2 * row, 3 + 2 * column : 5 + 2 * column]
    examples.inputs[number][:, *corner] = np.reshape(colour, (3, 1, 1))


def find(examples, number, colour):
    return np.argwhere((places(examples, number) == colour).all(axis=2))


class TestMazes:
    @pytest.fixture
    def wrong(self, mazes):
        return copy(mazes)

    def test_a_wrong_pixel_of_a_path(self, wrong):
        row, column = np.argwhere(wrong.targets[4] == 1)[0]
        corner = np.s_[row : row + 2, column : column + 2]
        wrong.targets[4][corner] = 0
        assert failed("mazes", wrong) == {"labels"}

    def test_the_way_back_of_another_maze(self, wrong):
        wrong.targets[5] = wrong.targets[6]
        assert failed("mazes", wrong) == {"labels"}

    def test_an_opened_wall(self, wrong):
        """Between two cells that are joined already it makes a second way."""
        open_places = places(wrong, 7).any(axis=2)
        wall = next(
            (row, column)
            for row, column in np.argwhere(~open_places)
            if row % 2 == 0
            and open_places[row, column - 1]
            and open_places[row, column + 1]
            and not {GREEN, RED}
            & {tuple(places(wrong, 7)[row, column + side].tolist()) for side in (-1, 1)}
        )
        paint(wrong, 7, *wall, WHITE)
        assert "tree" in failed("mazes", wrong)

    def test_a_closed_passage(self, wrong):
        """A dead end that is cut off: the path stays, the passage cannot be reached."""
        free = find(wrong, 8, WHITE)
        off_path = [
            (row, column)
            for row, column in free
            if not wrong.targets[8, 3 + 2 * row, 3 + 2 * column] and (row + column) % 2
        ]
        paint(wrong, 8, *off_path[0], BLACK)
        assert failed("mazes", wrong) == {"connected", "tree"}

    def test_a_start_with_two_neighbours(self, wrong):
        """Start and another place of the path change their roles: the path is a part of it."""
        for number in range(len(wrong)):
            (start,) = find(wrong, number, GREEN)
            path = wrong.targets[number, 3:-3:2, 3:-3:2]
            step = next(
                np.array(way)
                for way in ((0, 1), (1, 0), (0, -1), (-1, 0))
                if (start + way >= 0).all()
                and (start + way < 13).all()
                and path[tuple(start + way)]
            )
            if path.sum() < 4:
                continue
            paint(wrong, number, *start, WHITE)
            paint(wrong, number, *(start + step), GREEN)
            corner = 3 + 2 * start
            wrong.targets[number, corner[0] : corner[0] + 2, corner[1] : corner[1] + 2] = 0
            break
        assert failed("mazes", wrong) == {"start"}

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda one: one.inputs[9, :, 0].fill(1),
            lambda one: one.targets[9, :3].fill(1),
            lambda one: paint(one, 9, *find(one, 9, WHITE)[0], (1, 0, 1)),
            lambda one: paint(one, 9, *find(one, 9, WHITE)[0], GREEN),
            lambda one: paint(one, 9, *find(one, 9, RED)[0], WHITE),
            lambda one: one.inputs[9, :, 3, 3].__ixor__(1),
            lambda one: one.targets[9, 3:4, 3:4].__ixor__(1),
        ],
        ids=["border", "border of the path", "colour", "two starts", "no end", "pixel", "half"],
    )
    def test_an_image_that_is_none(self, wrong, spoil):
        spoil(wrong)
        assert failed("mazes", wrong) == {"image"}
        made = report("mazes", wrong)
        assert made["checks"]["labels"]["checked"] == len(wrong) - 1
        assert "number 9, from 0" in made["warnings"][0]

    def test_an_open_field_is_searched_in_time(self):
        """Every place open: a search that keeps all the ways would never end."""
        inputs = np.zeros((1, 3, 124, 124), dtype=np.uint8)
        inputs[:, :, 3:-3, 3:-3] = 1
        field = Examples(inputs=inputs, targets=np.zeros((1, 124, 124), dtype=np.uint8))
        paint(field, 0, 0, 0, GREEN)
        paint(field, 0, 58, 58, RED)
        assert failed("mazes", field) == {"tree", "start", "labels"}

    def test_lengths_and_balance(self, mazes):
        made = report("mazes", some(mazes, [3]))
        path = mazes.targets[3]
        assert made["solutions"]["mean"] == path.sum() / 4
        share = 100 * path.sum() / mazes.inputs[3].any(axis=0).sum()
        assert made["ones_percent"] == pytest.approx(share)

    @pytest.mark.parametrize(
        "shape", [(2, 3, 24, 22), (2, 1, 24, 24), (2, 3, 25, 25), (0, 3, 24, 24)]
    )
    def test_something_else(self, shape):
        inputs = np.zeros(shape, dtype=np.uint8)
        with pytest.raises(DataError, match="P = 2 M"):
            audit("mazes", Examples(inputs=inputs, targets=inputs[:, 0]))


def positions(orientation, *cases):
    """Encode FEN and move pairs."""
    pairs = [
        encode(chess.Board(fen), chess.Move.from_uci(move), orientation) for fen, move in cases
    ]
    inputs, targets = (np.stack(one) for one in zip(*pairs, strict=True))
    return Examples(inputs=inputs, targets=targets)


PUSHES = [
    ("4k3/8/8/8/8/8/4P3/4K3 w - - 0 1", "e2e4"),
    ("4k3/4p3/8/8/8/8/8/4K3 b - - 0 1", "e7e5"),
    ("4k3/8/8/8/8/2P5/8/4K3 w - - 0 1", "c3c4"),
]


@pytest.mark.parametrize("orientation", ORIENTATIONS)
class TestMoves:
    @pytest.mark.parametrize(
        ("fen", "move"),
        [
            *PUSHES,
            ("4k2r/8/8/8/8/8/8/R3K2R w KQ - 0 1", "e1g1"),
            ("r3k2r/8/8/8/8/8/8/4K3 b kq - 0 1", "e8c8"),
            ("4k3/8/8/3pP3/8/8/8/4K3 w - d6 0 1", "e5d6"),
            ("4k3/8/8/8/3pP3/8/8/4K3 b - e3 0 1", "d4e3"),
            ("4k3/P7/8/8/8/8/8/4K3 w - - 0 1", "a7a8q"),
        ],
    )
    def test_legal_ones(self, orientation, fen, move):
        examples = positions(orientation, *PUSHES, (fen, move))
        assert failed("chess", examples, source="lichess", orientation=orientation) == set()

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
            "mate lost",
        ],
    )
    def test_illegal_ones(self, orientation, fen, move):
        examples = positions(orientation, *PUSHES * 4, (fen, move))
        assert failed("chess", examples, source="lichess", orientation=orientation) == {"legal"}

    def test_mates_and_others(self, orientation):
        back_rank = "6k1/5ppp/8/8/8/8/8/R3K3 w - - 0 1"
        two_ways = "6k1/5ppp/8/8/8/8/8/R2QK3 w - - 0 1"
        for fen, move, wrong in [
            (back_rank, "a1a8", set()),
            (back_rank, "a1a7", {"mate"}),
            (two_ways, "a1a8", {"mate"}),
        ]:
            assert failed("chess", positions(orientation, (fen, move))) == wrong


class TestBoards:
    @pytest.fixture
    def wrong(self, mates):
        return copy(mates["aligned"])

    @pytest.mark.parametrize("squares", [0, 1, 3])
    def test_marked_squares(self, wrong, squares):
        wrong.targets[3] = 0
        wrong.targets[3].flat[:squares] = 1
        assert failed("chess", wrong) >= {"squares"}

    def test_a_move_from_an_empty_square(self, wrong):
        empty = np.argwhere(~wrong.inputs[3].any(axis=0))[:2]
        wrong.targets[3] = 0
        wrong.targets[3][tuple(empty.T)] = 1
        assert failed("chess", wrong) == {"origin"}

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda board: board[0].fill(0),
            lambda board: board[:2].fill(1),
            lambda board: board[5, 0, 0:1].fill(1),
        ],
        ids=["no king", "two men on a square", "a pawn on the last rank"],
    )
    def test_impossible_boards(self, wrong, spoil):
        spoil(wrong.inputs[3])
        assert "board" in failed("chess", wrong)

    def test_every_position_is_played_whatever_the_chunk(self, mates, monkeypatch):
        whole = report("chess", mates["released"])["checks"]
        assert {check["checked"] for check in whole.values()} == {60}
        monkeypatch.setattr(audit_chess, "CHUNK", 7)
        assert report("chess", mates["released"])["checks"] == whole

    def test_something_else(self, mazes):
        with pytest.raises(DataError, match="must be"):
            audit("chess", mazes)


class TestOrientation:
    def test_a_mirrored_set_is_seen(self, mates):
        one = mates["released"]
        turned = Examples(inputs=one.inputs, targets=np.ascontiguousarray(one.targets[:, ::-1]))
        made = report("chess", turned, orientation="released")
        assert made["orientation"] == "same-first"
        assert len(made["warnings"]) == 2
        assert "neither as released nor aligned" in "".join(made["warnings"])

    def test_a_card_that_names_the_other(self, mates):
        (line,) = report("chess", mates["aligned"], orientation="released")["warnings"]
        assert line == "the card says orientation released, the examples aligned"

    @pytest.mark.parametrize("orientation", ORIENTATIONS)
    def test_one_mirrored_board_is_a_fault(self, mates, orientation):
        wrong = copy(mates[orientation])
        wrong.inputs[2] = wrong.inputs[2, :, ::-1].copy()
        made = report("chess", wrong)
        assert made["orientation"] == orientation
        assert made["warnings"] != []

    def test_no_pawn_tells(self):
        examples = positions("aligned", ("4k3/8/8/8/8/8/8/R3K3 w - - 0 1", "a1a4"))
        found = detect_orientation(examples.inputs, examples.targets)
        assert (found.moves, found.home, found.name) == ("same", "unclear", "aligned")

    def test_noise_is_neither(self):
        random = np.random.default_rng(0)
        planes = random.integers(2, size=(50, 12, 8, 8), dtype=np.uint8)
        found = detect_orientation(planes, random.integers(2, size=(50, 8, 8), dtype=np.uint8))
        assert found.moves == "unclear"
        assert found.name not in ORIENTATIONS

    def test_the_raw_archive_is_recognised(self):
        raw = load_archive("chess_data.tar.gz")
        found = detect_orientation(raw["data"], raw["targets"])
        assert (found.moves, found.home, found.name) == ("same", "mixed", "same-mixed")
        assert "nobody has turned" in found.describe()
        other = load_archive("chess_data_rank8_first.tar.gz")
        assert detect_orientation(other["data"], other["targets"]).name == "mirrored-mixed"

    @pytest.mark.parametrize(
        ("name", "seen"),
        [
            ("chess_data.tar.gz", {"released": "released", "aligned": "aligned"}),
            ("chess_data_rank8_first.tar.gz", {"released": "aligned", "aligned": "released"}),
        ],
    )
    def test_the_archives_are_told_apart(self, name, seen):
        raw = load_archive(name)
        for asked, found in seen.items():
            inputs, targets = orient(
                raw["data"],
                raw["targets"],
                black_moves=raw["who_moves"].ravel() == 1,
                orientation=asked,
            )
            made = report(
                "chess", Examples(inputs=inputs, targets=targets), "archive", orientation=asked
            )
            assert made["orientation"] == found
            assert (made["warnings"] == []) == (asked == found), made["warnings"]
            assert made["checks"]["legal"] == {"checked": 3000, "failed": 0}


def load_archive(name):
    """Give the arrays of a chess archive as they are."""
    path = DATA / "easy_to_hard" / name
    if not path.exists():
        pytest.skip(f"{path} is absent: set DATA_DIR to the folder of shared data")
    with tarfile.open(path) as archive:
        return {
            part: torch.load(archive.extractfile(f"chess_data/{part}.pth"), weights_only=True)
            .numpy()
            .astype(np.uint8)
            for part in ("data", "targets", "who_moves")
        }


def join(task, train, test, *, strict=False):
    return join_audits(
        audit(task, train), audit(task, test), validation_fraction=0.2, strict=strict
    )


def turned(examples, quarters, mirrored):
    """Turn mazes by quarters, and mirror them."""
    inputs, targets = (
        np.rot90(array, quarters, axes=(-2, -1)) for array in (examples.inputs, examples.targets)
    )
    way = slice(None, None, -1 if mirrored else 1)
    return Examples(
        inputs=np.ascontiguousarray(inputs[..., way]),
        targets=np.ascontiguousarray(targets[..., way]),
    )


class TestTwice:
    def test_a_repeated_example(self, mazes, mates, strings):
        sets = [("mazes", mazes), ("chess", mates["released"]), ("prefix_sums", strings)]
        for task, examples in sets:
            made = report(task, joined(examples, some(examples, [2])))
            assert made["duplicates"]["exact"]["found"] == 1
            assert made["warnings"][0].startswith("1 examples are there before")

    @pytest.mark.parametrize("mirrored", [False, True])
    @pytest.mark.parametrize("quarters", range(4))
    def test_a_maze_in_each_of_eight_ways(self, mazes, quarters, mirrored):
        one = turned(some(mazes, [2]), quarters, mirrored)
        same = quarters == 0 and not mirrored
        made = report("mazes", joined(mazes, one))
        assert made["duplicates"]["up_to_symmetry"]["found"] == 1
        assert made["duplicates"]["exact"]["found"] == int(same)
        others = make_mazes(size=13, count=5, seed=2, split="test")
        made = join("mazes", mazes, joined(others, one))
        assert made["leaks"]["up_to_symmetry"]["found"] == 1
        assert made["leaks"]["exact"]["found"] == int(same)
        assert any("turned or mirrored" in line for line in made["warnings"])

    def test_no_leak(self, mazes):
        made = join("mazes", mazes, make_mazes(size=13, count=50, seed=1, split="test"))
        assert made["warnings"] == []
        assert made["leaks"]["note"] is None

    def test_a_leak(self, strings, mates):
        for task, examples in [("prefix_sums", strings), ("chess", mates["released"])]:
            made = join(task, some(examples, slice(50)), some(examples, slice(48, 60)))
            assert made["leaks"]["exact"]["found"] == 2
            assert made["warnings"] == ["2 test examples are among the training examples"]

    def test_other_sizes_cannot_leak(self, mazes):
        made = join("mazes", mazes, make_mazes(size=15, count=5, seed=1, split="test"))
        assert made["leaks"]["note"] == "different sizes"
        assert made["leaks"]["exact"]["found"] == 0

    def test_what_chance_repeats_is_no_surprise(self):
        short = [make_prefix_sums(bits=8, count=300, seed=s, split="train") for s in (1, 2)]
        made = join("prefix_sums", *short)
        assert made["warnings"] == []
        assert made["train"]["duplicates"]["exact"]["found"] > 100
        assert made["leaks"]["exact"]["by_chance"] == pytest.approx(207, abs=1)
        doubled = joined(short[0], some(short[0], slice(100)))
        assert "by chance" not in "".join(report("prefix_sums", short[0])["warnings"])
        assert report("prefix_sums", doubled)["warnings"] == []  # 256 strings fill up anyhow
        longer = make_prefix_sums(bits=16, count=300, seed=1, split="train")
        (line,) = report("prefix_sums", joined(longer, some(longer, slice(100))))["warnings"]
        assert "(by chance 1.22)" in line


class TestJoined:
    def test_counts_as_the_training_splits_them(self, strings, mazes):
        made = join("prefix_sums", strings, some(strings, slice(3)))
        assert made["counts"] == {"train": 160, "valid": 40, "test": 3}
        assert set(made) == {"task", "counts", "leaks", "warnings", "train", "test"}

    def test_warnings_name_their_file(self, strings):
        wrong = copy(strings)
        wrong.targets[0, 0] ^= 1
        others = make_prefix_sums(bits=32, count=9, seed=9, split="test")
        assert join("prefix_sums", wrong, others)["warnings"][0].startswith("train: 1 of 200")
        assert join("prefix_sums", others, wrong)["warnings"][0].startswith("test: 1 of 200")

    def test_strict_is_one_line(self, strings):
        wrong = copy(strings)
        wrong.targets[:2, 0] ^= 1
        with pytest.raises(DataError) as raised:
            join("prefix_sums", wrong, wrong, strict=True)
        said = str(raised.value)
        assert "\n" not in said
        assert said.startswith("prefix_sums data: train: 2 of 200")
        assert said.endswith("(and 2 more); strict: false lets it pass")
        others = make_prefix_sums(bits=32, count=9, seed=9, split="test")
        assert join("prefix_sums", strings, others, strict=True)["warnings"] == []

    def test_two_puzzles(self, strings, mazes):
        with pytest.raises(DataError, match="prefix_sums and test data of mazes"):
            join_audits(
                audit("prefix_sums", strings), audit("mazes", mazes), validation_fraction=0.2
            )


@pytest.mark.parametrize(
    ("key", "value"),
    [("count", 9), ("size", 16), ("digest", "0" * 64), ("inputs_shape", [200, 1, 31])],
)
def test_a_card_of_other_examples(strings, key, value):
    (line,) = report("prefix_sums", strings, **{key: value})["warnings"]
    assert line.startswith(f"the card says {key} ")


def test_a_card_of_an_unknown_puzzle(strings):
    with pytest.raises(DataError, match="'sudoku', of which there is no audit"):
        audit("sudoku", strings)
