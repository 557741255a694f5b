"""A loss as a CUDA graph: a batch is one launch instead of a thousand.

Small networks keep a GPU waiting for the host, which launches each kernel by itself. A graph is
recorded once for each thing that the loss draws (there are T (T + 1) / 2 pairs of n and k, and none
for the Delta Loss), on fixed memory, and then only played again.

Shape letters: N examples, C channels, *S pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from deltaloss.jobs import logger
from deltaloss.losses.base import Criterion, Loss, Outcome
from deltaloss.network import RecallNetwork

WARM_UPS = 2  # batches before recording one, in which cuDNN chooses algorithms for its shapes
TOLERANCE = 0.05  # of the gradients' norm, between a recorded batch and the same one launched


class Recorder(Protocol):
    """Records work on fixed memory."""

    def warm_up(self, work: Callable[[], None]) -> None:
        """Do the work some times as it is done while recording."""
        ...

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        """Record the work; give what does it again."""
        ...


class CudaRecorder:
    """Records CUDA graphs, which share their memory: never two are played at the same time."""

    def __init__(self) -> None:
        self._pool = torch.cuda.graph_pool_handle()
        self._stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]

    def warm_up(self, work: Callable[[], None]) -> None:
        """Do the work on the stream that will record it."""
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            for _ in range(WARM_UPS):
                work()
        torch.cuda.current_stream().wait_stream(self._stream)

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        """Record the work as a graph."""
        graph, current = torch.cuda.CUDAGraph(), torch.cuda.current_stream()
        try:
            with torch.cuda.graph(graph, pool=self._pool, stream=self._stream):
                work()
        finally:
            torch.cuda.set_stream(current)  # a recording that fails may leave the other one
        replay: Callable[[], None] = graph.replay
        return replay


@dataclass(kw_only=True)
class _Memory:
    """Where every recorded batch finds its puzzles and leaves what it finds."""

    x: Tensor
    criterion: Criterion
    gradients: list[Tensor]
    outcome: Outcome

    def take_in(self, x: Tensor, criterion: Criterion) -> None:
        self.x.copy_(x)
        self.criterion.targets.copy_(criterion.targets)
        if self.criterion.counted is not None and criterion.counted is not None:
            self.criterion.counted.copy_(criterion.counted)

    def keep(self, outcome: Outcome, parameters: Sequence[Tensor]) -> None:
        for name, mine in vars(self.outcome).items():
            mine.copy_(getattr(outcome, name))
        for mine, parameter in zip(self.gradients, parameters, strict=True):
            if parameter.grad is not None:
                mine.copy_(parameter.grad)


@dataclass(frozen=True, kw_only=True)
class _Recorded:
    """A batch that can be played again."""

    play: Callable[[], None]
    reached: list[bool]  # the parameters that have a gradient; an optimizer leaves others alone


@dataclass(kw_only=True)
class CapturedLoss:
    """A loss that is recorded where it can be, and launched as it is where it cannot.

    Before it is trusted, a recorded batch must give the gradients of the same batch launched.

    Attributes:
        loss: the loss itself.
        recorder: of the device.
    """

    loss: Loss
    recorder: Recorder
    _memory: _Memory | None = None
    _recorded: dict[tuple[int, ...], _Recorded] = field(default_factory=dict)
    _given_up: bool = False

    def draw(self, generator: torch.Generator) -> tuple[int, ...]:
        """Draw as the loss does."""
        return self.loss.draw(generator)

    def prepare(self, network: RecallNetwork, x: Tensor, criterion: Criterion) -> None:
        """Record a first batch and hold it against the same batch launched."""
        drawn = self.loss.draw(torch.Generator().manual_seed(0))
        network.zero_grad(set_to_none=True)
        launched = self.loss(network, x, criterion, *drawn)
        wanted = [_copied(p.grad) for p in network.parameters()]
        counted = criterion.counted
        memory = _Memory(
            x=x.clone(),
            criterion=Criterion(
                targets=criterion.targets.clone(),
                counted=None if counted is None else counted.clone(),
            ),
            gradients=[torch.zeros_like(p) for p in network.parameters()],
            outcome=Outcome(**{name: value.clone() for name, value in vars(launched).items()}),
        )
        if self._record(network, memory, drawn):
            for gradient in memory.gradients:
                gradient.fill_(torch.nan)  # which a graph that does nothing would leave
            self._recorded[drawn].play()
            self._compare(memory.gradients, wanted)
            self._memory = memory
        network.zero_grad(set_to_none=True)

    def __call__(
        self, network: RecallNetwork, x: Tensor, criterion: Criterion, *drawn: int
    ) -> Outcome:
        """Add the gradient on puzzles x [N, C, *S] to the parameters' `grad`."""
        memory = self._memory
        if self._given_up or memory is None or memory.x.shape != x.shape:
            return self.loss(network, x, criterion, *drawn)
        memory.take_in(x, criterion)
        before = [p.grad for p in network.parameters()]
        if drawn in self._recorded or self._record(network, memory, drawn):
            recorded = self._recorded[drawn]
            recorded.play()
            found = [
                gradient if reached else None
                for gradient, reached in zip(memory.gradients, recorded.reached, strict=True)
            ]
            _put(network, before, found)
            return memory.outcome
        _put(network, before, [None] * len(before))
        return self.loss(network, x, criterion, *drawn)

    def _record(self, network: RecallNetwork, memory: _Memory, drawn: tuple[int, ...]) -> bool:
        """Record a batch; tell whether that went well. Gradients that are there are lost."""
        parameters, reached = list(network.parameters()), list[bool]()

        def work() -> None:
            network.zero_grad(set_to_none=True)
            memory.keep(self.loss(network, memory.x, memory.criterion, *drawn), parameters)
            reached[:] = [p.grad is not None for p in parameters]
            network.zero_grad(set_to_none=True)

        try:
            self.recorder.warm_up(work)
            play = self.recorder.record(work)
        except RuntimeError as error:
            self._give_up(" ".join(str(error).split()))
            return False
        self._recorded[drawn] = _Recorded(play=play, reached=reached)
        return True

    def _compare(self, found: Sequence[Tensor], wanted: Sequence[Tensor | None]) -> None:
        """Give up if recorded gradients are not those of the same batch launched."""
        pairs = [(a, b) for a, b in zip(found, wanted, strict=True) if b is not None]
        apart = torch.stack([(a - b).norm() for a, b in pairs]).norm()
        error = float(apart / torch.stack([b.norm() for _, b in pairs]).norm())
        if not error <= TOLERANCE:
            self._give_up(f"a recorded batch differs from a launched one by {error:.1e}")

    def _give_up(self, reason: str) -> None:
        logger.warning("batches are launched kernel by kernel, which is slower: %s", reason)
        self._given_up = True
        self._recorded.clear()


def captured(loss: Loss, device: torch.device) -> Loss:
    """Give the loss as it is fastest on the device."""
    return CapturedLoss(loss=loss, recorder=CudaRecorder()) if device.type == "cuda" else loss


def _put(
    network: RecallNetwork, before: Sequence[Tensor | None], found: Sequence[Tensor | None]
) -> None:
    """Give each parameter the gradient that it had and what was found for it, added up."""
    for parameter, old, new in zip(network.parameters(), before, found, strict=True):
        added = old if new is None else new.clone() if old is None else old + new
        parameter.grad = added


def _copied(gradient: Tensor | None) -> Tensor | None:
    return None if gradient is None else gradient.clone()
