"""Cards: what decides the examples, which archive and file they come from, and what is refused."""

from __future__ import annotations

import subprocess
import sys

import jsonschema
import pytest
from easy_to_hard_data import PrefixSumDataset

from deltaloss.core.errors import ConfigError
from deltaloss.puzzles.card import load_card, puzzle_modules, puzzle_names
from deltaloss.puzzles.prefix_sums.card import ARCHIVE_SIZES

SIZED = {
    "train": {"size": 9, "count": 5},
    "test": {"size": 13, "count": 3},
    "pixels_per_position": 2,
}
CHESS = {"train": {"count": 5}, "test": {"count": 3}, "orientation": "aligned", "puzzles": None}


def sized(train, test):
    sizes = {
        split: {"size": size, "count": 3} for split, size in (("train", train), ("test", test))
    }
    return {**SIZED, **sizes}


def settings(name, data, split="train", file_digest=""):
    return load_card(name).settings(data, split, seed=7, file_digest=file_digest)


def test_the_folders_with_a_card_are_the_puzzles():
    assert puzzle_names() == ["chess", "mazes", "prefix_sums"]
    assert [load_card(name).name for name in puzzle_names()] == puzzle_names()


def test_an_unknown_puzzle_is_refused_with_the_nearest_name():
    with pytest.raises(ConfigError, match=r"no puzzle 'maze' \(did you mean 'mazes'\?\)"):
        load_card("maze")


def test_modules_that_a_puzzle_lacks_are_left_out():
    found = puzzle_modules(["chess"], "task", "sudoku")
    assert found == ["puzzles.chess.task"]


def test_cards_are_read_without_heavy_packages():
    heavy = "{'torch', 'matplotlib', 'pandas', 'chess', 'zstandard', 'scipy'}"
    code = (
        "import sys; from deltaloss.puzzles.card import load_card, puzzle_names; "
        f"[load_card(n) for n in puzzle_names()]; print({heavy} & set(sys.modules))"
    )
    environment = {"PYTHONPATH": ":".join(sys.path)}
    shown = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "set()"


@pytest.mark.parametrize("name", ["mazes", "prefix_sums"])
def test_made_examples_are_decided_by_size_count_split_and_seed(name):
    data = {**SIZED, "source": "generate"}
    assert settings(name, data, "test") == {"size": 13, "count": 3, "split": "test", "seed": 7}
    assert load_card(name).archive(data, "train") is None
    assert load_card(name).file(data) is None


def test_mazes_of_each_size_and_split_have_their_archive():
    card, data = load_card("mazes"), {**SIZED, "source": "archive"}
    assert settings("mazes", data) == {"size": 9, "count": 5, "split": "train"}
    assert card.archive(data, "train") == "maze_data_train_9.tar.gz"
    assert card.archive(data, "test") == "maze_data_test_13.tar.gz"


def test_mazes_of_even_size_are_refused_with_the_next_odd_one():
    card = load_card("mazes")
    data = {**SIZED, "source": "generate"}
    card.check(data)
    with pytest.raises(ConfigError, match=r"^test\.size: 8 is even.* such as 9$"):
        card.check({**data, "test": {"size": 8, "count": 3}})


@pytest.mark.parametrize(
    ("name", "size", "most"),
    [("prefix_sums", 4, 16), ("mazes", 3, 24), ("mazes", 5, 864), ("mazes", 7, 61440)],
)
def test_more_examples_than_there_are_are_refused(name, size, most):
    card, data = load_card(name), {**SIZED, "source": "generate"}
    card.check({**data, "train": {"size": size, "count": most}})
    with pytest.raises(
        ConfigError, match=rf"^train\.count: {most + 1}: there are .* ask for fewer"
    ):
        card.check({**data, "train": {"size": size, "count": most + 1}})


def test_archives_of_mazes_have_two_pixels_per_position():
    data = {**SIZED, "pixels_per_position": 1}
    load_card("mazes").check({**data, "source": "generate"})
    assert settings("mazes", {**data, "source": "generate"})["pixels_per_position"] == 1
    with pytest.raises(ConfigError, match="pixels_per_position: 1: the archives have 2"):
        load_card("mazes").check({**data, "source": "archive"})


