"""Clocks and memory."""

from __future__ import annotations

import ctypes
import gc
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import torch

from benchmarks.jobs import Work, multiplying
from deltaloss.runtime.devices import synchronise

MATRIX_SIZE = 8192
MATRIX_REPEATS = 10


def in_turn(
    works: Mapping[str, Work], *, repeats: int, device: torch.device
) -> dict[str, list[float]]:
    """Time works in turn, A B A B, after one call of each to warm up.

    In turn, so that what changes a machine's speed for a while changes that of all.

    Returns:
        Seconds of each repeat; an empty list for a work for which the memory did not suffice.
    """
    seconds: dict[str, list[float]] = {name: [] for name in works}
    fitting = {name: work for name, work in works.items() if _fits(work)}
    for _ in range(repeats):
        for name, work in fitting.items():
            synchronise(device)
            started = time.perf_counter()
            work()
            synchronise(device)
            seconds[name].append(time.perf_counter() - started)
    return seconds


def _fits(work: Work) -> bool:
    try:
        work()
    except torch.OutOfMemoryError:
        torch.cuda.empty_cache()
        return False
    return True


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Bytes.

    Attributes:
        held: between two calls: weights, gradients, the optimizer's state, the data on a GPU.
        peak: the most during a call, `held` included.
    """

    held: int
    peak: int

    @property
    def working(self) -> int:
        """What a call needs besides: activations, outputs, buffers."""
        return max(self.peak - self.held, 0)


def gpu_memory(make: Callable[[], Work]) -> Memory | None:
    """Measure two calls of a work with PyTorch's allocator; None if the memory is short.

    The first call counts as well: a recorded graph takes its memory once, when it is recorded.
    """
    gc.collect()
    torch.cuda.empty_cache()
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    work = make()
    if not _fits(work):
        return None
    held = torch.cuda.memory_allocated() - before
    work()
    return Memory(held=held, peak=torch.cuda.max_memory_allocated() - before)


def cpu_memory(make: Callable[[], Work]) -> Memory:
    """Measure the second call of a work by the resident pages of this process (Linux).

    Call it in a process of its own: elsewhere, what others have left to the allocator is used
    again and does not count.
    """
    before = _status("VmRSS")
    work = make()
    work()
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)  # what the allocator only keeps for later is not held
    held = _status("VmRSS") - before
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forget the peak till now
    work()
    return Memory(held=held, peak=_status("VmHWM") - before)


def _status(key: str) -> int:
    """Give an entry of this process's memory in bytes."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    (kibibytes,) = (line.split()[1] for line in lines if line.startswith(f"{key}:"))
    return int(kibibytes) * 1024


def matrix_rates(device: torch.device) -> dict[str, float]:
    """Measure a GPU's large matrix product in each precision: operations a second, the median."""
    if device.type == "cpu":
        return {}  # a CPU's rate depends on what else runs; convolutions may need fewer operations
    return {one: matrix_rate(device, one, size=MATRIX_SIZE) for one in ("fp32", "tf32", "bf16")}


def matrix_rate(device: torch.device, precision: str, *, size: int) -> float:
    """Measure the product of two square matrices of that size."""
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    left, right = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    with multiplying(precision, tuned=False):
        seconds = in_turn({"product": lambda: left @ right}, repeats=MATRIX_REPEATS, device=device)
    return float(2 * size**3 / median(seconds["product"]))
