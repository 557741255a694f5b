"""Progress of a job as log lines that back off."""

from __future__ import annotations

import logging
import time

from deltaloss.core.log import logger

FIRST_LINES_SECONDS = (5.0, 60.0)  # after the start
LINE_SECONDS = 600.0  # between all later lines
FILE_SECONDS, FILE_SHARE = 5.0, 0.05  # between lines of the log file alone: the larger one counts


class Progress:
    """Reports how much of a job is done and how long the rest will take.

    Log lines come after 5 seconds, after a minute, then every 10 minutes, and at the end. The log
    file has more: the last one is never older than 5 seconds or 5 % of the job's time.

    Args:
        total: number of units.
        unit: their name in the plural, such as "batches".
        done: units that an earlier job did, where this one resumes it.
    """

    def __init__(self, total: int, *, unit: str, done: int = 0) -> None:
        self._total, self._unit, self._before = total, unit, done
        self._started = self._written = time.monotonic()
        self._lines = 0

    def due(self) -> bool:
        """Whether `update` would report now; ask first where computing its text costs time."""
        now = time.monotonic()
        return now - self._started >= self._next_line_seconds() or self._file_due(now)

    def update(self, done: int, text: str = "") -> None:
        """Report that `done` units are done, if a report is due or all are done."""
        now = time.monotonic()
        elapsed = now - self._started
        line_due = elapsed >= self._next_line_seconds()
        while self._next_line_seconds() <= elapsed:
            self._lines += 1
        said = text or f"{self._total} {self._unit}"
        if done >= self._total:
            logger.info("%s, in %s", said, _duration(elapsed))
        elif line_due or self._file_due(now):
            self._written = now
            level = logging.INFO if line_due else logging.DEBUG
            left = elapsed / max(done - self._before, 1) * (self._total - done)
            percent = 100 * done // self._total
            logger.log(level, "%d %%, %s, %s left", percent, said, _duration(left))

    def close(self) -> None:
        """End the report; lines need nothing for that."""

    def _file_due(self, now: float) -> bool:
        since = FILE_SHARE * (now - self._started)
        return now - self._written >= max(FILE_SECONDS, since)

    def _next_line_seconds(self) -> float:
        if self._lines < len(FIRST_LINES_SECONDS):
            return FIRST_LINES_SECONDS[self._lines]
        return LINE_SECONDS * (self._lines - len(FIRST_LINES_SECONDS) + 1)


def _duration(seconds: float) -> str:
    """Write seconds in a unit that a person would choose: "45 s", "12 min", "3.5 h"."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
