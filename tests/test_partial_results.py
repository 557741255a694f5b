"""An evaluation that is killed goes on, and ends with the same bits."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from deltaloss.records import load_evaluation
from tests import evaluation_jobs
from tests.evaluation_jobs import make_job

FIELDS = ("correct", "nonfinite_step", "periodic_step", "period")


def finish(job, **options) -> str:
    """Run the job to its end and give its log."""
    process = evaluation_jobs.start(job, **options)
    process.join(120)
    assert process.exitcode == 0
    assert not Path(job.params.partial).exists()
    return Path(job.log[0]).read_text()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An evaluation that nobody disturbs, and how long it takes."""
    job = make_job(tmp_path_factory.mktemp("whole"))
    started = time.monotonic()
    finish(job)
    return load_evaluation(Path(job.output.bits)), time.monotonic() - started


def assert_same(job, whole):
    found = load_evaluation(Path(job.output.bits))
    for field in FIELDS:
        np.testing.assert_array_equal(getattr(found, field), getattr(whole[0], field))


def start_and_stop(job, number: int, *, after: float = 0.0, **options) -> int:
    """Start the job, send it a signal a while after it first saved, and give its exit code."""
    process = evaluation_jobs.start(job, **options)
    saved = Path(job.params.partial) / "partial.ckpt"
    until = time.monotonic() + 60
    while process.is_alive() and time.monotonic() < until and not saved.exists():
        time.sleep(0.005)
    time.sleep(after)
    if process.is_alive():
        os.kill(process.pid, number)
    process.join(60)
    return process.exitcode


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_killed_again_and_again_it_ends_with_the_same_bits(tmp_path, whole, number):
    job, moments = make_job(tmp_path), random.Random(5)
    codes = [start_and_stop(job, number, after=moments.uniform(0, whole[1] / 4)) for _ in range(8)]
    assert any(codes)
    assert set(codes) <= {0, -number, 128 + number}
    finish(job)
    assert_same(job, whole)


def test_what_has_begun_goes_on_where_it_stood(tmp_path, whole):
    """All examples share one batch, so none is finished when the signal comes."""
    job = make_job(tmp_path, batch_size=40)
    assert start_and_stop(job, signal.SIGTERM) == 128 + signal.SIGTERM
    log = finish(job)
    assert "going on: 0 of 40 examples are done, 40 have begun" in log
    assert_same(job, whole)


def test_another_batch_size_can_go_on(tmp_path, whole):
    assert start_and_stop(make_job(tmp_path, batch_size=40), signal.SIGTERM) != 0
    job = make_job(tmp_path, batch_size=3)
    assert "40 have begun" in finish(job)
    assert_same(job, whole)


def test_told_to_stop_before_the_first_minute_it_keeps_what_there_is(tmp_path):
    job = make_job(tmp_path, steps=30000, batch_size="auto")
    process = evaluation_jobs.start(job, save_seconds=60)
    log, until = Path(job.log[0]), time.monotonic() + 60
    while time.monotonic() < until and not (log.exists() and "at a time" in log.read_text()):
        time.sleep(0.01)
    time.sleep(0.5)
    os.kill(process.pid, signal.SIGTERM)
    process.join(30)
    assert process.exitcode == 128 + signal.SIGTERM
    assert (Path(job.params.partial) / "partial.ckpt").exists()


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda job, path: path.write_bytes(path.read_bytes()[:-7]), "is damaged"),
        (lambda job, path: path.write_bytes(b""), "is damaged"),
        (lambda job, path: make_job(path.parents[1], seed=2), "of other settings, code or data"),
        (lambda job, path: job.params.job.update(code="abd"), "of other settings, code or data"),
    ],
)
def test_what_is_damaged_or_of_another_evaluation_is_not_used(tmp_path, change, line):
    job = make_job(tmp_path)
    assert start_and_stop(job, signal.SIGKILL) == -signal.SIGKILL
    change(job, Path(job.params.partial) / "partial.ckpt")
    log = finish(job)
    assert line in log
    assert "beginning anew" in log
    assert "going on" not in log


def test_a_second_job_stops_with_a_line(tmp_path):
    job = make_job(tmp_path, steps=30000)
    first = evaluation_jobs.start(job)
    while not (Path(job.params.partial) / "partial.ckpt").exists():
        time.sleep(0.01)
    other = make_job(tmp_path)
    other.log = [str(tmp_path / "other.log")]
    second = evaluation_jobs.start(other)
    second.join(60)
    first.kill()
    first.join(60)
    assert second.exitcode == 1
    assert "another job" in (tmp_path / "other.log").read_text()
