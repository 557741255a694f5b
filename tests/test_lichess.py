"""Lichess puzzle files: every published form, the cut by rating, and one line for each error."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import chess
import numpy as np
import pytest
import zstandard

from deltaloss.datasets import lichess
from deltaloss.datasets.chess_boards import ORIENTATIONS, encode
from deltaloss.datasets.lichess import check_puzzles, cut_puzzles, read_puzzles
from deltaloss.datasets.puzzle_rows import COLUMNS
from deltaloss.errors import DataError

from .test_chess_boards import random_positions

SHARED = Path(os.environ.get("SHARED_DIR", Path(__file__).resolve().parents[2] / "shared"))

START = chess.STARTING_FEN
# (FEN, moves, rating): the second of the moves is the answer
PUZZLES = [
    (START, "e2e4 e7e5 g1f3", "1500"),
    ("r3k2r/8/8/8/8/8/7P/R3K2R b KQkq - 0 1", "e8d7 e1c1", "900"),
    ("4k3/3p4/8/4P3/8/8/8/4K3 b - - 0 1", "d7d5 e5d6", "2100.5"),
    (START, "d2d4 d7d5", "1500"),
    ("4k3/8/8/8/8/8/p7/4K3 w - - 0 1", "e1d2 a2a1q", "900"),
]
BY_RATING = [1, 4, 0, 3, 2]


def row(fen=START, moves="e2e4 e7e5", rating="1500"):
    return ["abc12", fen, moves, rating, "75", "90", "100", "short", "https://example.org"]


def write(path, rows, end="\n"):
    with path.open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle, lineterminator=end).writerows(rows)
    return path


@pytest.fixture
def puzzle_file(tmp_path):
    return write(tmp_path / "puzzles.csv", [list(COLUMNS), *(row(*puzzle) for puzzle in PUZZLES)])


def expected(place, orientation):
    fen, moves, _ = PUZZLES[place]
    board = chess.Board(fen)
    first, second = moves.split()[:2]
    board.push_uci(first)
    return encode(board, chess.Move.from_uci(second), orientation)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_puzzles_come_in_order_of_rating_after_the_first_move(puzzle_file, orientation):
    puzzles = read_puzzles(puzzle_file)
    assert puzzles.ratings.tolist() == [900, 900, 1500, 1500, 2100.5]
    examples = puzzles.examples(slice(None), orientation)
    for i, place in enumerate(BY_RATING):
        planes, squares = expected(place, orientation)
        np.testing.assert_array_equal(examples.inputs[i], planes)
        np.testing.assert_array_equal(examples.targets[i], squares)


def test_statistics_count_the_unusual_moves(puzzle_file):
    assert read_puzzles(puzzle_file).statistics() == {
        "puzzles": 5,
        "promotions": 1,
        "castlings": 1,
        "en_passant": 1,
        "black_moves": 3,
        "rating_lowest": 900,
        "rating_median": 1500,
        "rating_highest": 2100.5,
    }


FORMS = {
    "ten columns": lambda rows: [[*COLUMNS, "OpeningTags"], *([*cells, "x"] for cells in rows)],
    "no header": lambda rows: rows,
    "ten columns, no header": lambda rows: [[*cells, ""] for cells in rows],
    "other order": lambda rows: [COLUMNS[::-1], *(cells[::-1] for cells in rows)],
    "needed columns alone": lambda rows: [COLUMNS[1:4], *(cells[1:4] for cells in rows)],
    "blank lines": lambda rows: [COLUMNS, [], *rows, []],
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_form_gives_the_same_puzzles(puzzle_file, tmp_path, form, end):
    rows = [row(*puzzle) for puzzle in PUZZLES]
    puzzles = read_puzzles(write(tmp_path / "form.csv", FORMS[form](rows), end))
    usual = read_puzzles(puzzle_file)
    np.testing.assert_array_equal(puzzles.records, usual.records)
    np.testing.assert_array_equal(puzzles.ratings, usual.ratings)


def test_byte_order_mark_and_missing_last_line_end_are_passed_over(puzzle_file, tmp_path):
    """The mark would otherwise belong to the name of the first column, here a needed one."""
    rows = [COLUMNS[1:], *(row(*puzzle)[1:] for puzzle in PUZZLES)]
    other = write(tmp_path / "other.csv", rows)
    other.write_bytes(b"\xef\xbb\xbf" + other.read_bytes().rstrip(b"\n"))
    assert check_puzzles(other) == check_puzzles(puzzle_file) == 5


GOOD = row()
BAD_ROWS = {
    "fen with a long rank": (row(fen=START.replace("/8/", "/9/", 1)), "broken FEN"),
    "fen with nine squares": (row(fen=START.replace("/8/", "/p8/", 1)), "eight squares"),
    "fen with a short rank": (row(fen=START.replace("/8/", "/7/", 1)), "eight squares"),
    "fen with seven ranks": (row(fen=START.replace("/8/", "/", 1)), "broken FEN"),
    "fen with a strange man": (row(fen=START.replace("R", "X")), "broken FEN"),
    "fen with no player": (row(fen=START.split()[0]), "broken FEN"),
    "fen with a strange player": (row(fen=START.replace(" w ", " x ")), "broken FEN"),
    "empty fen": (row(fen=""), "broken FEN"),
    "no black king": (row(fen=START.replace("k", "1", 1)), "no black king"),
    "opponent in check": (row(fen="4k3/8/8/8/8/8/8/K3R3 w - - 0 1"), "opposite check"),
    "strange castling": (row(fen=START.replace("KQkq", "QQQ")), "castling"),
    "castling without rook": (
        row(fen="4k3/8/8/8/8/8/8/4K3 w K - 0 1", moves="e1e2 e8e7"),
        "bad castling rights",
    ),
    "no moves": (row(moves=""), "0 of the two moves"),
    "one move": (row(moves="e2e4"), "1 of the two moves"),
    "malformed first move": (row(moves="e2-e4 e7e5"), "e2-e4"),
    "malformed answer": (row(moves="e2e4 e7"), "'e7'"),
    "null move": (row(moves="e2e4 0000"), "0000"),
    "illegal first move": (row(moves="e2e5 e7e5"), "illegal uci: 'e2e5'"),
    "illegal answer": (row(moves="e2e4 e2e4"), "illegal uci: 'e2e4'"),
    "pinned man": (
        row(fen="4r1k1/8/8/8/8/8/4B3/4K3 w - - 0 1", moves="e2d3 e8e1"),
        "illegal uci: 'e2d3'",
    ),
    "castling without the right": (
        row(fen="4k3/8/8/8/8/8/8/4K2R w - - 0 1", moves="e1g1 e8e7"),
        "illegal uci: 'e1g1'",
    ),
    "worded rating": (row(rating="hard"), "rating 'hard'"),
    "empty rating": (row(rating=""), "rating ''"),
    "rating nan": (row(rating="nan"), "rating 'nan'"),
    "row too short": (GOOD[:3], "3 columns, missing Rating"),
}


@pytest.mark.parametrize("case", BAD_ROWS)
@pytest.mark.parametrize("header", [True, False])
def test_bad_row_is_named_with_its_line(tmp_path, case, header):
    bad, words = BAD_ROWS[case]
    rows = [*([list(COLUMNS)] if header else []), GOOD, GOOD, bad, GOOD]
    path = write(tmp_path / "puzzles.csv", rows)
    for function in (read_puzzles, check_puzzles):
        with pytest.raises(DataError) as caught:
            function(path)
        text = str(caught.value)
        assert text.startswith(f"{path}, line {4 if header else 3}: ")
        assert words in text
        assert "\n" not in text


BAD_FILES = {
    "empty": (b"", "no puzzles"),
    "header alone": (",".join(COLUMNS).encode(), "no puzzles"),
    "header without columns": (b"PuzzleId,Moves,Themes\n", "line 1: .*columns FEN, Rating"),
    "no header, few columns": (b"a,b,c\n", "line 1: .*3 columns.*Rating.*GameUrl"),
    "undecodable": (b"PuzzleId,FEN,Moves,Rating\n\na,\xff,c,1\n", "line 3: not UTF-8"),
    "damaged zstandard": (b"\x28\xb5\x2f\xfd\xff\xff\xff" * 9, "compressed file is damaged"),
    "gzip": (b"\x1f\x8b\x08\x00\xff\xfe", "line 1: not UTF-8.*zst"),
    "column twice": (b"FEN,Moves,Rating,Rating\n", "line 1: .*names Rating more than once"),
    "unended quote": (b'"' + b"x" * 140_000, "line 1: not a CSV row"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_file_is_named(tmp_path, case):
    content, words = BAD_FILES[case]
    path = tmp_path / "puzzles.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=words) as caught:
        check_puzzles(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_missing_file_and_folder_are_named(tmp_path):
    with pytest.raises(DataError, match=r"absent\.csv: there is no such"):
        read_puzzles(tmp_path / "absent.csv")
    with pytest.raises(DataError, match="cannot be read"):
        read_puzzles(tmp_path)


@pytest.mark.parametrize("counts", [(2, 3), (2, 2), (0, 1), (5, 0)])
def test_easiest_are_for_training_and_hardest_for_testing(puzzle_file, counts):
    train_count, test_count = counts
    train, test = cut_puzzles(
        read_puzzles(puzzle_file),
        puzzle_file,
        train_count=train_count,
        test_count=test_count,
        orientation="aligned",
    )
    whole = read_puzzles(puzzle_file).examples(slice(None), "aligned")
    np.testing.assert_array_equal(train.inputs, whole.inputs[:train_count])
    np.testing.assert_array_equal(train.targets, whole.targets[:train_count])
    np.testing.assert_array_equal(test.inputs, whole.inputs[5 - test_count :])
    np.testing.assert_array_equal(test.targets, whole.targets[5 - test_count :])


def test_too_few_puzzles_are_refused_with_both_numbers(puzzle_file):
    with pytest.raises(DataError, match=r"5 puzzles.*4 for training.*2 for testing need 6"):
        cut_puzzles(
            read_puzzles(puzzle_file),
            puzzle_file,
            train_count=4,
            test_count=2,
            orientation="aligned",
        )


def test_fen_is_read_as_the_library_reads_it():
    seen_rights, seen_en_passant = set(), 0
    for board, _ in random_positions(400, seed=5):
        fen = board.fen(en_passant="fen")
        ours, theirs = lichess._parse_fen(fen), chess.Board(fen)
        assert ours.fen(en_passant="fen").split()[:4] == theirs.fen(en_passant="fen").split()[:4]
        assert set(ours.legal_moves) == set(theirs.legal_moves)
        seen_rights.add(fen.split()[2])
        seen_en_passant += theirs.ep_square is not None
    assert len(seen_rights) > 3
    assert seen_en_passant > 5


def test_real_puzzles_are_read_whole():
    path = SHARED / "data" / "lichess_puzzles.csv"
    if not path.exists():
        pytest.skip(f"{path} is absent: set SHARED_DIR to the folder of shared data")
    with path.open(encoding="utf-8", newline="") as handle:
        rows = sorted(csv.DictReader(handle), key=lambda cells: int(cells["Rating"]))
    puzzles = read_puzzles(path)
    assert len(puzzles) == len(rows)
    assert puzzles.ratings.tolist() == [int(cells["Rating"]) for cells in rows]
    examples = puzzles.examples(slice(0, None, 97), "released")
    for i, cells in enumerate(rows[::97]):
        board = chess.Board(cells["FEN"])
        moves = cells["Moves"].split()
        board.push_uci(moves[0])
        planes, squares = encode(board, board.parse_uci(moves[1]), "released")
        np.testing.assert_array_equal(examples.inputs[i], planes)
        np.testing.assert_array_equal(examples.targets[i], squares)


def test_the_public_dump_is_read_compressed(puzzle_file, tmp_path):
    """Several frames behind each other, as parallel compressors write them."""
    packed = tmp_path / "lichess_db_puzzle.csv.zst"
    text, compress = puzzle_file.read_bytes(), zstandard.ZstdCompressor().compress
    packed.write_bytes(compress(text[:100]) + compress(text[100:]))
    plain, unpacked = read_puzzles(puzzle_file), read_puzzles(packed)
    np.testing.assert_array_equal(plain.records, unpacked.records)
    np.testing.assert_array_equal(plain.ratings, unpacked.ratings)


@pytest.mark.parametrize("kept", [30, -1])
def test_a_compressed_dump_that_breaks_off_is_refused(puzzle_file, tmp_path, kept):
    packed = tmp_path / "lichess_db_puzzle.csv.zst"
    packed.write_bytes(zstandard.ZstdCompressor().compress(puzzle_file.read_bytes())[:kept])
    with pytest.raises(DataError, match="compressed file is damaged: it breaks off"):
        read_puzzles(packed)


@pytest.mark.parametrize("place", ["Themes", "Rating"])
def test_a_stray_quote_or_a_cut_row_is_named_with_its_own_line(puzzle_file, tmp_path, place):
    """No field goes over a line's end, so a quote cannot swallow the rows behind it."""
    lines = puzzle_file.read_text().splitlines()
    cells = lines[2].split(",")
    column = lines[0].split(",").index(place) if place in lines[0] else COLUMNS.index(place)
    quoted = [*cells[:column], '"' + cells[column], *cells[column + 1 :]]
    other = tmp_path / "other.csv"
    other.write_text("\n".join([*lines[:2], ",".join(quoted), *lines[3:]]) + "\n")
    with pytest.raises(DataError, match="line 3: not a CSV row"):
        read_puzzles(other)
    other.write_text("\n".join([*lines[:2], ",".join(cells[: column + 1])]))
    with pytest.raises(DataError, match=r"line 3: .* there are 9 or more"):
        read_puzzles(other)
