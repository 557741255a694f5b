"""The newest checkpoints of one training, in a folder that one job at a time holds.

A file has three parts: a line with the SHA-256 of all that follows, a line of JSON, and tensors as
safetensors. Nothing in it is code.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from safetensors.torch import load, save
from torch import Tensor

from deltaloss.errors import TrainingError
from deltaloss.files import atomic_path, remove_stale
from deltaloss.jobs import logger

KEPT = 2
SUFFIX = ".ckpt"


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """What a file holds: tensors by name, and facts as JSON values."""

    tensors: dict[str, Tensor]
    facts: dict[str, Any]


class DamagedError(Exception):
    """A checkpoint whose content is not what was written."""


class CheckpointFolder:
    """The folder, held by this job; see `hold_folder`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def newest(self) -> Checkpoint | None:
        """Read the newest checkpoint; one that is damaged is removed, with a warning.

        Raises:
            OSError: a checkpoint is there and cannot be read; it is left as it is.
        """
        paths = self._paths()
        for path in paths:
            try:
                return read_checkpoint(path)
            except DamagedError as error:
                last = path == paths[-1]
                then = "from the beginning" if last else "from the one before"
                logger.warning("warning: %s: %s; it is removed, going on %s", path, error, then)
                path.unlink()
        return None

    def write(self, checkpoint: Checkpoint, *, epoch: int, batch: int) -> None:
        """Write a checkpoint of `batch` batches in `epoch`, and keep the one before.

        Raises:
            OSError: it could not be written; those that were there stay.
        """
        write_checkpoint(self.path / f"epoch-{epoch:06d}-batch-{batch:08d}{SUFFIX}", checkpoint)
        for path in self._paths()[KEPT:]:
            path.unlink()

    def remove(self) -> None:
        """Remove the folder, the newest checkpoint last."""
        for path in reversed(self._paths()):
            path.unlink()
        shutil.rmtree(self.path)

    def _paths(self) -> list[Path]:
        """List the checkpoints, the newest first."""
        return sorted(self.path.glob(f"epoch-*{SUFFIX}"), reverse=True)


@contextmanager
def hold_folder(path: Path) -> Iterator[CheckpointFolder]:
    """Hold a folder for the time of a job, and remove what killed writers left in it.

    The system lets go of it when the process ends, however it ends.

    Raises:
        TrainingError: another job holds it.
    """
    path.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise TrainingError(
            f"{path}: another job is at work there; wait until it has ended, or stop it"
        ) from error
    try:
        remove_stale(path)
        yield CheckpointFolder(path)
    finally:
        lock.release()


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a file that is whole or not there."""
    facts = json.dumps(checkpoint.facts).encode()
    body = b"\n".join([facts, save(checkpoint.tensors)])
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        file.write(hashlib.sha256(body).hexdigest().encode() + b"\n")
        file.write(body)


def read_checkpoint(path: Path) -> Checkpoint:
    """Read what `write_checkpoint` wrote.

    Raises:
        DamagedError: it is cut off or changed.
    """
    said, _, body = path.read_bytes().partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != said:
        raise DamagedError("this checkpoint is damaged (its SHA-256 is another)")
    facts, _, tensors = body.partition(b"\n")
    return Checkpoint(tensors=load(tensors), facts=json.loads(facts))
