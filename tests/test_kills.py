"""A training job that is killed goes on, and ends as one that never was, bit for bit on the CPU."""

from __future__ import annotations

import os
import random
import re
import signal
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from .training_jobs import assert_same_end, checkpoints, finish, log, make_job, start

KILLS = 20
WHILE_WRITING = 4


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A training that was never interrupted."""
    job = make_job(tmp_path_factory.mktemp("whole"))
    finish(job)
    history = pd.read_csv(job.output.history)
    job.seconds = float(history.filter(like="_seconds").to_numpy().sum())
    return job


def temporary(job: Any, process: Any) -> list[Path]:
    """Give what this process has begun to write; when all is done the folder goes away."""
    try:
        return list(checkpoints(job).glob(f".epoch-*.{process.pid}.*"))
    except FileNotFoundError:
        return []


def wait_for_writing(job: Any, process: Any) -> None:
    """Return as soon as a checkpoint is being written; it is not whole yet."""
    while process.is_alive() and not temporary(job, process):
        pass


def wait_within(job: Any, process: Any, seconds: float) -> None:
    """Return so long after the end of the first epoch of this process.

    What comes before takes long, and how long, a busy machine decides.
    """
    wait_for_writing(job, process)
    time.sleep(seconds)


def test_killed_twenty_times_some_while_writing(tmp_path, whole):
    job, moments = make_job(tmp_path), random.Random(20)
    killed = while_writing = furthest = 0
    while killed < KILLS or while_writing < WHILE_WRITING:
        Path(job.log[0]).unlink(missing_ok=True)
        process = start(job)
        if killed % 2:
            wait_within(job, process, moments.uniform(0, whole.seconds / 10))
        else:
            wait_for_writing(job, process)
        process.kill()
        process.join()
        if process.exitcode == 0:  # the kill came too late: once more from the beginning
            assert_same_end(job, whole)
            continue
        assert process.exitcode == -signal.SIGKILL
        killed += 1
        while_writing += len(temporary(job, process))
        said = log(job) if Path(job.log[0]).exists() else ""
        went_on = re.search(r"going on from epoch (\d+)", said)
        furthest = max(furthest, int(went_on[1]) if went_on else 0)
    finish(job)
    assert_same_end(job, whole)
    assert furthest > 3
    assert not checkpoints(job).exists()


def test_told_to_stop_it_saves_in_the_middle_of_an_epoch(tmp_path, whole):
    job, moments, batches = make_job(tmp_path), random.Random(3), set()
    for _ in range(20):
        Path(job.log[0]).unlink(missing_ok=True)
        process = start(job)
        wait_within(job, process, moments.uniform(0, whole.seconds / 5))
        told = time.monotonic()
        os.kill(process.pid, signal.SIGTERM)
        process.join()
        assert time.monotonic() - told < 5
        if process.exitcode == 0:  # it was done before: once more from the beginning
            continue
        assert process.exitcode == 128 + signal.SIGTERM, log(job)
        names = [path.stem for path in checkpoints(job).glob("epoch-*.ckpt")]
        batches |= {name.split("-")[-1] for name in names}
        if len(batches - {"00000000"}) > 1:
            break
    assert len(batches - {"00000000"}) > 1, "no signal came in the middle of an epoch"
    finish(job)
    assert_same_end(job, whole)


def test_two_signals_at_once_break_nothing(tmp_path, whole):
    job = make_job(tmp_path)
    process = start(job)
    wait_for_writing(job, process)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
        os.kill(process.pid, number)
        time.sleep(0.002)
    process.join()
    assert process.exitcode > 128, log(job)
    finish(job)
    assert "damaged" not in log(job)
    assert_same_end(job, whole)


def test_the_second_job_on_one_folder_stops_with_a_line(tmp_path):
    job = make_job(tmp_path)
    first = start(job)
    wait_for_writing(job, first)
    os.kill(first.pid, signal.SIGSTOP)  # or it might be done before the other has begun
    other = make_job(tmp_path)
    other.log = [str(tmp_path / "other.log")]
    second = start(other)
    second.join()
    assert second.exitcode == 1
    assert f"{checkpoints(job)}: another job is at work there" in log(other)
    assert first.is_alive()
    first.kill()
    first.join()
    third = start(job)  # the killed one holds nothing any more
    wait_for_writing(job, third)
    assert third.is_alive(), log(job)
    third.kill()
    third.join()


def test_a_full_disk_leaves_the_checkpoint_and_goes_on(tmp_path, whole):
    job = make_job(tmp_path)
    process = start(job)
    while not list(checkpoints(job).glob("epoch-*.ckpt")):
        time.sleep(0.01)
    process.kill()
    process.join()
    before = {path: path.read_bytes() for path in checkpoints(job).glob("epoch-*.ckpt")}
    largest = max(len(content) for content in before.values())
    process = start(job, file_bytes=largest // 2)  # room for the weights, not for all the rest
    while not Path(job.log[0]).exists() or "no checkpoint could be written" not in log(job):
        assert process.is_alive()
    assert {path: path.read_bytes() for path in checkpoints(job).glob("epoch-*.ckpt")} == before
    process.join()
    assert process.exitcode == 0, log(job)
    assert "going on from epoch" in log(job)
    assert log(job).count("no checkpoint could be written (") > 1
    assert_same_end(job, whole)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"epochs": 41}, "settings.training.epochs was 40, is now 41"),
        ({"code": "xyz"}, "settings.code was abc, is now xyz"),
        ({"bits": 6}, "data_digest was "),
    ],
)
def test_other_settings_code_or_data_refuse(tmp_path, change, said):
    job = make_job(tmp_path)
    process = start(job)
    while not list(checkpoints(job).glob("epoch-*.ckpt")):
        time.sleep(0.01)
    process.kill()
    process.join()
    job = make_job(tmp_path, **{key: value for key, value in change.items() if key != "code"})
    job.params.job["code"] = change.get("code", "abc")
    process = start(job)
    process.join()
    assert process.exitcode == 1
    (line,) = [
        line for line in log(job).splitlines() if "another training" in line and "Error" not in line
    ]
    assert said in line
    assert line.endswith("or delete this folder to train from the beginning")
