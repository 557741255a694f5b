"""Audits of a file of examples and of a set: repeats, leaks, manifests; one puzzle's checks lie in
tests/puzzles/."""

from __future__ import annotations

import json
import sys
from importlib import import_module

import numpy as np
import pytest

from deltaloss.core.errors import DataError
from deltaloss.data.audit import audit_split, join_audits
from deltaloss.data.store import load_examples, load_manifest, save_examples
from deltaloss.puzzles import checks
from deltaloss.puzzles.base import Examples


def made(task, **settings):
    """Make one split in the way of the workflow."""
    settings = {"seed": 1, "split": "train", **settings}
    maker = import_module(f"deltaloss.puzzles.{task}.make").MAKERS["generate"]
    ((_, chunks, _),) = maker(settings, [settings["split"]], file=None, workers=1)
    return joined(*chunks)


def joined(*parts):
    return Examples(
        inputs=np.concatenate([part.inputs for part in parts]),
        targets=np.concatenate([part.targets for part in parts]),
    )


def some(examples, rows):
    return Examples(inputs=examples.inputs[rows], targets=examples.targets[rows])


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


def with_wrong_sums(strings, count):
    targets = strings.targets.copy()
    targets[:count, 0] ^= 1
    return Examples(inputs=strings.inputs, targets=targets)


def audit(task, examples, **manifest):
    return audit_split(examples, {"task": task, "source": "generate", **manifest})


def report(task, examples, **manifest):
    """Return the report as it is on disk."""
    return json.loads(json.dumps(audit(task, examples, **manifest).report, allow_nan=False))


def join(task, train, test, *, strict=False):
    return join_audits(
        audit(task, train), audit(task, test), validation_fraction=0.2, strict=strict
    )


@pytest.fixture(scope="module")
def strings():
    return made("prefix_sums", size=32, count=200)


@pytest.fixture(scope="module")
def mazes():
    return made("mazes", size=13, count=60)


class TestRepeats:
    def test_a_repeated_example_is_a_warning(self, mazes, strings):
        for task, examples in [("mazes", mazes), ("prefix_sums", strings)]:
            found = report(task, joined(examples, some(examples, [2])))
            assert found["duplicates"]["exact"]["found"] == 1
            assert found["warnings"][0].startswith("1 examples are there before")

    @pytest.mark.parametrize("mirrored", [False, True])
    @pytest.mark.parametrize("quarters", range(4))
    def test_a_maze_is_known_in_each_of_eight_ways(self, mazes, quarters, mirrored):
        one = turned(some(mazes, [2]), quarters, mirrored)
        same = quarters == 0 and not mirrored
        found = report("mazes", joined(mazes, one))
        assert found["duplicates"]["up_to_symmetry"]["found"] == 1
        assert found["duplicates"]["exact"]["found"] == int(same)
        others = made("mazes", size=13, count=5, seed=2, split="test")
        both = join("mazes", mazes, joined(others, one))
        assert both["leaks"]["up_to_symmetry"]["found"] == 1
        assert both["leaks"]["exact"]["found"] == int(same)
        assert any("turned or mirrored" in line for line in both["warnings"])

    def test_a_test_example_among_the_training_examples_is_a_leak(self, strings):
        both = join("prefix_sums", some(strings, slice(50)), some(strings, slice(48, 60)))
        assert both["leaks"]["exact"]["found"] == 2
        assert both["warnings"] == ["2 test examples are among the training examples"]

    def test_good_sets_do_not_leak(self, mazes):
        both = join("mazes", mazes, made("mazes", size=13, count=50, split="test"))
        assert both["warnings"] == []
        assert both["leaks"]["note"] is None

    def test_other_sizes_cannot_leak(self, mazes):
        both = join("mazes", mazes, made("mazes", size=15, count=5, split="test"))
        assert both["leaks"]["note"] == "different sizes"
        assert both["leaks"]["exact"]["found"] == 0

    def test_repeats_as_frequent_as_chance_are_no_warning(self):
        short = [made("prefix_sums", size=8, count=300, seed=seed) for seed in (1, 2)]
        both = join("prefix_sums", *short)
        assert both["warnings"] == []
        assert both["train"]["duplicates"]["exact"]["found"] > 100
        assert both["leaks"]["exact"]["by_chance"] == pytest.approx(207, abs=1)
        doubled = joined(short[0], some(short[0], slice(100)))
        assert report("prefix_sums", doubled)["warnings"] == [], "256 strings fill up anyhow"
        longer = made("prefix_sums", size=16, count=300)
        (line,) = report("prefix_sums", joined(longer, some(longer, slice(100))))["warnings"]
        assert "(by chance 1.22)" in line


