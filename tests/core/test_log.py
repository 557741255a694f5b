"""A job's log and terminal lines, and stop requests."""

from __future__ import annotations

import os
import re
import signal

import pytest

from deltaloss.core.errors import DataError
from deltaloss.core.log import StopFlag, job_log, logger


@pytest.fixture
def not_in_the_background():
    """Let SIGINT interrupt: a shell's background jobs are started so that they ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


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
