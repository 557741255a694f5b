"""What the seconds of an epoch went into, told apart."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch

from deltaloss.devices import synchronise

CLOCKS = ("train", "validation", "compile", "pause")


class Clocks:
    """Four clocks of which one runs at any time; turning waits for the device.

    `pause` runs wherever no other does: checkpoints, progress, waiting.

    Attributes:
        seconds: of each clock, without what the running one has not told yet; see `read`.
    """

    def __init__(self, device: torch.device, seconds: Mapping[str, float]) -> None:
        self.seconds = {name: seconds.get(name, 0.0) for name in CLOCKS}
        self._device = device
        self._running = "pause"
        self._since = time.perf_counter()

    @contextmanager
    def on(self, name: str) -> Iterator[None]:
        """Let this clock run for a section, then again the one that ran before."""
        before = self._running
        self._turn(name)
        try:
            yield
        finally:
            self._turn(before)

    def read(self) -> dict[str, float]:
        """Give the seconds of each clock up to now."""
        self._turn(self._running)
        return dict(self.seconds)

    def reset(self) -> None:
        """Let all clocks begin at zero, as an epoch does."""
        self._turn(self._running)
        self.seconds = dict.fromkeys(CLOCKS, 0.0)

    def _turn(self, name: str) -> None:
        synchronise(self._device)
        now = time.perf_counter()
        self.seconds[self._running] += now - self._since
        self._running, self._since = name, now
