"""Stopping a job whose Snakemake was killed: it could write results behind a later run's back."""

from __future__ import annotations

import ctypes
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

PR_SET_PDEATHSIG = 1  # linux/prctl.h


@contextmanager
def stop_with_parent() -> Iterator[None]:
    """Context in which the death of the parent process is a SIGTERM to this one, on Linux."""
    _signal_at_parents_death(signal.SIGTERM)
    try:
        yield
    finally:
        _signal_at_parents_death(0)


def _signal_at_parents_death(number: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)
