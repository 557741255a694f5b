"""Faults that need neither root nor other packages; docs/faults.md lists all of them."""

from __future__ import annotations

import os
import re
import signal
import time

import pandas as pd

from .projects import ROOT, copy_project, finish, run, same_weights
from .test_resuming_run import CHECKPOINTS, EPOCHS, LOG, MODEL, SETTINGS, training_of
from .test_tiny_run import errors

HISTORY = "results/tiny/histories/prefix_sums/delta/seed42.csv"
TABLE = "results/tiny/tables/table_7.csv"


def test_a_training_killed_for_memory_is_named_so_and_resumes(project):
    runner = project.start(MODEL, settings=SETTINGS)
    training_of(project, runner).kill()
    done = finish(runner)
    assert done.returncode != 0
    assert "a job was killed, as Linux does when memory runs out" in done.stderr
    assert "Traceback" not in done.stderr
    project.make(MODEL, settings=SETTINGS)
    assert re.search(r"resuming at epoch \d+", (project.folder / LOG).read_text())
    assert pd.read_csv(project.folder / HISTORY)["epoch"].tolist() == list(range(1, EPOCHS + 1))


def test_a_killed_snakemake_stops_its_training_and_lets_no_other_in_before_it_is_unlocked(project):
    runner = project.start(MODEL, settings=SETTINGS)
    training = training_of(project, runner)
    second = project.snakemake(MODEL, settings=SETTINGS)
    assert second.returncode != 0
    assert "LockException:\nError: Directory cannot be locked" in second.stderr
    assert "Traceback" not in second.stderr
    assert runner.poll() is None, "the first one ended too early for this test"
    runner.send_signal(signal.SIGKILL)
    runner.communicate()
    training.wait(60)
    assert "told to stop: saved at epoch" in (project.folder / LOG).read_text()
    assert list((project.folder / CHECKPOINTS).glob("epoch-*.state"))

    project.make("--unlock", settings=SETTINGS)
    project.make(MODEL, settings=SETTINGS)
    assert re.search(r"resuming at epoch \d+", (project.folder / LOG).read_text())
    assert pd.read_csv(project.folder / HISTORY)["epoch"].tolist() == list(range(1, EPOCHS + 1))


def test_after_the_clock_was_set_back_files_of_the_future_are_refused(finished):
    """What Snakemake makes of them would be older, and be deleted when it is finished."""
    (finished.folder / TABLE).unlink()
    later = time.time() + 86400
    for path in (finished.folder / "results").rglob("*"):
        os.utime(path, (later, later))
    done = finished.snakemake(TABLE)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert re.match(r"config: results/\S+: dated in the future, so the clock was set back;", last)
    command = last.partition("reruns nothing: ")[2]
    assert run(["sh", "-c", command], finished.folder).returncode == 0
    assert finished.plan(TABLE).outputs == {TABLE}


def test_no_home_and_a_path_with_spaces_and_other_letters_change_no_result(
    tiny_run, tmp_path, monkeypatch
):
    monkeypatch.delenv("HOME")
    project = copy_project(tmp_path / "Übung 1" / "数据 'delta'")
    answers = "results/tiny/evaluations/prefix_sums/delta/seed42.npz"
    project.make(answers)
    assert (project.folder / answers).read_bytes() == (tiny_run.folder / answers).read_bytes()
    assert same_weights(project.folder / MODEL, tiny_run.folder / MODEL)


def test_damaged_examples_and_manifests_are_refused_by_name(finished):
    """A flipped bit in the middle of each, which the next training or evaluation reads."""
    damaged = []
    for pattern in ("prefix_sums/*/train.npz", "mazes/*/test.json"):
        (path,) = (finished.folder / "results" / "data").glob(pattern)
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        damaged.append(str(path.relative_to(finished.folder)))
    made_of = (MODEL, "results/tiny/evaluations/mazes/delta/seed42.npz")
    said = errors(finished, *made_of, "--keep-going", "--forcerun", *made_of)
    for name in damaged:
        assert any(f"{name}: damaged or changed; delete it" in line for line in said), said


def test_every_row_of_the_page_names_tests_that_exist():
    text = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (?!what happens|---).*", text, re.MULTILINE)
    assert len(rows) > 20
    for row in rows:
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", row.split("|")[-2])
        assert named, f"no test is named in: {row}"
        for file, test in named:
            code = (ROOT / file).read_text(encoding="utf-8")
            assert re.search(rf"^ *def {test}\(", code, re.MULTILINE), f"{file}::{test}"
