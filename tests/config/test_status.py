"""What a run reports while jobs run, from Snakemake's log events."""

from __future__ import annotations

import logging
import os
import pty
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from deltaloss.config import status
from deltaloss.config.status import RunStatus
from deltaloss.core.log import QUIET_VARIABLE, job_log, logger


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock that the test sets, in seconds."""
    now = SimpleNamespace(seconds=1000.0)
    monkeypatch.setattr(status, "time", SimpleNamespace(monotonic=lambda: now.seconds))
    return now


@pytest.fixture
def others() -> logging.Handler:
    """The handler of Snakemake's own lines."""
    return logging.NullHandler()


@contextmanager
def terminal() -> Iterator[Callable[[], str]]:
    """A terminal of 60 columns as standard error; called, it returns what it has been sent."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 60))

    def sent() -> str:
        print("the end", file=sys.stderr, flush=True)
        shown = ""
        while "the end" not in shown:  # a terminal passes on what it is sent when it likes
            shown += os.read(ours, 100_000).decode()
        return shown

    with os.fdopen(theirs, "w") as stream, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stderr", stream)
        patch.setenv("TERM", "xterm")
        yield sent
    os.close(ours)


def send(run: RunStatus, event: str, **fields: Any) -> None:
    run.emit(logging.makeLogRecord({"event": event, **fields}))


def begin(run: RunStatus, number: int, log: Path, rule: str = "train_model") -> None:
    wildcards = {"experiment": "tiny", "task": "mazes", "run": "delta", "weights": f"seed{number}"}
    send(run, "job_info", jobid=number, rule_name=rule, wildcards=wildcards, log=[str(log)])


def fail(log: Path) -> None:
    """Fail as a job does."""
    with job_log(str(log), "mazes"):
        for epoch in range(9):
            logger.info("epoch %d", epoch)
        raise ValueError("no such shape")


def test_time_left_is_the_prediction_first_and_then_what_was_measured(clock, others):
    run = RunStatus(dict.fromkeys(range(20), 60.0), cores=2, instead_of=others)
    assert run.time_left() == 600
    clock.seconds += 100
    assert run.time_left() == 500
    for number in range(10):  # half of the work, three times as slow as predicted
        send(run, "job_finished", job_id=number)
    clock.seconds += 800
    assert run.time_left() == 900
    assert run.describe() == "10 of 20 jobs done, about 15 min left"
    for number in range(10, 20):
        send(run, "job_finished", job_id=number)
    assert run.describe() == "20 of 20 jobs done"


def test_a_first_quick_job_does_not_promise_that_all_are_quick(clock, others):
    run = RunStatus({0: 5.0, 1: 3600.0}, cores=1, instead_of=others)
    clock.seconds += 0.1
    send(run, "job_finished", job_id=0)
    assert run.time_left() > 3000


def test_without_a_terminal_a_line_comes_each_minute_and_at_the_end(clock, others, capsys):
    run = RunStatus(dict.fromkeys(range(4), 60.0), cores=1, instead_of=others)
    for number in range(4):
        clock.seconds += 40
        send(run, "job_finished", job_id=number)
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["2 of 4 jobs done, about 1.3 min left", "4 of 4 jobs done"]


def test_nothing_is_added_where_snakemake_has_its_own_lines(clock, capsys):
    run = RunStatus({0: 60.0}, cores=1, instead_of=None)
    clock.seconds += 100
    send(run, "job_finished", job_id=0)
    run.stop()
    assert capsys.readouterr().err == ""


def test_snakemake_s_lines_are_left_out_while_jobs_run_but_not_its_warnings(others):
    run = RunStatus({0: 60.0}, cores=1, instead_of=others)
    assert others.level == logging.WARNING
    run.stop()
    run.stop()
    assert others.level == logging.NOTSET


def test_a_terminal_has_a_line_per_running_job_and_keeps_those_of_ended_ones(tmp_path, others):
    with terminal() as sent:
        run = RunStatus({1: 60.0, 2: 60.0, 3: 60.0}, cores=2, instead_of=others)
        for number in (1, 2):
            begin(run, number, tmp_path / f"{number}.log")
        with job_log(str(tmp_path / "1.log"), "mazes"):
            logger.info("epoch 3/11, loss 0.5")
            logger.warning("warning: a checkpoint is damaged")
            logger.info("epoch 11/11, in 20 s")
        drawn = [str(line) for line in run.lines().renderables]
        send(run, "job_finished", job_id=1)
        run.stop()
        shown = sent()
    assert drawn == [
        "train_model mazes delta seed1: epoch 11/11, in 20 s",
        "train_model mazes delta seed2",
        "0 of 3 jobs done, about 1.5 min left",
    ]
    assert "train_model mazes delta seed1: epoch 11/11, in 20 s" in shown
    assert "train_model mazes delta seed1: warning: a checkpoint" in shown
    assert "epoch 3/11" not in shown
    assert "[mazes]" not in shown, "a job writes no lines between those of the status"
    assert "\x1b[?25h" in shown, "the cursor is shown again"
    assert QUIET_VARIABLE not in os.environ


def test_a_failed_job_is_named_with_the_end_of_its_log(tmp_path, others, capsys):
    log = tmp_path / "1.log"
    run = RunStatus({1: 60.0, 2: 60.0}, cores=2, instead_of=others)
    begin(run, 1, log)
    with pytest.raises(SystemExit):
        fail(log)
    capsys.readouterr()
    send(run, "job_error", jobid=1, rule_name="train_model", log=[str(log)])
    run.stop()
    assert capsys.readouterr().err == "train_model mazes delta seed1 failed\n"
    assert list(run.failures()) == [
        f"train_model mazes delta seed1 failed; the end of its log, {log}:",
        "    epoch 6",
        "    epoch 7",
        "    epoch 8",
        f"    ValueError: no such shape (see {log})",
    ]


def test_a_job_without_a_log_fails_too(tmp_path, others):
    run = RunStatus({1: 60.0}, cores=2, instead_of=others)
    send(run, "job_error", jobid=1, rule_name="all", log=[])
    assert list(run.failures()) == ["all failed"]
