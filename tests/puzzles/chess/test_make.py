"""Making chess examples: the cut by difficulty, and the recorded examples of a seed."""

from __future__ import annotations

import pytest

from deltaloss.core.errors import DataError
from deltaloss.puzzles.chess.lichess import COLUMNS, read_puzzles
from deltaloss.puzzles.chess.make import MAKERS
from deltaloss.puzzles.chess.mates import make_mates
from tests.puzzles.examples import join, take

from .positions import ORIENTATIONS, examples_of

ROW = "{0},4k3/8/8/8/8/8/8/R3K3 b - - 0 1,e8e7 {1},{2},77,95,8,a,b\n"
PUZZLES = [("a1a2", 1500), ("a1a3", 900), ("a1a4", 2100.5), ("e1e2", 1400), ("e1d2", 1200)]


def make(source, settings, splits=("train", "test"), file=None, workers=1):
    made = MAKERS[source](settings, splits, file=file, workers=workers)
    return {split: (join(*chunks), facts) for split, chunks, facts in made}


@pytest.fixture
def puzzle_file(tmp_path):
    path = tmp_path / "puzzles.csv"
    rows = [ROW.format(number, *puzzle) for number, puzzle in enumerate(PUZZLES)]
    path.write_text(",".join(COLUMNS) + "\n" + "".join(rows))
    return path


@pytest.mark.parametrize(
    ("train", "test", "seed", "orientation", "digests"),
    [
        (150, 50, 3, "aligned", ["b71b98f8b98d1495", "6609baded61d4ca6"]),
        (300, 100, 42, "released", ["2ad363f78103bd82", "80bddd974401f709"]),
    ],
)
def test_the_examples_of_a_seed_are_the_recorded_ones(train, test, seed, orientation, digests):
    settings = {"train_count": train, "test_count": test, "seed": seed, "orientation": orientation}
    made = make("generate", settings)
    assert [examples.digest()[:16] for examples, _ in made.values()] == digests


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_the_easier_mates_are_for_training(orientation):
    settings = {"train_count": 30, "test_count": 20, "seed": 5, "orientation": orientation}
    made = make("generate", settings, workers=2)
    whole = examples_of(make_mates(50, seed=5), orientation)
    assert made["train"][0].digest() == take(whole, slice(30)).digest()
    assert made["test"][0].digest() == take(whole, slice(30, 50)).digest()
    assert list(make("generate", settings, ["test"])) == ["test"]


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_the_puzzles_of_lowest_rating_are_for_training_and_highest_for_the_test(
    puzzle_file, orientation
):
    settings = {"train_count": 2, "test_count": 1, "orientation": orientation}
    made = make("lichess", settings, file=puzzle_file)
    whole = examples_of(read_puzzles(puzzle_file)[1], orientation)
    assert made["train"][0].digest() == take(whole, slice(2)).digest()
    assert made["test"][0].digest() == take(whole, slice(4, 5)).digest()
    facts = made["train"][1]
    assert facts == {
        "puzzles_in_file": 5,
        "rating_lowest": 900,
        "rating_median": 1050,
        "rating_highest": 1200,
    }
    assert made["test"][1]["rating_lowest"] == 2100.5


def test_too_few_puzzles_are_refused_with_both_numbers(puzzle_file):
    settings = {"train_count": 4, "test_count": 2, "orientation": "aligned"}
    with pytest.raises(DataError, match=r"5 puzzles.*4 for training.*2 for testing need 6"):
        make("lichess", settings, file=puzzle_file)
