"""Which of the devices that a process sees is its own: a file lock for each job on a device.

Nobody else chooses: Snakemake's ``gpu`` resource only counts, and every process that asks for
"the GPU" gets the first. The locks lie in a folder of this machine and this user, and the system
takes them back when their process ends, in whatever way it does.
"""

from __future__ import annotations

import os
import re
import stat
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from filelock import FileLock, Timeout

CHOOSING_SECONDS = 10.0  # a choice takes milliseconds; one that hangs must not stop all others


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A device that a process has taken; given back when this is forgotten or the process ends."""

    index: int  # of the device, among those that the process sees
    others: int  # jobs of this user that were on the device already
    lock: FileLock


def lock_folder() -> Path:
    """Give this user's folder for locks on this machine, made if it is not there.

    Raises:
        OSError: it cannot be made, or it is somebody else's.
    """
    folder = Path(tempfile.gettempdir()) / f"deltaloss-devices-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    # A folder for all may hold one that another user has put there under our name.
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise PermissionError(f"{folder} is not a folder of this user")
    return folder


def claim_device(identifiers: Sequence[str], folder: Path) -> Claim:
    """Take the device with the fewest jobs on it, the first of several.

    Devices are shared evenly when there are more jobs than devices; nobody waits.

    Args:
        identifiers: one for each device, the same in every process on this machine.
        folder: where the locks are; see `lock_folder`.

    Raises:
        OSError: locks cannot be made in the folder.
    """
    choosing = FileLock(folder / "choosing.lock", fallback_to_soft=False)
    try:
        choosing.acquire(timeout=CHOOSING_SECONDS)
    except Timeout:
        return _take_fewest(identifiers, folder)
    try:
        return _take_fewest(identifiers, folder)
    finally:
        choosing.release()


def _take_fewest(identifiers: Sequence[str], folder: Path) -> Claim:
    """Count and take; one process at a time, lest two count the same and take the same."""
    names = [re.sub(r"[^A-Za-z0-9.-]", "_", identifier) for identifier in identifiers]
    jobs = [_jobs_on(name, folder) for name in names]
    index = jobs.index(min(jobs))
    locks = (_locked(folder / f"{names[index]}.job{place}.lock") for place in count())
    lock = next(lock for lock in locks if lock is not None)
    return Claim(index=index, others=jobs[index], lock=lock)


def _jobs_on(name: str, folder: Path) -> int:
    """Count the locks that are held; the file of one that is not held means nothing."""
    held = 0
    for path in folder.glob(f"{name}.job*.lock"):
        lock = _locked(path)
        if lock is None:
            held += 1
        else:
            lock.release()
    return held


def _locked(path: Path) -> FileLock | None:
    """Lock a file, or give None when another process has it."""
    # Without flock a lock would outlive a killed process: better an error than such a lock.
    lock = FileLock(path, fallback_to_soft=False)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return None
    return lock
