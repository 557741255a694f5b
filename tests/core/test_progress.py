"""Progress as log lines that back off, and as a bar on a free terminal."""

from __future__ import annotations

import logging
import os
import pty
import re
import sys
import termios
from pathlib import Path
from types import SimpleNamespace

import pytest

from deltaloss.core import progress
from deltaloss.core.log import job_log, logger
from deltaloss.core.progress import Progress


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test sets, in seconds."""
    now = SimpleNamespace(seconds=1000.0)
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: now.seconds))
    return now


class Terminal:
    """A terminal as standard error, inside ``with``."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.shown = folder, ""

    def __enter__(self) -> Terminal:
        self._patch = pytest.MonkeyPatch()
        self._ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (24, 200))
        self._stream = os.fdopen(theirs, "w")
        self._patch.setattr(sys, "stderr", self._stream)
        self._patch.setattr("tempfile.gettempdir", lambda: str(self.folder))
        return self

    def __exit__(self, *error: object) -> None:
        self._stream.flush()
        os.set_blocking(self._ours, False)
        self.shown = os.read(self._ours, 100_000).decode()
        self._patch.undo()
        self._stream.close()
        os.close(self._ours)


def test_lines_after_5_seconds_a_minute_and_every_10_minutes(clock, caplog):
    reported = []
    shown = Progress(4000, unit="examples")
    with caplog.at_level(logging.INFO, logger.name):
        for second in range(1, 2000):
            clock.seconds = 1000.0 + second
            before = len(caplog.messages)
            was_due = shown.due()
            shown.update(second)
            assert was_due == (len(caplog.messages) > before)
            if was_due:
                reported.append(second)
    assert reported == [5, 60, 600, 1200, 1800]
    assert caplog.messages[0] == "5/4000 examples, 67 min left"


def test_the_end_has_a_line_however_soon(clock, caplog):
    with caplog.at_level(logging.INFO, logger.name):
        Progress(3, unit="files").update(3, "all read")
    assert caplog.messages == ["3/3 files, all read, 0 s left"]


def test_time_left_counts_from_where_the_job_was_resumed(clock, caplog):
    shown = Progress(1000, unit="batches", done=600)
    clock.seconds += 10.0
    with caplog.at_level(logging.INFO, logger.name):
        shown.update(650, "epoch 7/10")
    assert caplog.messages == ["650/1000 batches, epoch 7/10, 70 s left"]


def test_a_bar_fills_while_lines_go_to_the_log_and_warnings_above_it(tmp_path):
    with Terminal(tmp_path) as terminal, job_log(str(tmp_path / "log"), "mazes"):
        shown = Progress(18, unit="batches", name="mazes delta")
        logger.warning("warning: above")
        shown.update(18, "epoch 3/3")
        shown.close()
        logger.info("done")
    bar = r"mazes delta: 100%\|.*\| 18/18 batches \[00:00 left, epoch 3/3\]"
    assert re.search(bar, terminal.shown)
    assert "[mazes] warning: above\r\n" in terminal.shown
    assert "epoch 3/3, 0 s left" not in terminal.shown
    assert terminal.shown.endswith("[mazes] done\r\n")
    assert "18/18 batches, epoch 3/3, 0 s left" in (tmp_path / "log").read_text()


def test_only_one_job_has_a_bar_on_a_terminal(tmp_path):
    with Terminal(tmp_path) as terminal, job_log(str(tmp_path / "log"), "mazes"):
        first = Progress(18, unit="batches", name="first")
        Progress(18, unit="batches", name="second").update(18)
        first.close()
        Progress(18, unit="batches", name="third").close()
    assert "first:" in terminal.shown
    assert "second:" not in terminal.shown
    assert "third:" in terminal.shown
