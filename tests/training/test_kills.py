"""A training job that is stopped in any way resumes, and ends bit-identical on the CPU."""

from __future__ import annotations

import os
import random
import re
import signal
import time
from typing import Any

import pytest

from .jobs import RunningJob, assert_same_end, make_job

KILLS = 8


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A training that was never interrupted."""
    job = make_job(tmp_path_factory.mktemp("whole"))
    RunningJob(job).finish()
    return job


def start_and_kill(job: Any) -> RunningJob:
    """Kill the job behind its first checkpoint."""
    running = RunningJob(job, sync_seconds=0.3)  # so slow that it cannot end before
    running.wait_for_checkpoint()
    assert running.end(signal.SIGKILL) == -signal.SIGKILL, running.log()
    return running


def test_killed_again_and_again_it_ends_as_if_never_killed(tmp_path, whole):
    job, moments, resumed = make_job(tmp_path), random.Random(20), 0
    for kill in range(KILLS):
        within_write = kill % 2 == 1
        running = RunningJob(job, sync_seconds=0.3 if within_write else 0.0)
        running.wait_for_checkpoint()
        if within_write:
            running.wait_for(running.half_written)
        else:
            time.sleep(moments.uniform(0, 0.2))
        if running.end(signal.SIGKILL) == 0:  # too late: again from the beginning
            assert_same_end(job, whole)
            continue
        assert bool(running.half_written()) >= within_write
        resumed += "resuming at epoch" in running.log()
    last = RunningJob(job)
    last.finish()
    assert_same_end(job, whole)
    assert resumed >= KILLS // 2
    assert not last.folder.exists()


def test_told_to_stop_it_saves_in_the_epoch_and_resumes(tmp_path, whole):
    job = make_job(tmp_path)
    running = RunningJob(job, sync_seconds=0.1)
    running.wait_for_checkpoint()
    assert running.end(signal.SIGTERM) == 128 + signal.SIGTERM, running.log()
    assert re.search(r"told to stop: saved at epoch \d+, batch \d+\n$", running.log())
    saved = running.states()[-1].stem.replace("batch", "").split("-")
    running = RunningJob(job)
    running.finish()
    epoch, batch = int(saved[1]) + 1, int(saved[-1])
    assert f"resuming at epoch {epoch}, batch {batch}\n" in running.log()
    assert_same_end(job, whole)


def test_many_signals_at_once_break_nothing(tmp_path, whole):
    job = make_job(tmp_path)
    running = RunningJob(job, sync_seconds=0.1)
    running.wait_for_checkpoint()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
        os.kill(running.process.pid, number)
        time.sleep(0.002)
    assert running.end() > 128
    RunningJob(job).finish()
    assert_same_end(job, whole)


def test_the_second_job_on_one_folder_is_refused(tmp_path):
    job = make_job(tmp_path)
    first = RunningJob(job, sync_seconds=0.3)
    first.wait_for_checkpoint()
    other = make_job(tmp_path)
    other.log = [str(tmp_path / "other.log")]
    second = RunningJob(other)
    assert second.end() == 1
    assert f"{second.folder}: another job is at work there" in second.log()
    assert first.end(signal.SIGKILL) == -signal.SIGKILL, first.log()
    third = RunningJob(job)  # a killed job holds nothing
    third.wait_for(lambda: "resuming at epoch" in third.log())
    assert third.end(signal.SIGKILL) != 1, third.log()


def test_a_full_disk_keeps_the_checkpoint_and_training_continues(tmp_path, whole):
    job = make_job(tmp_path)
    killed = start_and_kill(job)
    before = {path: path.read_bytes() for path in killed.states()}
    largest = max(len(content) for content in before.values())
    running = RunningJob(job, file_bytes=largest // 2)  # room for the weights, not for a state
    running.wait_for(lambda: "no checkpoint was written" in running.log())
    assert {path: path.read_bytes() for path in running.states()} == before
    running.finish()
    assert running.log().count("no checkpoint was written (") > 1
    assert_same_end(job, whole)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"epochs": 31}, "settings.training.epochs was 30, is now 31"),
        ({"code": "xyz"}, "settings.code was abc, is now xyz"),
        ({"bits": 6}, "data_digest was "),
    ],
    ids=["settings", "code", "data"],
)
def test_other_settings_code_or_data_are_refused(tmp_path, change, said):
    start_and_kill(make_job(tmp_path))
    running = RunningJob(make_job(tmp_path, **change))
    assert running.end() == 1
    line = next(line for line in running.log().splitlines() if "other settings, code" in line)
    assert said in line
    assert line.endswith("or delete this folder to start from the beginning")
