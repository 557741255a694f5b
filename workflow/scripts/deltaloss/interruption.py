"""A job that is told to stop saves what it has: SIGTERM and SIGINT as an exception that can wait.

Python runs a signal's handler between two of its instructions, and so behind a long operation of a
library, such as the backward pass of a large batch on a CPU. A second thread waits for that case:
it saves in place of the first and ends the process.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGINT)
PATIENCE_SECONDS = 1.0  # for the main thread to answer a signal


class Interrupted(SystemExit):
    """The job was told to stop; its exit status is 128 and the signal's number."""


class Interruption:
    """Turns the first signal into `Interrupted`, but not where something is being changed."""

    def __init__(self) -> None:
        self._held = 0
        self._received = 0  # the first signal's number
        self._answered = threading.Event()
        self._taken = False  # by the second thread, which is saving

    @property
    def received(self) -> bool:
        """Whether a signal has come."""
        return bool(self._received)

    @contextmanager
    def guard(self, save: Callable[[], None]) -> Iterator[None]:
        """Save and leave with `Interrupted` when a signal comes in this section.

        Only the main thread can enter it. `save` may run in another one, while this one is in a
        long operation outside of all held sections.
        """
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        handlers = {number: signal.signal(number, self._receive) for number in SIGNALS}
        woken = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        threading.Thread(target=self._wait, args=(reading, save), daemon=True).start()
        try:
            yield
        except Interrupted:
            save()
            raise
        finally:
            signal.set_wakeup_fd(woken)
            for number, handler in handlers.items():
                signal.signal(number, handler)
            os.close(writing)  # which ends the thread

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
        if self._received and not self._held:
            raise Interrupted(128 + self._received)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        """Raise once: who is on the way out, and saves what there is, is not to be disturbed."""
        while self._taken:
            time.sleep(PATIENCE_SECONDS)  # until the other thread ends the process
        first = not self._received
        self._received = self._received or number
        self._answered.set()
        if first and not self._held:
            raise Interrupted(128 + number)

    def _wait(self, reading: int, save: Callable[[], None]) -> None:
        """Save in place of the main thread if it does not answer."""
        with os.fdopen(reading, "rb", buffering=0) as pipe:
            while (woken := pipe.read(1)) and woken[0] not in SIGNALS:
                pass
        if not woken:
            return
        while not self._answered.wait(PATIENCE_SECONDS):
            if not self._held:
                self._taken, self._received = True, woken[0]
                try:
                    save()
                finally:
                    os._exit(128 + self._received)


def ignore_signals() -> None:
    """Let the job end by itself: it is done, and nothing is gained by stopping it now."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
