"""SIGTERM and SIGINT as an exception that waits while something is being changed."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Interrupted(SystemExit):
    """The job was told to stop; its exit status is 128 and the signal's number."""


class Interruption:
    """While it is entered, the first signal raises `Interrupted`, wherever the job is.

    Only the main thread can enter it. Python runs handlers between two of its instructions, so a
    signal waits for a long operation of the device's library to end.
    """

    def __init__(self) -> None:
        self._held = 0
        self._received: int | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Interruption:
        for number in SIGNALS:
            self._before[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @property
    def received(self) -> bool:
        """Whether a signal has come."""
        return self._received is not None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold a signal back until the end of the section, which then raises.

        Once a signal has come, every such section ends so: an exception that was raised in a
        place that swallows it, such as a destructor, is raised again.
        """
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
        if self._received is not None and not self._held:
            raise Interrupted(128 + self._received)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        """Raise once: who is on the way out, and saves what there is, is not to be disturbed."""
        first = self._received is None
        self._received = number
        if first and not self._held:
            raise Interrupted(128 + number)


def ignore_signals() -> None:
    """Let the job end by itself: it is done, and nothing is gained by stopping it now."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