@pytest.mark.parametrize(
    ("name", "train", "test"),
    [("mazes", 9, 59), ("mazes", 17, 37), ("prefix_sums", 16, 512), ("prefix_sums", 64, 72)],
)
def test_sizes_of_the_published_archives_are_accepted(name, train, test):
    load_card(name).check({**sized(train, test), "source": "archive"})


@pytest.mark.parametrize(
    ("name", "train", "test", "refused"),
    [
        ("mazes", 19, 59, "train.size: 19: the published archives for train have .* 9, 11, 13"),
        ("mazes", 9, 39, "test.size: 39: the published archives for test have .* 37, 59"),
        ("prefix_sums", 15, 512, "train.size: 15: the published archive has strings of 16 to 64"),
        ("prefix_sums", 32, 65, "test.size: 65: the published archive has strings of 16 to 64"),
    ],
)
def test_sizes_without_an_archive_are_refused_where_it_is_the_source(name, train, test, refused):
    card, sizes = load_card(name), sized(train, test)
    card.check({**sizes, "source": "generate"})
    with pytest.raises(ConfigError, match=rf"^{refused}.*set source: generate$"):
        card.check({**sizes, "source": "archive"})


def test_the_lengths_of_prefix_sums_are_those_of_the_published_package():
    assert list(ARCHIVE_SIZES) == PrefixSumDataset.lengths


def test_a_test_of_the_training_length_takes_the_strings_after_it():
    data = {"source": "archive", "train": {"size": 9, "count": 5}, "test": {"size": 9, "count": 3}}
    assert settings("prefix_sums", data, "train")["start"] == 0
    assert settings("prefix_sums", data, "test")["start"] == 5
    assert settings("prefix_sums", {**SIZED, "source": "archive"}, "test")["start"] == 0
    assert load_card("prefix_sums").archive(data, "test") == "prefix_sums_data.tar.gz"


@pytest.mark.parametrize(
    ("source", "puzzles", "further"),
    [
        ("archive", None, {}),
        ("generate", None, {"seed": 7}),
        ("lichess", "puzzles.csv", {"puzzles": "0123456789abcdef"}),
    ],
)
def test_chess_settings_are_of_both_splits(source, puzzles, further):
    data = {**CHESS, "source": source, "puzzles": puzzles}
    expected = {"train_count": 5, "test_count": 3, "orientation": "aligned", **further}
    for split in ("train", "test"):
        assert settings("chess", data, split, file_digest="0123456789abcdef" * 4) == expected
    card = load_card("chess")
    assert card.joint
    assert card.file(data) == puzzles
    assert card.archive(data, "train") == ("chess_data.tar.gz" if source == "archive" else None)


def test_puzzles_from_different_addresses_have_different_settings():
    def key(address):
        data = {**CHESS, "source": "lichess", "puzzles": address}
        return settings("chess", data)["puzzles"]

    assert key("https://example.org/a.zst") != key("https://example.org/b.zst")
    assert len(key("https://example.org/a.zst")) == 16


@pytest.mark.parametrize(
    ("source", "puzzles", "words"),
    [
        ("lichess", None, "^puzzles: null: source lichess needs"),
        ("archive", "a.csv", r"^puzzles: 'a\.csv' is read with source lichess only"),
    ],
    ids=["missing", "not read"],
)
def test_a_puzzle_file_is_given_just_for_source_lichess(source, puzzles, words):
    data = {**CHESS, "source": source, "puzzles": puzzles}
    with pytest.raises(ConfigError, match=words):
        load_card("chess").check(data)


@pytest.mark.parametrize("name", ["chess", "mazes", "prefix_sums"])
def test_config_keys_are_json_schemas_with_a_description(name):
    card = load_card(name)
    for key in [*card.data_keys.values(), *card.split_keys.values()]:
        jsonschema.Draft202012Validator.check_schema(key)
        assert key["description"].endswith(".")
