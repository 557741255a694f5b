"""Commands that end in time: at the deadline the whole process group is told to leave."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import ROOT

LEAVE_SECONDS = 20.0  # a training saves its state and leaves within five


class TimeIsUpError(Exception):
    """The deadline came before the command's end."""


def run_until(deadline: float, command: Sequence[str], *, log: Path) -> int:
    """Run a command from the project's folder and give its exit status.

    Args:
        deadline: by `time.time()`; the command is told to leave `LEAVE_SECONDS` earlier.
        command: is run in a process group of its own.
        log: gets what it says, behind what is there.

    Raises:
        TimeIsUpError: it was told to leave, or there was no time to begin.
    """
    if deadline - LEAVE_SECONDS <= time.time():
        raise TimeIsUpError
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with log.open("a", encoding="utf-8") as lines:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=lines,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            return process.wait(deadline - LEAVE_SECONDS - time.time())
        except subprocess.TimeoutExpired:
            raise TimeIsUpError from None
        finally:
            _end_group(process)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Ask all of the group to leave, and make those leave that are still there."""
    _tell_group(process.pid, signal.SIGTERM)
    patience = time.monotonic() + LEAVE_SECONDS
    while _tell_group(process.pid, 0) and time.monotonic() < patience:
        process.poll()  # a child that has ended is a member until it is waited for
        time.sleep(0.1)
    _tell_group(process.pid, signal.SIGKILL)
    process.wait()


def _tell_group(group: int, number: int) -> bool:
    """Send a signal to a group; say whether it has members."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True
