"""A loss as a CUDA graph: a batch is one launch instead of a thousand.

Small networks keep a GPU waiting for the host, which launches each kernel by itself. A graph is
recorded once for each thing that the loss draws (there are T (T + 1) / 2 pairs of n and k, and none
for the Delta Loss), on fixed memory, and then only played again.

Shape letters: N examples, C channels, *S pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from deltaloss.jobs import logger
from deltaloss.losses.base import Criterion, Loss, Outcome
from deltaloss.network import RecallNetwork

WARM_UPS = 3  # batches before recording, in which cuDNN chooses its algorithms
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
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool, stream=self._stream):
            work()
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

    def keep(self, outcome: Outcome, gradients: list[Tensor]) -> None:
        for name, mine in vars(self.outcome).items():
            mine.copy_(getattr(outcome, name))
        for mine, gradient in zip(self.gradients, gradients, strict=True):
            mine.copy_(gradient)


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
    _recorded: dict[tuple[int, ...], Callable[[], None]] = field(default_factory=dict)
    _given_up: bool = False

    def draw(self, generator: torch.Generator) -> tuple[int, ...]:
        """Draw as the loss does."""
        return self.loss.draw(generator)

    def prepare(self, network: RecallNetwork, x: Tensor, criterion: Criterion) -> None:
        """Record a first batch and hold it against the same batch launched."""
        drawn = self.loss.draw(torch.Generator().manual_seed(0))
        try:
            self._prepare(network, x, criterion, drawn)
        except RuntimeError as error:
            self._give_up(" ".join(str(error).split()))

    def __call__(
        self, network: RecallNetwork, x: Tensor, criterion: Criterion, *drawn: int
    ) -> Outcome:
        """Add the gradient on puzzles x [N, C, *S] to the parameters' `grad`."""
        memory = self._memory
        if self._given_up or memory is None or memory.x.shape != x.shape:
            return self.loss(network, x, criterion, *drawn)
        memory.take_in(x, criterion)
        if drawn not in self._recorded:
            try:
                self._recorded[drawn] = self._record(network, memory, drawn)
            except RuntimeError as error:
                self._give_up(" ".join(str(error).split()))
                return self.loss(network, x, criterion, *drawn)
        self._recorded[drawn]()
        for parameter, gradient in zip(network.parameters(), memory.gradients, strict=True):
            parameter.grad = gradient if parameter.grad is None else parameter.grad + gradient
        return memory.outcome

    def _prepare(
        self, network: RecallNetwork, x: Tensor, criterion: Criterion, drawn: tuple[int, ...]
    ) -> None:
        held: list[Outcome] = []

        def launch() -> None:
            network.zero_grad(set_to_none=True)
            held[:] = [self.loss(network, x, criterion, *drawn)]

        self.recorder.warm_up(launch)
        wanted = [gradient.clone() for gradient in _gradients(network)]
        counted = criterion.counted
        memory = _Memory(
            x=x.clone(),
            criterion=Criterion(
                targets=criterion.targets.clone(),
                counted=None if counted is None else counted.clone(),
            ),
            gradients=[torch.zeros_like(gradient) for gradient in wanted],
            outcome=Outcome(**{name: t.clone() for name, t in vars(held[0]).items()}),
        )
        self._recorded[drawn] = self._record(network, memory, drawn)
        self._recorded[drawn]()
        error = _distance(memory.gradients, wanted)
        if not error <= TOLERANCE:
            self._give_up(f"a recorded batch differs from a launched one by {error:.1e}")
        self._memory = memory
        network.zero_grad(set_to_none=True)

    def _record(
        self, network: RecallNetwork, memory: _Memory, drawn: tuple[int, ...]
    ) -> Callable[[], None]:
        def work() -> None:
            outcome = self.loss(network, memory.x, memory.criterion, *drawn)
            memory.keep(outcome, _gradients(network))
            network.zero_grad(set_to_none=True)

        network.zero_grad(set_to_none=True)
        return self.recorder.record(work)

    def _give_up(self, reason: str) -> None:
        logger.warning("batches are launched kernel by kernel, which is slower: %s", reason)
        self._given_up = True
        self._recorded.clear()


def captured(loss: Loss, device: torch.device) -> Loss:
    """Give the loss as it is fastest on the device."""
    return CapturedLoss(loss=loss, recorder=CudaRecorder()) if device.type == "cuda" else loss


def _gradients(network: RecallNetwork) -> list[Tensor]:
    """Give the gradient of every parameter; zeros where there is none."""
    return [torch.zeros_like(p) if p.grad is None else p.grad for p in network.parameters()]


def _distance(found: list[Tensor], wanted: list[Tensor]) -> float:
    """Give the relative distance of two lists of tensors."""
    apart = torch.stack([(a - b).norm() for a, b in zip(found, wanted, strict=True)]).norm()
    return float(apart / torch.stack([gradient.norm() for gradient in wanted]).norm())
