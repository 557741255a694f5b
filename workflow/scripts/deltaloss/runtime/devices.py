"""Devices: each job takes a free GPU by a file lock, and results say what computed them.

Nothing else assigns GPUs: Snakemake's ``gpu`` resource only counts, and PyTorch gives every process
the first. The operating system releases the locks of a process that ends, in whatever way it ends.
"""

from __future__ import annotations

import os
import platform
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock

from deltaloss.core.errors import ConfigError
from deltaloss.core.log import logger
from deltaloss.core.machine import processor
from deltaloss.core.source import source_version

DRIVER = Path("/proc/driver/nvidia/version")
CHOOSING_SECONDS = 10.0  # choosing takes milliseconds; a job that hangs there must not stop others


def choose_device(wanted: str) -> torch.device:
    """Choose the device for "auto" (a GPU if there is one), "cpu" or "cuda".

    The process keeps its GPU until it ends. Only GPUs that PyTorch sees are considered, so that a
    cluster's own choice (CUDA_VISIBLE_DEVICES) holds.

    Raises:
        ConfigError: "cuda" without a GPU.
    """
    available = torch.cuda.is_available()
    if wanted == "cuda" and not available:
        raise ConfigError("device: 'cuda', but PyTorch finds no GPU here; write auto or cpu")
    if wanted == "cpu" or not available:
        return torch.device("cpu")
    claim = _claim_gpu()
    device = torch.device("cuda", claim.index if claim else 0)
    torch.cuda.set_device(device)
    return device


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A GPU that this process has locked, for as long as this object exists."""

    index: int  # of the GPU, as this process sees them
    others: int  # jobs of this user that were on it already
    lock: FileLock


def claim_device(identifiers: Sequence[str], folder: Path) -> Claim:
    """Lock the device with the fewest jobs, the first of several.

    With more jobs than devices they are shared evenly; no job waits for another.

    Args:
        identifiers: of each device, the same in every process on this machine.
        folder: of the locks.

    Raises:
        OSError: the folder cannot hold locks.
    """
    names = [re.sub(r"[^A-Za-z0-9.-]", "_", identifier) for identifier in identifiers]
    # One process chooses at a time: two could count the same jobs and take the same device.
    with FileLock(folder / "choosing.lock", timeout=CHOOSING_SECONDS):
        jobs = [_count_jobs(name, folder) for name in names]
        index = jobs.index(min(jobs))
        locks = (_try_lock(folder / f"{names[index]}.job{place}.lock") for place in count())
        lock = next(lock for lock in locks if lock is not None)
    return Claim(index=index, others=jobs[index], lock=lock)


def synchronise(device: torch.device) -> None:
    """Wait until the device has finished its work, before reading a clock."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def describe_machine(device: torch.device, precision: str = "fp32") -> dict[str, object]:
    """Device, precision, processor, threads, versions and commit, as provenance of a result.

    Args:
        device: computed the result.
        precision: given to `set_precision`; the description has the precision really used.
    """
    gpu = device.type == "cuda"
    if not gpu or (precision == "tf32" and not torch.cuda.is_tf32_supported()):
        precision = "fp32"  # the only one of the CPU and of older GPUs
    name = torch.cuda.get_device_name(device) if gpu else platform.machine()
    return {
        "device": f"{device.type} ({name})",
        "precision": precision,
        "processor": processor(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "workflow": source_version(),
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        **(_gpu_versions() if gpu else {}),
    }


@cache  # one claim per process, held by this cache
def _claim_gpu() -> Claim | None:
    """Lock a GPU; None, with a warning, where locks cannot be made."""
    identifiers = _identifiers()
    try:
        folder = Path(tempfile.gettempdir()) / f"deltaloss-devices-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        claim = claim_device(identifiers, folder)
    except OSError as error:  # filelock's Timeout is one
        logger.warning(
            "warning: GPU 0 of %d, which other jobs may take too: devices cannot be locked (%s); "
            "set TMPDIR to a folder on this machine that can be written",
            len(identifiers),
            error,
        )
        return None
    if claim.others:
        logger.info(
            "GPU %d is shared with %d other job(s): there are more jobs than GPUs",
            claim.index,
            claim.others,
        )
    return claim


def _identifiers() -> list[str]:
    """Name each GPU that PyTorch sees, the same in all processes."""
    properties = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
    names = [str(one.uuid) for one in properties]
    # Parts of one GPU may share its identifier; their place tells them apart.
    return [f"{n}-{i}" if names.count(n) > 1 else n for i, n in enumerate(names)]


def _count_jobs(name: str, folder: Path) -> int:
    """Count the held locks of a device; files of free locks stay behind and mean nothing."""
    held = 0
    for path in folder.glob(f"{name}.job*.lock"):
        lock = _try_lock(path)
        if lock is None:
            held += 1
        else:
            lock.release()
    return held


def _try_lock(path: Path) -> FileLock | None:
    """Lock a file; None if another process holds it."""
    # Without flock, filelock would fall back to a lock that outlives a killed process.
    lock = FileLock(path, fallback_to_soft=False)
    try:
        lock.acquire(blocking=False)
    except TimeoutError:
        return None
    return lock


def _gpu_versions() -> dict[str, object]:
    """Versions of what lies between PyTorch and the GPU; None where unknown."""
    text = DRIVER.read_text(encoding="utf-8") if DRIVER.is_file() else ""
    driver = re.search(r"Kernel Module.*?\s(\d+(?:\.\d+)+)\s", text)
    return {
        "driver": driver[1] if driver else None,
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),  # type: ignore[no-untyped-call]
    }