class TestSets:
    def test_counts_are_those_of_the_training(self, strings):
        both = join("prefix_sums", strings, some(strings, slice(3)))
        assert both["counts"] == {"train": 160, "valid": 40, "test": 3}
        assert set(both) == {"task", "counts", "leaks", "warnings", "train", "test"}

    def test_warnings_name_their_file(self, strings):
        wrong = with_wrong_sums(strings, 1)
        others = made("prefix_sums", size=32, count=9, seed=9, split="test")
        assert join("prefix_sums", wrong, others)["warnings"][0].startswith("train: 1 of 200")
        assert join("prefix_sums", others, wrong)["warnings"][0].startswith("test: 1 of 200")

    def test_strict_turns_warnings_into_one_line(self, strings):
        wrong = with_wrong_sums(strings, 2)
        with pytest.raises(DataError) as raised:
            join("prefix_sums", wrong, wrong, strict=True)
        text = str(raised.value)
        assert "\n" not in text
        assert text.startswith("prefix_sums data: train: 2 of 200")
        assert text.endswith("(and 2 more); strict: false lets it pass")
        others = made("prefix_sums", size=32, count=9, seed=9, split="test")
        assert join("prefix_sums", strings, others, strict=True)["warnings"] == []

    def test_two_puzzles_are_no_set(self, strings, mazes):
        one, other = audit("prefix_sums", strings), audit("mazes", mazes)
        with pytest.raises(DataError, match="prefix_sums and test data of mazes"):
            join_audits(one, other, validation_fraction=0.2)


class TestReports:
    def test_the_manifest_of_a_file_fits_and_is_quoted(self, tmp_path, mazes):
        path = tmp_path / "a.npz"
        given = {"task": "mazes", "source": "generate", "size": 13, "split": "test", "seed": 1}
        save_examples(path, mazes, manifest=given)
        manifest = load_manifest(path)
        found = audit_split(load_examples(path), manifest).report
        assert found["warnings"] == []
        assert found["card"] == manifest
        assert {key: found[key] for key in ("split", "source", "seed", "address", "digest")} == {
            **{key: given[key] for key in ("split", "source", "seed")},
            "address": None,
            "digest": mazes.digest(),
        }

    def test_large_files_are_looked_at_in_parts(self, mazes, strings, monkeypatch):
        for task, examples in [("mazes", mazes), ("prefix_sums", strings)]:
            whole = report(task, examples)
            monkeypatch.setattr(checks, "CHUNK_BYTES", 7 * examples.inputs[0].size)
            assert report(task, examples) == whole
            monkeypatch.undo()

    @pytest.mark.parametrize(
        ("key", "value"),
        [("count", 9), ("size", 16), ("digest", "0" * 64), ("inputs_shape", [200, 1, 31])],
        ids=["count", "size", "digest", "shape"],
    )
    def test_a_manifest_of_other_examples_is_a_warning(self, strings, key, value):
        (line,) = report("prefix_sums", strings, **{key: value})["warnings"]
        assert line.startswith(f"the manifest says {key} ")

    def test_a_manifest_of_an_unknown_puzzle_is_refused(self, strings):
        with pytest.raises(DataError, match="'sudoku': no such puzzle"):
            audit("sudoku", strings)

    def test_labels_of_a_puzzle_without_an_audit_are_unproven(self, strings, monkeypatch):
        monkeypatch.setitem(sys.modules, "deltaloss.puzzles.prefix_sums.audit", None)
        found = report("prefix_sums", strings)
        assert found["warnings"] == ["no label is proven: puzzles/prefix_sums/ has no audit.py"]
        assert found["checks"] == {}
        assert found["ones_percent"] == pytest.approx(100 * strings.targets.mean())
