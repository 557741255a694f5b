"""Progress of a job: log lines that back off, and a bar on a terminal that no other job uses."""

from __future__ import annotations

import logging
import os
import re
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from filelock import FileLock
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from deltaloss.core.log import logger

FIRST_LINES_SECONDS = (5.0, 60.0)  # after the start
LINE_SECONDS = 600.0  # between all later lines
BAR_SECONDS = 1.0
BAR_FORMAT = (
    "{desc}: {percentage:3.0f}%|{bar:8}| {n_fmt}/{total_fmt} {unit} [{remaining} left{postfix}]"
)


class Progress:
    """Reports how much of a job is done and how long the rest will take.

    Log lines come after 5 seconds, after a minute, then every 10 minutes, and at the end. On a
    terminal, the first job to ask also shows a bar; its lines then go to its log file only, its
    warnings appear above the bar.

    Args:
        total: number of units.
        unit: their name in the plural, such as "batches".
        done: units that an earlier job did, where this one resumes it.
        name: shown before the bar.
    """

    def __init__(self, total: int, *, unit: str, done: int = 0, name: str = "") -> None:
        self._total, self._unit, self._before = total, unit, done
        self._started = self._bar_moved = time.monotonic()
        self._lines = 0
        self._open = ExitStack()
        self._bar = self._make_bar(name)

    def due(self) -> bool:
        """Whether `update` would report now; ask first where computing its text costs time."""
        now = time.monotonic()
        bar_due = self._bar is not None and now - self._bar_moved >= BAR_SECONDS
        return bar_due or now - self._started >= self._next_line_seconds()

    def update(self, done: int, text: str = "") -> None:
        """Report that `done` units are done, if a report is due or all are done."""
        now = time.monotonic()
        finished = done >= self._total
        if self._bar is not None and (finished or now - self._bar_moved >= BAR_SECONDS):
            self._bar_moved = now
            self._bar.set_postfix_str(text, refresh=False)
            self._bar.update(done - self._bar.n)
        elapsed = now - self._started
        if not finished and elapsed < self._next_line_seconds():
            return
        while self._next_line_seconds() <= elapsed:
            self._lines += 1
        left = elapsed / max(done - self._before, 1) * (self._total - done)
        said = f"{text}, " if text else ""
        logger.info("%d/%d %s, %s%s left", done, self._total, self._unit, said, _duration(left))

    def close(self) -> None:
        """Leave the bar as it is and release the terminal."""
        self._open.close()
        self._bar = None

    def _next_line_seconds(self) -> float:
        if self._lines < len(FIRST_LINES_SECONDS):
            return FIRST_LINES_SECONDS[self._lines]
        return LINE_SECONDS * (self._lines - len(FIRST_LINES_SECONDS) + 1)

    def _make_bar(self, name: str) -> tqdm[None] | None:
        if not _lock_terminal(self._open):
            return None
        self._open.enter_context(logging_redirect_tqdm([logger]))
        logger.handlers[-1].setLevel(logging.WARNING)  # the handler that writes above the bar
        return self._open.enter_context(
            tqdm(
                desc=name,
                total=self._total,
                initial=self._before,
                unit=self._unit,
                bar_format=BAR_FORMAT,
            )
        )


def _lock_terminal(held: ExitStack) -> bool:
    """Lock the terminal while `held` is open; false if it is locked, or there is none."""
    if not sys.stderr.isatty():
        return False
    terminal = re.sub(r"\W", "_", os.ttyname(sys.stderr.fileno()))
    lock = FileLock(Path(tempfile.gettempdir()) / f"deltaloss-{os.getuid()}{terminal}.lock")
    try:
        held.enter_context(lock.acquire(blocking=False))
    except OSError:  # filelock's Timeout is one
        return False
    return True


def _duration(seconds: float) -> str:
    """Write seconds in a unit that a person would choose: "45 s", "12 min", "3.5 h"."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
