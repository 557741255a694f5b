"""Progress as log lines that back off, more of them in the log file than on the terminal."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest

from deltaloss.core import progress
from deltaloss.core.log import logger
from deltaloss.core.progress import Progress


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test sets, in seconds."""
    now = SimpleNamespace(seconds=1000.0)
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: now.seconds))
    return now


def test_lines_after_5_seconds_a_minute_and_every_10_minutes(clock, caplog):
    reported = []
    shown = Progress(4000, unit="examples")
    with caplog.at_level(logging.INFO, logger.name):
        for second in range(1, 2000):
            clock.seconds = 1000.0 + second
            before = len(caplog.messages)
            shown.update(second)
            if len(caplog.messages) > before:
                reported.append(second)
    assert reported == [5, 60, 600, 1200, 1800]
    assert caplog.messages[0] == "0 %, 4000 examples, 67 min left"


def test_the_file_s_last_line_is_never_older_than_5_seconds_or_5_percent_of_the_time(clock, caplog):
    reported = [0]
    shown = Progress(4000, unit="examples")
    with caplog.at_level(logging.DEBUG, logger.name):
        for second in range(1, 3000):
            clock.seconds = 1000.0 + second
            before = len(caplog.messages)
            was_due = shown.due()
            shown.update(second)
            assert was_due == (len(caplog.messages) > before)
            if was_due:
                reported.append(second)
            assert second - reported[-1] <= max(5, 0.05 * second)
    assert len(reported) < 150
    assert {record.levelname for record in caplog.records} == {"DEBUG", "INFO"}


def test_the_end_has_a_line_however_soon(clock, caplog):
    with caplog.at_level(logging.INFO, logger.name):
        Progress(3, unit="files").update(3, "all read")
    assert caplog.messages == ["all read, in 0 s"]


def test_time_left_counts_from_where_the_job_was_resumed(clock, caplog):
    shown = Progress(1000, unit="batches", done=600)
    clock.seconds += 10.0
    with caplog.at_level(logging.INFO, logger.name):
        shown.update(650, "epoch 7/10")
    assert caplog.messages == ["65 %, epoch 7/10, 70 s left"]
