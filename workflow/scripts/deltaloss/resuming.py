"""How a training is kept and gone on with: by nobody, or in a folder of checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

import torch
from torch import nn

from deltaloss.checkpoint_folder import Checkpoint, CheckpointFolder
from deltaloss.errors import TrainingError
from deltaloss.fingerprint import canonical
from deltaloss.interruption import Interruption
from deltaloss.jobs import logger
from deltaloss.training_state import TrainingState, pack, unpack

SHOWN = 3  # differences named in one line
LAST_BITS = ("device", "torch", "threads")  # may change how sums are rounded


class Keeper(Protocol):
    """What a training asks of whoever keeps it."""

    def restore(self, network: nn.Module, optimizer: torch.optim.Optimizer) -> TrainingState | None:
        """Put the last state into network and optimizer and give the rest; None: begin."""
        ...

    def save(
        self, network: nn.Module, optimizer: torch.optim.Optimizer, state: TrainingState
    ) -> None:
        """Keep the present state."""
        ...

    def guard(self, save: Callable[[], None]) -> AbstractContextManager[None]:
        """Give the section of the training, which calls `save` when it is told to stop."""
        ...

    def held(self) -> AbstractContextManager[None]:
        """Give a section that nothing interrupts: weights and state change together in it."""
        ...


class Unkept:
    """Keeps nothing: a training that is not gone on with."""

    def restore(self, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Begin."""

    def save(
        self, network: nn.Module, optimizer: torch.optim.Optimizer, state: TrainingState
    ) -> None:
        """Do nothing."""

    def guard(self, save: Callable[[], None]) -> AbstractContextManager[None]:
        """Guard nothing."""
        return nullcontext()

    def held(self) -> AbstractContextManager[None]:
        """Hold nothing back."""
        return nullcontext()


class Checkpoints:
    """Keeps a training in a folder.

    Args:
        folder: held by this job.
        identity: settings, and digests of code and data; with another one nothing is restored.
        machine: device, threads and versions; with another one the last bits may differ.
    """

    def __init__(
        self,
        folder: CheckpointFolder,
        *,
        identity: Mapping[str, object],
        machine: Mapping[str, object],
    ) -> None:
        self._folder = folder
        self._interruption = Interruption()
        self._identity = canonical(identity)
        self._machine = dict(machine)

    def restore(self, network: nn.Module, optimizer: torch.optim.Optimizer) -> TrainingState | None:
        """Go on from the newest checkpoint that is whole, if there is one.

        Raises:
            TrainingError: it is of other settings, code or data; says what differs.
        """
        found = self._folder.newest()
        if found is None:
            return None
        facts = found.facts
        self._check_identity(facts["identity"])
        self._compare_machine(facts["machine"])
        logger.info("going on from epoch %d, batch %d", facts["epoch"] + 1, facts["batch"])
        return unpack(found.tensors, facts, network, optimizer)

    def save(
        self, network: nn.Module, optimizer: torch.optim.Optimizer, state: TrainingState
    ) -> None:
        """Write a checkpoint; where that fails the one before stays, with a warning."""
        with self._interruption.held():
            epoch, batch = state.epoch, len(state.tally)
            tensors, facts = pack(network, optimizer, state)
            facts |= {"identity": self._identity, "machine": self._machine}
            checkpoint = Checkpoint(tensors=tensors, facts=facts)
            try:
                self._folder.write(checkpoint, epoch=epoch, batch=batch)
            except OSError as error:
                logger.warning(
                    "warning: no checkpoint could be written (%s); the one before stays, and the "
                    "training goes on",
                    error,
                )
            else:
                if self._interruption.received:
                    logger.info("told to stop: kept at epoch %d, batch %d", epoch + 1, batch)

    def guard(self, save: Callable[[], None]) -> AbstractContextManager[None]:
        """Save when a signal comes, and leave."""
        return self._interruption.guard(save)

    def held(self) -> AbstractContextManager[None]:
        """Hold signals back."""
        return self._interruption.held()

    def _check_identity(self, stored: Mapping[str, object]) -> None:
        before, now = _flat(stored), _flat(self._identity)
        different = [
            f"{key} was {before.get(key, 'not there')}, is now {now.get(key, 'not there')}"
            for key in sorted({*before, *now})
            if before.get(key) != now.get(key)
        ]
        if different:
            more = len(different) - SHOWN
            named = "; ".join(different[:SHOWN]) + (f"; and {more} more" if more > 0 else "")
            raise TrainingError(
                f"{self._folder.path}: the checkpoint there is of another training: {named}. Put "
                "that back to go on with it, or delete this folder to train from the beginning"
            )

    def _compare_machine(self, stored: Mapping[str, object]) -> None:
        different = [
            f"{key} {stored.get(key)} (now {self._machine.get(key)})"
            for key in LAST_BITS
            if stored.get(key) != self._machine.get(key)
        ]
        if different:
            logger.warning(
                "warning: the checkpoint was made with %s: the result may differ in the last bits",
                ", ".join(different),
            )


def _flat(value: Any, key: str = "") -> dict[str, object]:
    """Name each setting by the way to it: ``training.epochs``."""
    if not isinstance(value, Mapping) or not value:
        return {key: value}
    start = f"{key}." if key else ""
    return {
        name: leaf
        for inner, below in value.items()
        for name, leaf in _flat(below, f"{start}{inner}").items()
    }
