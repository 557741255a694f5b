"""Checkpoints of a job that can be resumed: its newest states, in a folder that one job holds.

A file is a line with the SHA-256 of all that follows, then a dict in PyTorch's weights-only format,
which holds plain values and tensors (with their memory layout) and never code.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import torch
from filelock import FileLock

from deltaloss.core.errors import TrainingError
from deltaloss.core.files import atomic_path, remove_stale
from deltaloss.core.fingerprint import canonical
from deltaloss.core.log import logger
from deltaloss.runtime.parent import stop_with_parent

KEPT = 2
ATTEMPTS = 9  # to make the folder
ROOT = "checkpoints"  # this folder and those in it are removed when they are empty
SUFFIX = ".state"
EARLIER_FILES = "*.ckpt"  # written by the first version of this project
SHOWN = 3  # differences named in one line
ROUNDING = ("device", "torch", "threads")  # parts of a machine that may change how sums are rounded


class Checkpointer:
    """Saves and loads the states of one job; ``with`` holds the folder for it.

    Inside ``with``, the death of the parent process (Snakemake) is a SIGTERM; see `StopFlag`.

    Args:
        folder: made if it is not there.
        identity: settings and digests of code and data, as JSON values. A state that was saved
            under another identity is not loaded.
        machine: device, threads and versions; a difference only warns.
        on_mismatch: "refuse" a state of another identity, or delete it and "restart".

    Raises:
        TrainingError: on entering, if another job holds the folder.
    """

    def __init__(
        self,
        folder: Path,
        *,
        identity: Mapping[str, object],
        machine: Mapping[str, object] | None = None,
        on_mismatch: Literal["refuse", "restart"] = "refuse",
    ) -> None:
        self.folder = folder
        # As plain JSON values: torch.__version__, for one, is a class that could not be loaded.
        self._identity = json.loads(json.dumps(canonical(identity)))
        self._machine = json.loads(json.dumps(machine or {}))
        self._on_mismatch = on_mismatch
        self._held = ExitStack()

    def __enter__(self) -> Checkpointer:
        for left in reversed(range(ATTEMPTS)):
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                self._held.enter_context(FileLock(self.folder / "lock").acquire(blocking=False))
                break
            except FileNotFoundError:  # another job has just removed an empty folder above
                if not left:
                    raise
            except TimeoutError as error:
                raise TrainingError(
                    f"{self.folder}: another job is at work there; wait until it has ended, or "
                    "stop it"
                ) from error
        # A job that outlives its Snakemake would write its results behind the back of the next one.
        self._held.enter_context(stop_with_parent())
        remove_stale(self.folder)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._held.close()

    def load(self) -> dict[str, Any] | None:
        """Load the newest undamaged state onto the CPU; None if there is none.

        A damaged file is deleted, with a warning.

        Raises:
            TrainingError: the state has another identity (the text names the differences), or the
                folder holds files of an earlier version.
            OSError: a file cannot be read.
        """
        mismatch = self._earlier_version()
        stored = None if mismatch else self._newest()
        if stored is not None:
            mismatch = self._differences(stored["identity"])
        if mismatch:
            if self._on_mismatch == "refuse":
                raise TrainingError(
                    f"{self.folder}: {mismatch}, or delete this folder to start from the beginning"
                )
            logger.info("%s: deleted, starting from the beginning: %s", self.folder, mismatch)
            self._delete_files()
            return None
        if stored is None:
            return None
        self._compare_machine(stored["machine"])
        state: dict[str, Any] = stored["state"]
        return state

    def save(self, state: Mapping[str, Any], *, name: str) -> bool:
        """Write a state and keep the one before; a failed write warns and changes nothing.

        Args:
            state: plain values and tensors in dicts and lists.
            name: of the file; later states need names that sort behind earlier ones.

        Returns:
            Whether it was written.
        """
        stored = {"identity": self._identity, "machine": self._machine, "state": dict(state)}
        try:
            _write(self.folder / f"{name}{SUFFIX}", stored)
            for path in self._paths()[KEPT:]:
                path.unlink()
        except OSError as error:
            logger.warning("warning: %s: no checkpoint was written (%s)", self.folder, error)
            return False
        return True

    def remove(self) -> None:
        """Delete the folder, the newest state last, and the folders above that it leaves empty."""
        self._delete_files()
        shutil.rmtree(self.folder)
        with suppress(OSError):  # one that is not empty
            for folder in self.folder.parents:
                if ROOT not in folder.parts:
                    break
                folder.rmdir()

    def _paths(self) -> list[Path]:
        """Files of states, the newest first."""
        return sorted(self.folder.glob(f"[!.]*{SUFFIX}"), reverse=True)

    def _delete_files(self) -> None:
        for path in [*self.folder.glob(EARLIER_FILES), *reversed(self._paths())]:
            path.unlink()

    def _newest(self) -> dict[str, Any] | None:
        for path in self._paths():
            stored = _read(path)
            if stored is not None:
                return stored
            logger.warning("warning: %s: this checkpoint is damaged; it is deleted", path)
            path.unlink()
        return None

    def _earlier_version(self) -> str:
        for path in self.folder.glob(EARLIER_FILES):
            return (
                f"{path.name} was written by an earlier version of this project, and cannot be "
                "resumed by this one; finish the job with that version"
            )
        return ""

    def _differences(self, identity: object) -> str:
        before, now = _flat(identity), _flat(self._identity)
        different = [
            f"{key} was {before.get(key, 'not there')}, is now {now.get(key, 'not there')}"
            for key in sorted({*before, *now})
            if before.get(key) != now.get(key)
        ]
        if not different:
            return ""
        more = len(different) - SHOWN
        named = "; ".join(different[:SHOWN]) + (f"; and {more} more" if more > 0 else "")
        return (
            f"the checkpoint there has other settings, code or data: {named}. Change that back to "
            "resume it"
        )

    def _compare_machine(self, machine: Mapping[str, object]) -> None:
        different = [
            f"{key} {machine.get(key)} (now {self._machine.get(key)})"
            for key in ROUNDING
            if machine.get(key) != self._machine.get(key)
        ]
        if different:
            logger.warning(
                "warning: the checkpoint was made with %s: the result may differ in the last bits",
                ", ".join(different),
            )


def _write(path: Path, stored: Mapping[str, object]) -> None:
    buffer = io.BytesIO()
    torch.save(stored, buffer)
    body = buffer.getvalue()
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        file.write(hashlib.sha256(body).hexdigest().encode() + b"\n")
        file.write(body)


def _read(path: Path) -> dict[str, Any] | None:
    """Read a file; None if its content does not have its SHA-256."""
    digest, _, body = path.read_bytes().partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != digest:
        return None
    stored: dict[str, Any] = torch.load(io.BytesIO(body), map_location="cpu", weights_only=True)
    return stored if stored.keys() == {"identity", "machine", "state"} else None


def _flat(value: Any, key: str = "") -> dict[str, object]:
    """Nested settings by their dotted names, such as ``training.epochs``."""
    if not isinstance(value, Mapping) or not value:
        return {key: value}
    start = f"{key}." if key else ""
    return {
        name: leaf
        for inner, below in value.items()
        for name, leaf in _flat(below, f"{start}{inner}").items()
    }
