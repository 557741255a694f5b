"""A job's log and terminal lines, and stop requests."""

from __future__ import annotations

import errno
import os
import re
import signal
from pathlib import Path

import pytest

from deltaloss.core.errors import DataError
from deltaloss.core.log import StopFlag, job_log, logger


@pytest.fixture
def not_in_the_background():
    """Let SIGINT interrupt: a shell's background jobs are started so that they ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def fail_on_a_full_disk() -> None:
    """Fail as a library does that cleans up after a write."""
    try:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    finally:
        [].pos  # type: ignore[attr-defined]  # noqa: B018


class TestJobLog:
    def test_lines_go_to_the_log_and_named_to_the_terminal(self, tmp_path, capsys):
        with job_log(str(tmp_path / "logs" / "a.log"), "mazes delta"):
            logger.info("%d parameters", 7)
        assert capsys.readouterr().err == "[mazes delta] 7 parameters\n"
        lines = (tmp_path / "logs" / "a.log").read_text().splitlines()
        assert lines[0].endswith(" 7 parameters")
        assert re.search(r" finished in \d+\.\d s$", lines[1])
        assert logger.handlers == []

    @pytest.mark.parametrize(
        ("error", "said"),
        [
            (DataError("x.npz: cut off"), "x.npz: cut off"),
            (ValueError("no such shape\nmore"), "ValueError: no such shape (see {log})"),
        ],
        ids=["user-error", "other-error"],
    )
    def test_an_error_is_one_line_with_its_traceback_in_the_log(
        self, tmp_path, capsys, error, said
    ):
        log = tmp_path / "a.log"
        with pytest.raises(SystemExit) as left, job_log(str(log), "mazes"):
            raise error
        assert left.value.code == 1
        assert capsys.readouterr().err == f"[mazes] {said.format(log=log)}\n"
        assert "Traceback" in log.read_text()

    def test_an_error_that_follows_from_a_full_disk_is_that_of_the_disk(self, tmp_path, capsys):
        with pytest.raises(SystemExit), job_log(str(tmp_path / "a.log"), "mazes"):
            fail_on_a_full_disk()
        assert "[mazes] OSError: [Errno 28] No space left" in capsys.readouterr().err

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
    def test_a_log_that_cannot_be_written_fails_no_job(self, capsys):
        with job_log("/dev/full", "mazes"):
            logger.info("7 parameters")
        assert capsys.readouterr().err == "[mazes] 7 parameters\n"

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["int", "term"])
    @pytest.mark.usefixtures("not_in_the_background")
    def test_a_signal_ends_a_job_that_does_not_wait_for_it(self, tmp_path, number):
        with pytest.raises(SystemExit) as left, job_log(str(tmp_path / "a.log"), "mazes"):
            os.kill(os.getpid(), number)
        assert left.value.code == 128 + number


class TestStopFlag:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["int", "term"])
    def test_a_signal_only_sets_the_flag(self, number):
        before = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
        with StopFlag() as stop:
            assert not stop.requested
            os.kill(os.getpid(), number)
            os.kill(os.getpid(), signal.SIGTERM)  # later ones change nothing
            assert stop.requested
        assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == before
        with pytest.raises(SystemExit) as left:
            stop.leave()
        assert left.value.code == 128 + number
