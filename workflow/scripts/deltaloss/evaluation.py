"""Evaluation at every step from 1 up: one bit an example and step is kept, never the outputs.

The examples go through a batch of slots. A slot takes the next example when its own is finished:
at the last step, or when the state is no longer finite, or when it is bit for bit an earlier state
of the same example: from there on all repeats, and the bits are copied instead of computed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from types import TracebackType

import torch

from deltaloss.batches import Batch
from deltaloss.errors import MemoryShortageError
from deltaloss.findings import Findings
from deltaloss.inference import PreparedNetwork
from deltaloss.jobs import logger
from deltaloss.memory import is_shortage
from deltaloss.partial_results import Keeper, Partial, Unkept
from deltaloss.records import Evaluation
from deltaloss.slots import Carried, Slots
from deltaloss.tasks import Task

LOOK = 8  # steps between two looks of the host; the device need not wait in between
WRITTEN_BYTES = 2**29  # of states, in a partial result


def evaluate(
    network: PreparedNetwork,
    examples: Batch,
    *,
    task: Task,
    steps: int,
    batch_size: int,
    provenance: Mapping[str, object],
    progress: Callable[[int, int, str], None] = lambda done, total, text: None,
    keeper: Keeper | None = None,
) -> Evaluation:
    """Tell for each example and step whether the whole answer is right.

    An example whose state is no longer finite counts as wrong from that step on, even if a later
    readout happens to be right.

    Args:
        network: decides the device.
        examples: the test set, on the host.
        task: decodes the answers.
        steps: T, the last step evaluated.
        batch_size: examples at a time; on the CPU it changes memory and speed only. It is halved
            when memory is short.
        provenance: is kept with the result.
        progress: is told how many steps of examples are done, of how many, and a text.
        keeper: keeps what is found, to go on with after an interruption.

    Raises:
        MemoryShortageError: memory is too short for one example.
    """
    keeper = keeper or Unkept()
    work = Work(network, examples, task=task, steps=steps, batch_size=batch_size)
    stored = keeper.restore()
    if stored is not None:
        work.findings, work.carried = stored.findings, dict(stored.carried)
    with torch.inference_mode(), keeper.guard(work.partial):
        work.begin()
        started, before = time.monotonic(), work.steps_done()
        while not work.done:
            work.go_on(keeper)
            done = work.steps_done()
            rate = (done - before) / max(time.monotonic() - started, 1e-9)
            finished = f"{work.findings.finished.sum()} of {len(examples)} examples"
            progress(done, steps * len(examples), f"steps, {finished}, {rate:.0f} steps/s,")
            keeper.save_sometimes(work.partial)
    found = work.findings
    return Evaluation(
        correct=found.correct,
        nonfinite_step=found.nonfinite_step,
        periodic_step=found.periodic_step,
        period=found.period,
        provenance=provenance,
    )


class Work:
    """An evaluation on its way: what is found, what waits, and the slots.

    Attributes:
        findings: what is known.
        carried: where examples stand that had begun in an earlier job.
        slots: None before the beginning and when all is done.
    """

    def __init__(
        self, network: PreparedNetwork, examples: Batch, *, task: Task, steps: int, batch_size: int
    ) -> None:
        self._network, self._examples, self._task = network, examples, task
        self._steps, self._size = steps, batch_size
        self.findings = Findings.none_yet(steps, len(examples))
        self.carried: dict[int, Carried] = {}
        self.slots: Slots | None = None
        self._waiting: list[int] = []  # the next one last

    @property
    def done(self) -> bool:
        """Whether everything is known."""
        return bool(self.findings.finished.all())

    def begin(self) -> None:
        """Fill the slots with what is not finished, begun examples first.

        Raises:
            MemoryShortageError: memory is too short for one example.
        """
        unfinished = (~self.findings.finished).nonzero()[0].tolist()
        self._waiting = sorted(unfinished, key=lambda e: (e not in self.carried, e), reverse=True)
        while self._waiting and self.slots is None:
            with _Shortage() as shortage:
                first = self._waiting[-self._size :][::-1]
                self.slots = Slots(self._network, self._task, self._examples, first, self.carried)
                del self._waiting[-len(first) :]
            if shortage.seen:
                self._halve()

    def go_on(self, keeper: Keeper) -> None:
        """Do some steps in every slot, and again with half as many slots if memory is short.

        Raises:
            MemoryShortageError: memory is too short for one example.
        """
        with _Shortage() as shortage:
            self._step(keeper)
        if shortage.seen:
            with keeper.held():
                self._step_back()

    def _step(self, keeper: Keeper) -> None:
        slots = self.slots
        if slots is None:
            return
        busy = slots.busy
        count = min(LOOK, self._steps - int(slots.steps[busy].min()))
        state, flags = slots.run(count)
        with keeper.held():
            told = (slots.examples[busy], slots.steps[busy], slots.references[busy])
            finished = self.findings.add(*told, flags[:, :, busy])
            slots.accept(state, count)
            slots.retire(busy[finished])
            idle = len(slots.examples) - len(slots.busy)
            if newcomers := self._waiting[-idle:][::-1] if idle else []:
                slots.admit(newcomers)
                del self._waiting[-len(newcomers) :]
            slots.shrink()

    def _step_back(self) -> None:
        if self.slots is not None:
            self.carried.update(self.slots.standing())
        self.slots = None
        self._halve()
        self.begin()

    def _halve(self) -> None:
        if self._size == 1:
            raise MemoryShortageError(
                f"{self._task.name}: there is not enough memory for one example at a time; "
                "evaluate on a machine with more, smaller puzzles, or a narrower network"
            )
        self._size //= 2
        logger.info("memory is short: going on with %d examples at a time", self._size)
        torch.cuda.empty_cache()

    def steps_done(self) -> int:
        """Count the steps of examples that need not be computed any more."""
        running = 0 if self.slots is None else int(self.slots.steps[self.slots.busy].sum())
        return int(self.findings.finished.sum()) * self._steps + running

    def partial(self) -> Partial:
        """Give what is needed to go on later; states only if they are not too large to write."""
        small = self.slots is not None and self.slots.state_bytes() <= WRITTEN_BYTES
        standing = self.slots.standing() if self.slots is not None and small else {}
        return Partial(findings=self.findings, carried={**self.carried, **standing})


class _Shortage(AbstractContextManager["_Shortage"]):
    """Takes note of errors that mean that memory is short, and lets go of all that they hold."""

    seen = False

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        self.seen = isinstance(error, (RuntimeError, MemoryError)) and is_shortage(error)
        return self.seen
