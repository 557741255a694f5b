"""How an evaluation is kept and gone on with: by nobody, or as one file in a folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from torch import Tensor

from deltaloss.checkpoint_folder import (
    Checkpoint,
    DamagedError,
    read_checkpoint,
    write_checkpoint,
)
from deltaloss.findings import Findings
from deltaloss.fingerprint import digest
from deltaloss.interruption import Interruption
from deltaloss.jobs import logger
from deltaloss.slots import Carried

SAVE_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Partial:
    """What is found, and where the examples stand that have begun."""

    findings: Findings
    carried: Mapping[int, Carried]


class Keeper(Protocol):
    """What an evaluation asks of whoever keeps it."""

    def restore(self) -> Partial | None:
        """Give what was kept; None: begin."""
        ...

    def save_sometimes(self, partial: Callable[[], Partial]) -> None:
        """Keep what there is, if the last time is long ago."""
        ...

    def guard(self, partial: Callable[[], Partial]) -> AbstractContextManager[None]:
        """Give the section of the evaluation, which is kept when it is told to stop."""
        ...

    def held(self) -> AbstractContextManager[None]:
        """Give a section that nothing interrupts: findings and slots change together in it."""
        ...


class Unkept:
    """Keeps nothing."""

    def restore(self) -> None:
        """Begin."""

    def save_sometimes(self, partial: Callable[[], Partial]) -> None:
        """Do nothing."""

    def guard(self, partial: Callable[[], Partial]) -> AbstractContextManager[None]:
        """Guard nothing."""
        return nullcontext()

    def held(self) -> AbstractContextManager[None]:
        """Hold nothing back."""
        return nullcontext()


class PartialResult:
    """Keeps an evaluation in a file of a folder that this job holds.

    Args:
        folder: see `checkpoint_folder.hold_folder`.
        identity: settings, and digests of code, weights and data; a file of another one is not
            used.
    """

    def __init__(self, folder: Path, *, identity: Mapping[str, object]) -> None:
        self._path = folder / "partial.ckpt"
        self._identity = digest(identity)
        self._interruption = Interruption()
        self._saved = time.monotonic()

    def restore(self) -> Partial | None:
        """Read the file; one that is damaged, or of another evaluation, is of no use."""
        if not self._path.exists():
            return None
        try:
            found = read_checkpoint(self._path)
        except DamagedError as error:
            logger.warning("warning: %s: %s; beginning anew", self._path, error)
            return None
        if found.facts["identity"] != self._identity:
            logger.info("beginning anew: %s is of other settings, code or data", self._path)
            return None
        partial = _unpack(found)
        finished = partial.findings.finished
        logger.info(
            "going on: %d of %d examples are done, %d have begun",
            finished.sum(),
            len(finished),
            len(partial.carried),
        )
        return partial

    def save_sometimes(self, partial: Callable[[], Partial]) -> None:
        """Write the file once a minute."""
        if time.monotonic() - self._saved >= SAVE_SECONDS:
            self._save(partial)

    def guard(self, partial: Callable[[], Partial]) -> AbstractContextManager[None]:
        """Write the file when a signal comes, and leave."""
        return self._interruption.guard(lambda: self._save(partial))

    def held(self) -> AbstractContextManager[None]:
        """Hold signals back."""
        return self._interruption.held()

    def _save(self, partial: Callable[[], Partial]) -> None:
        with self._interruption.held():
            try:
                write_checkpoint(self._path, _pack(partial(), self._identity))
            except OSError as error:
                logger.warning("warning: no partial result could be written (%s)", error)
            self._saved = time.monotonic()


def _pack(partial: Partial, identity: str) -> Checkpoint:
    tensors: dict[str, Tensor] = dict(partial.findings.tensors())
    stands = {}
    for example, carried in partial.carried.items():
        stands[example] = [carried.step, carried.reference_step]
        tensors[f"state.{example}"] = carried.state.contiguous()
        tensors[f"reference.{example}"] = carried.reference.contiguous()
    return Checkpoint(tensors=tensors, facts={"identity": identity, "stands": stands})


def _unpack(checkpoint: Checkpoint) -> Partial:
    tensors, stands = checkpoint.tensors, checkpoint.facts["stands"]
    return Partial(
        findings=Findings.from_tensors(tensors),
        carried={
            int(example): Carried(
                step=step,
                reference_step=reference_step,
                state=tensors[f"state.{example}"],
                reference=tensors[f"reference.{example}"],
            )
            for example, (step, reference_step) in stands.items()
        },
    )
