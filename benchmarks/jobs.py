"""What a contestant is asked to do, and what it gives to be measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import torch

from benchmarks.workloads import Workload
from deltaloss.core.runs import Run
from deltaloss.evaluation.batches import Batch

Work = Callable[[], object]  # once for each call; its result is of no interest


@dataclass(frozen=True, kw_only=True)
class TrainingJob:
    """One epoch of a few batches, the same for all contestants.

    Attributes:
        workload: the puzzle.
        run: the loss.
        examples: as many as fill the batches, on the CPU.
        draws: what the loss is to draw, for each batch.
        device: where to train.
    """

    workload: Workload
    run: Run
    examples: Batch
    draws: list[tuple[int, ...]]
    device: torch.device


@dataclass(frozen=True, kw_only=True)
class EvaluationJob:
    """One evaluation of a few examples at every step, in one batch."""

    workload: Workload
    examples: Batch
    steps: int
    device: torch.device


class Contestant(Protocol):
    """One way to compute the same."""

    @property
    def name(self) -> str:
        """As it stands in the results."""
        ...

    @property
    def precision(self) -> str:
        """Of its products on a GPU; see `multiplying`."""
        ...

    @property
    def evaluates(self) -> bool:
        """Whether it evaluates in a way of its own."""
        ...

    def training(self, job: TrainingJob) -> Work:
        """Make network and optimizer ready, and give what trains for one epoch."""
        ...

    def evaluation(self, job: EvaluationJob) -> Work:
        """Make the network ready, and give what evaluates it."""
        ...


@contextmanager
def multiplying(precision: str, *, tuned: bool) -> Iterator[None]:
    """Set how a GPU multiplies, and put back what was set before.

    Args:
        precision: "default" for a plain PyTorch, whose convolutions are in TF32 and whose products
            of matrices are in fp32; "fp32" for both in fp32; anything else for both in TF32.
        tuned: whether cuDNN tries its algorithms for each shape.
    """
    cudnn = torch.backends.cudnn
    before = torch.get_float32_matmul_precision(), cudnn.allow_tf32, cudnn.benchmark
    coarse = precision not in ("default", "fp32")
    torch.set_float32_matmul_precision("high" if coarse else "highest")
    cudnn.allow_tf32, cudnn.benchmark = precision != "fp32", tuned
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before[0])
        cudnn.allow_tf32, cudnn.benchmark = before[1:]
