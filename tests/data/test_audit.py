"""Audits of a file of examples and of a set: repeats, leaks, manifests; one puzzle's checks lie in
tests/puzzles/."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from deltaloss.core.errors import DataError
from deltaloss.core.files import write_json
from deltaloss.data.audit import audit_made, audit_split, join_audits, load_report, refuse
from deltaloss.data.store import load_audited, load_examples, load_manifest, save_examples
from deltaloss.puzzles import checks
from deltaloss.puzzles.base import Examples
from deltaloss.puzzles.checks import Check, Findings


def made(task, **settings):
    """Make one split in the way of the workflow."""
    settings = {"seed": 1, "split": "train", **settings}
    maker = import_module(f"deltaloss.puzzles.{task}.make").MAKERS["generate"]
    ((_, chunks, _),) = maker(settings, [settings["split"]], file=None, workers=1)
    return joined(*chunks)


def drawn(size, count, seed):
    """Strings as they are drawn, repeats among them."""
    bits = np.random.default_rng(seed).integers(2, size=(count, size), dtype=np.uint8)
    return Examples(inputs=bits[:, np.newaxis], targets=np.bitwise_xor.accumulate(bits, axis=1))


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


def last_fifth(examples):
    return np.arange(len(examples))[-(len(examples) // 5) :]


def join(task, train, test):
    return join_audits(audit(task, train), audit(task, test), validation=last_fifth(train))


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

    def test_validation_examples_that_are_trained_on_are_seen(self, mazes):
        others = made("mazes", size=13, count=5, split="test")
        doubled = joined(mazes, some(mazes, [2]), turned(some(mazes, [3]), 1, False))
        both = join("mazes", doubled, others)
        assert both["seen"]["exact"]["found"] == 1
        assert both["seen"]["up_to_symmetry"]["found"] == 2
        assert "1 validation examples are among those trained on" in both["warnings"]
        assert join("mazes", mazes, others)["seen"]["up_to_symmetry"]["found"] == 0

    def test_good_sets_do_not_leak(self, mazes):
        both = join("mazes", mazes, made("mazes", size=13, count=50, split="test"))
        assert both["warnings"] == []
        assert both["leaks"]["note"] is None

    def test_other_sizes_cannot_leak(self, mazes):
        both = join("mazes", mazes, made("mazes", size=15, count=5, split="test"))
        assert both["leaks"]["note"] == "different sizes"
        assert both["leaks"]["exact"]["found"] == 0

    def test_repeats_as_frequent_as_chance_are_no_warning(self):
        short = [drawn(8, 300, seed) for seed in (1, 2)]
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
        assert set(both) == {
            *("task", "counts", "leaks", "seen", "errors", "warnings", "train", "test")
        }

    def test_errors_name_their_file(self, strings):
        wrong = with_wrong_sums(strings, 1)
        others = made("prefix_sums", size=32, count=9, seed=9, split="test")
        for split, pair in (("train", (wrong, others)), ("test", (others, wrong))):
            both = join("prefix_sums", *pair)
            (line,) = both["errors"]
            assert line.startswith(f"{split}: 1 of 200")
            assert both["warnings"] == []

    def test_two_puzzles_are_no_set(self, strings, mazes):
        one, other = audit("prefix_sums", strings), audit("mazes", mazes)
        with pytest.raises(DataError, match="prefix_sums and test data of mazes"):
            join_audits(one, other, validation=last_fifth(strings))


def judge(both, *, strict):
    refuse("prefix_sums data", both["errors"], both["warnings"], strict=strict)


class TestRefused:
    """What stops every training on the examples."""

    @pytest.mark.parametrize("strict", [False, True], ids=["lenient", "strict"])
    def test_a_wrong_label_always_stops(self, strings, strict):
        with pytest.raises(DataError) as raised:
            judge(join("prefix_sums", strings, with_wrong_sums(strings, 2)), strict=strict)
        text = str(raised.value)
        assert "\n" not in text
        assert text.startswith("prefix_sums data: test: 2 of 200")
        assert text.endswith("; nothing is trained on such examples: correct their source")

    def test_further_errors_are_counted(self, strings):
        wrong = with_wrong_sums(strings, 2)
        with pytest.raises(DataError, match=r"train: 2 of 200 .* \(and 1 more, see the log\)"):
            judge(join("prefix_sums", wrong, wrong), strict=False)

    def test_repeats_and_leaks_stop_where_strict_only(self, strings):
        leaking = join("prefix_sums", strings, some(strings, slice(3)))
        repeating = join(
            "prefix_sums",
            joined(strings, some(strings, slice(2))),
            made("prefix_sums", size=32, count=9, seed=9, split="test"),
        )
        for both, said in ((leaking, "3 test examples"), (repeating, "train: 2 examples")):
            judge(both, strict=False)
            with pytest.raises(DataError, match=f"{said}.* let it pass by strict: false"):
                judge(both, strict=True)

    def test_good_examples_pass(self, strings):
        others = made("prefix_sums", size=32, count=9, seed=9, split="test")
        judge(join("prefix_sums", strings, others), strict=True)

    def test_an_unusual_maze_is_only_a_warning(self, mazes, monkeypatch):
        start = Check(name="start", fault="are odd", failed=np.array([True]), proves=False)
        findings = Findings(checks=[start], ones=1, counted=1)
        monkeypatch.setattr("deltaloss.puzzles.mazes.audit.inspect", lambda *_: findings)
        found = report("mazes", some(mazes, [0]))
        assert (found["errors"], len(found["warnings"])) == ([], 1)


class TestMade:
    """The audit of files just made, which networks need."""

    @pytest.fixture
    def files(self, tmp_path, strings):
        others = made("prefix_sums", size=32, count=9, seed=9, split="test")
        paths = {split: tmp_path / f"{split}.npz" for split in ("train", "test")}
        for examples, path in zip((strings, others), paths.values(), strict=True):
            save_examples(path, examples, manifest={"task": "prefix_sums", "source": "generate"})
        return paths

    def save(self, path, examples):
        save_examples(path, examples, manifest=load_manifest(path))

    def test_right_examples_are_marked(self, files, strings):
        with pytest.raises(DataError, match=r"train\.npz: not the examples that were made and"):
            load_audited(files["train"])
        audit_made(files, source=None, strict=True)
        assert load_audited(files["train"]).digest() == strings.digest()

    def test_other_examples_in_their_place_are_refused(self, files, strings):
        audit_made(files, source=None, strict=True)
        self.save(files["train"], some(strings, slice(None, None, -1)))
        with pytest.raises(DataError, match=r"train\.npz: not the examples that were made and"):
            load_audited(files["train"])

    def test_wrong_examples_are_not_marked(self, files, strings):
        self.save(files["test"], with_wrong_sums(strings, 1))
        with pytest.raises(DataError, match="test: 1 of 200"):
            audit_made(files, source=None, strict=False)
        with pytest.raises(DataError, match="not the examples"):
            load_audited(files["train"])

    def test_leaks_between_both_stop_where_strict(self, files, strings):
        self.save(files["test"], some(strings, slice(5)))
        audit_made(files, source=None, strict=False)
        with pytest.raises(DataError, match="5 test examples are among the training examples"):
            audit_made(files, source=None, strict=True)
        audit_made({"test": files["test"]}, source=None, strict=True)

    def test_a_warning_is_remembered_for_strict_trainings(self, files, strings):
        self.save(files["train"], joined(strings, some(strings, slice(2))))
        audit_made(files, source=None, strict=False)
        assert len(load_audited(files["train"])) == 202
        with pytest.raises(DataError, match=r"train\.npz: train: 2 examples .*strict: false"):
            load_audited(files["train"], strict=True)

    def test_the_file_that_wrong_examples_are_read_from_is_named(self, files, strings):
        self.save(files["test"], with_wrong_sums(strings, 1))
        with pytest.raises(DataError, match=r"^a\.csv: prefix_sums data: test: 1 of 200"):
            audit_made(files, source=Path("a.csv"), strict=False)

    def test_a_report_in_the_place_of_another_is_refused(self, tmp_path, strings):
        write_json(tmp_path / "mazes.json", join("prefix_sums", strings, some(strings, [0])))
        with pytest.raises(DataError, match=r"mazes\.json: is that of prefix_sums"):
            load_report(tmp_path / "mazes.json")
        (tmp_path / "mazes.json").rename(tmp_path / "prefix_sums.json")
        assert load_report(tmp_path / "prefix_sums.json")["task"] == "prefix_sums"


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
        [("count", 9), ("digest", "0" * 64), ("inputs_shape", [200, 1, 31])],
        ids=["count", "digest", "shape"],
    )
    def test_a_manifest_of_other_examples_is_an_error(self, strings, key, value):
        (line,) = report("prefix_sums", strings, **{key: value})["errors"]
        assert line.startswith(f"the manifest says {key} ")

    def test_a_manifest_of_another_size_is_a_warning(self, strings):
        found = report("prefix_sums", strings, size=16)
        assert found["errors"] == []
        assert found["warnings"] == ["the manifest says size 16, the examples 32"]

    def test_a_manifest_of_an_unknown_puzzle_is_refused(self, strings):
        with pytest.raises(DataError, match="'sudoku': no such puzzle"):
            audit("sudoku", strings)

    def test_labels_of_a_puzzle_without_an_audit_are_unproven(self, strings, monkeypatch):
        monkeypatch.setitem(sys.modules, "deltaloss.puzzles.prefix_sums.audit", None)
        found = report("prefix_sums", strings)
        assert found["warnings"] == ["no label is proven: puzzles/prefix_sums/ has no audit.py"]
        assert found["checks"] == {}
        assert found["ones_percent"] == pytest.approx(100 * strings.targets.mean())
