"""Lichess puzzle files: every published form, and one line for each error."""

from __future__ import annotations

import csv

import chess
import numpy as np
import pytest
import zstandard

from deltaloss.core.errors import DataError
from deltaloss.puzzles.chess.lichess import COLUMNS, read_puzzles

from .positions import ORIENTATIONS, encode, examples_of, shared_puzzles

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
    return encode(board, second, orientation)


@pytest.mark.parametrize(("answer", "mates"), [("b1b8", True), ("b1b7", False)])
def test_an_answer_that_should_mate_must_mate(tmp_path, answer, mates):
    fen = "6k1/5ppp/8/8/8/8/r4PPP/1R4K1 b - - 0 1"
    cells = row(fen, f"a2a3 {answer}")
    path = write(tmp_path / "a.csv", [list(COLUMNS), row(), cells])
    read_puzzles(path)
    cells[COLUMNS.index("Themes")] = "backRankMate mateIn1 oneMove"
    write(path, [list(COLUMNS), row(), cells])
    if mates:
        read_puzzles(path)
    else:
        with pytest.raises(DataError, match="line 3: the answer 'b1b7' does not mate"):
            read_puzzles(path)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_puzzles_come_in_order_of_rating_after_the_first_move(puzzle_file, orientation):
    ratings, packed = read_puzzles(puzzle_file)
    assert ratings.tolist() == [900, 900, 1500, 1500, 2100.5]
    examples = examples_of(packed, orientation)
    for i, place in enumerate(BY_RATING):
        planes, squares = expected(place, orientation)
        np.testing.assert_array_equal(examples.inputs[i], planes)
        np.testing.assert_array_equal(examples.targets[i], squares)


def same_puzzles(one, other):
    """Whether two files have the same puzzles."""
    pairs = zip(read_puzzles(one), read_puzzles(other), strict=True)
    return all(np.array_equal(first, second) for first, second in pairs)


FORMS = {
    "ten columns": lambda rows: [[*COLUMNS, "OpeningTags"], *([*cells, "x"] for cells in rows)],
    "no header": lambda rows: rows,
    "ten columns, no header": lambda rows: [[*cells, ""] for cells in rows],
    "other order": lambda rows: [COLUMNS[::-1], *(cells[::-1] for cells in rows)],
    "needed columns alone": lambda rows: [COLUMNS[1:4], *(cells[1:4] for cells in rows)],
    "blank lines": lambda rows: [COLUMNS, [], *rows, []],
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_every_form_has_the_same_puzzles(puzzle_file, tmp_path, form, end):
    rows = [row(*puzzle) for puzzle in PUZZLES]
    assert same_puzzles(write(tmp_path / "form.csv", FORMS[form](rows), end), puzzle_file)


def test_byte_order_mark_and_missing_last_line_end_are_passed_over(puzzle_file, tmp_path):
    """The mark would otherwise belong to the name of the first column, here a needed one."""
    rows = [COLUMNS[1:], *(row(*puzzle)[1:] for puzzle in PUZZLES)]
    other = write(tmp_path / "other.csv", rows)
    other.write_bytes(b"\xef\xbb\xbf" + other.read_bytes().rstrip(b"\n"))
    assert same_puzzles(other, puzzle_file)


GOOD = row()
BAD_ROWS = {
    "fen with a long rank": (row(fen=START.replace("/8/", "/9/", 1)), "broken FEN"),
    "fen with nine squares": (row(fen=START.replace("/8/", "/p8/", 1)), "broken FEN"),
    "fen with a short rank": (row(fen=START.replace("/8/", "/7/", 1)), "broken FEN"),
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
    "no moves": (row(moves=""), "two moves are needed, the opponent's and the answer, not ''"),
    "one move": (
        row(moves="e2e4"),
        "two moves are needed, the opponent's and the answer, not 'e2e4'",
    ),
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
    "row too short": (GOOD[:3], "3 columns, there must be 9 or more"),
}


@pytest.mark.parametrize("case", BAD_ROWS)
@pytest.mark.parametrize("header", [True, False], ids=["header", "no header"])
def test_a_bad_row_is_named_with_its_line(tmp_path, case, header):
    bad, words = BAD_ROWS[case]
    rows = [*([list(COLUMNS)] if header else []), GOOD, GOOD, bad, GOOD]
    path = write(tmp_path / "puzzles.csv", rows)
    with pytest.raises(DataError) as caught:
        read_puzzles(path)
    text = str(caught.value)
    assert text.startswith(f"{path}, line {4 if header else 3}: ")
    assert words in text
    assert "\n" not in text


BAD_FILES = {
    "empty": (b"", "no puzzles"),
    "header alone": (",".join(COLUMNS).encode(), "no puzzles"),
    "header without columns": (b"PuzzleId,Moves,Themes\n", "line 1: .*columns FEN, Rating"),
    "no header, few columns": (b"a,b,c\n", "line 1: no header and only 3 columns.*Rating.*GameUrl"),
    "undecodable": (b"PuzzleId,FEN,Moves,Rating\n\na,\xff,c,1\n", "line 3: not UTF-8"),
    "damaged zstandard": (b"\x28\xb5\x2f\xfd\xff\xff\xff" * 9, "compressed file is damaged"),
    "gzip": (b"\x1f\x8b\x08\x00\xff\xfe", "line 1: not UTF-8.*zst"),
    "unended quote": (b'"' + b"x" * 140_000, "line 1: not a CSV row"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_file_is_named_in_one_line(tmp_path, case):
    content, words = BAD_FILES[case]
    path = tmp_path / "puzzles.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=words) as caught:
        read_puzzles(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(DataError, match=r"absent\.csv: there is no such"):
        read_puzzles(tmp_path / "absent.csv")
    with pytest.raises(DataError, match="cannot be read"):
        read_puzzles(tmp_path)


def test_real_puzzles_are_read_whole():
    path = shared_puzzles()
    with path.open(encoding="utf-8", newline="") as handle:
        rows = sorted(csv.DictReader(handle), key=lambda cells: int(cells["Rating"]))
    ratings, packed = read_puzzles(path)
    assert ratings.tolist() == [int(cells["Rating"]) for cells in rows]
    examples = examples_of(packed[::97], "released")
    for i, cells in enumerate(rows[::97]):
        board = chess.Board(cells["FEN"])
        first, answer, *_ = cells["Moves"].split()
        board.push_uci(first)
        planes, squares = encode(board, answer, "released")
        np.testing.assert_array_equal(examples.inputs[i], planes)
        np.testing.assert_array_equal(examples.targets[i], squares)


def test_the_public_dump_is_read_compressed(puzzle_file, tmp_path):
    """Several frames behind each other, as parallel compressors write them."""
    packed = tmp_path / "lichess_db_puzzle.csv.zst"
    text, compress = puzzle_file.read_bytes(), zstandard.ZstdCompressor().compress
    packed.write_bytes(compress(text[:100]) + compress(text[100:]))
    assert same_puzzles(packed, puzzle_file)


@pytest.mark.parametrize("kept", [30, -1], ids=["early", "at the last byte"])
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
    with pytest.raises(DataError, match=r"line 3: .* there must be 9 or more"):
        read_puzzles(other)
