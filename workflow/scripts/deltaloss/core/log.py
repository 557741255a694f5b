"""Job logs with one-line errors, and stop requests by SIGTERM or Ctrl-C that code reads."""

from __future__ import annotations

import errno
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import NoReturn

from deltaloss.core.errors import UserError

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
FULL = (errno.ENOSPC, errno.EDQUOT)  # errors of a full disk or a used-up quota
QUIET_VARIABLE = "DELTALOSS_QUIET"
"""In the environment of jobs whose logs are shown by the process that started them."""

logger = logging.getLogger("deltaloss")


@contextmanager
def job_log(log_path: str, name: str) -> Iterator[None]:
    """Write the job's log lines to `log_path` and, after its name, to the terminal.

    With `QUIET_VARIABLE` in the environment the terminal gets none. The log ends with the seconds
    that the job took. An error is one line on the terminal and ends the job with exit status 1; its
    traceback is in the log.
    """
    path = Path(log_path)
    path.parent.mkdir(parents=True, exist_ok=True)
    to_file = _LogFile(path, mode="w", encoding="utf-8")
    to_file.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    to_terminal = logging.StreamHandler(sys.stderr)
    to_terminal.setFormatter(_WithoutTraceback(f"[{name}] %(message)s"))
    to_terminal.setLevel(logging.INFO)
    logger.setLevel(logging.DEBUG)
    logger.handlers = [to_file] if QUIET_VARIABLE in os.environ else [to_file, to_terminal]
    before = signal.signal(signal.SIGTERM, _exit)
    started = time.monotonic()
    try:
        yield
        logger.debug("finished in %.1f s", time.monotonic() - started)
    except UserError as error:
        logger.error("%s", error, exc_info=error)
        sys.exit(1)
    except KeyboardInterrupt:
        logger.error("interrupted")
        sys.exit(128 + signal.SIGINT)
    except Exception as error:
        logger.error("%s (see %s)", _in_short(error), path, exc_info=error)
        sys.exit(1)
    finally:
        for handler in logger.handlers:
            handler.close()
        logger.handlers = []
        signal.signal(signal.SIGTERM, before)


class StopFlag:
    """Stop requests of a section that saves its state before it exits.

    Inside ``with StopFlag() as stop:`` SIGTERM and SIGINT only set `requested`. The code reads it
    between batches, saves, and calls `leave`.
    """

    def __init__(self) -> None:
        self._signal = 0

    @property
    def requested(self) -> bool:
        """Whether a signal has arrived."""
        return self._signal != 0

    def leave(self) -> NoReturn:
        """Exit with status 128 + the number of the first signal.

        Raises:
            SystemExit: always.
        """
        raise SystemExit(128 + self._signal)

    def __enter__(self) -> StopFlag:
        self._before = {number: signal.signal(number, self._request) for number in STOP_SIGNALS}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _request(self, number: int, frame: FrameType | None) -> None:
        self._signal = self._signal or number


def _exit(number: int, frame: FrameType | None) -> None:
    """Exit as an error does, so that temporary files are removed."""
    sys.exit(128 + number)


def _in_short(error: BaseException) -> str:
    """First line of an error, or of the full disk that led to it.

    Matplotlib, for one, stumbles over its own half-written file.
    """
    below: BaseException | None = error
    while below is not None and getattr(below, "errno", None) not in FULL:
        below = below.__cause__ or below.__context__
    shown = below or error
    return f"{type(shown).__name__}: {shown}".partition("\n")[0]


class _LogFile(logging.FileHandler):
    """A log that a full disk cuts short, without a traceback for every line."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - named by logging
        pass

    def close(self) -> None:
        with suppress(OSError):
            super().close()


class _WithoutTraceback(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        record.message = record.getMessage()
        return self.formatMessage(record)
