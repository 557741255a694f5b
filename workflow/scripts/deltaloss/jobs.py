"""What every job does around its work: a log, lines for the terminal, errors in one line."""

from __future__ import annotations

import logging
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deltaloss.errors import UserError

LINE_SECONDS = 5.0

logger = logging.getLogger("deltaloss")


@contextmanager
def job_log(log: str, name: str) -> Iterator[None]:
    """Send the job's lines to its log and, under its name, to the terminal.

    An error that the user can put right is one line on the terminal and ends the job; its
    traceback, as that of any other error, is in the log.
    """
    path = Path(log)
    path.parent.mkdir(parents=True, exist_ok=True)
    to_file = logging.FileHandler(path, mode="w", encoding="utf-8")
    to_file.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    to_terminal = logging.StreamHandler(sys.stderr)
    to_terminal.setFormatter(_FirstLine(f"[{name}] %(message)s"))
    logger.setLevel(logging.INFO)
    logger.handlers = [to_file, to_terminal]
    signal.signal(signal.SIGTERM, _leave)
    try:
        yield
    except UserError as error:
        logger.error("%s", error, exc_info=error)
        sys.exit(1)
    except KeyboardInterrupt:
        logger.error("interrupted")
        sys.exit(130)
    except Exception as error:
        logger.error("%s: %s (see %s)", type(error).__name__, error, path, exc_info=error)
        sys.exit(1)
    finally:
        for handler in logger.handlers:
            handler.close()
        logger.handlers = []


def _leave(number: int, frame: object) -> None:
    """End as an error does, so that temporary folders are removed."""
    sys.exit(128 + number)


class _FirstLine(logging.Formatter):
    """Leave the traceback to the log."""

    def format(self, record: logging.LogRecord) -> str:
        return self.formatMessage(_with_message(record))


def _with_message(record: logging.LogRecord) -> logging.LogRecord:
    record.message = record.getMessage()
    return record


class Progress:
    """Tells how far a job is, a line every few seconds and one at the end."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._last = self._started

    def __call__(self, done: int, total: int, text: str = "") -> None:
        """Log a line when one is due; `done` of `total`, and what else there is to say."""
        now = time.monotonic()
        if done < total and now - self._last < LINE_SECONDS:
            return
        self._last = now
        elapsed = now - self._started
        left = elapsed / max(done, 1) * (total - done)
        logger.info("%d/%d %s %.0f s, %.0f s left", done, total, text, elapsed, left)
