"""The contestants: the published description, and the engine in the precisions of a device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

from benchmarks import published
from benchmarks.workloads import SEED, Workload
from deltaloss.core.runs import Run
from deltaloss.core.seeds import derive_seed
from deltaloss.efficiency.forms import random_examples
from deltaloss.efficiency.published import PublishedLoss, PublishedNetwork, from_ours
from deltaloss.evaluation.batch_size import choose_batch_size
from deltaloss.evaluation.batches import shuffled
from deltaloss.evaluation.loop import evaluate
from deltaloss.losses.base import make_loss
from deltaloss.model.network import RecallNetwork
from deltaloss.model.precision import choose_algorithms, set_precision
from deltaloss.training.loop import train_epoch
from deltaloss.training.optimizer import make_optimizer

Work = Callable[[], object]
"""A call does the work once."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """Work for all contestants alike.

    Attributes:
        workload: the puzzle and its sizes.
        device: where it is computed.
        run: the trained loss; None for an evaluation.
        batches: training batches per call.
    """

    workload: Workload
    device: torch.device
    run: Run | None = None
    batches: int = 1

    def draws(self) -> list[tuple[int, ...]]:
        """Random numbers of the loss for each batch."""
        assert self.run is not None
        loss = make_loss(self.run.loss, steps=self.workload.train_steps, value=self.run.value)
        stream = torch.Generator().manual_seed(derive_seed(SEED, "benchmark", "loss"))
        return [loss.draw(stream) for _ in range(self.batches)]


@dataclass(frozen=True, kw_only=True)
class Engine:
    """The library's own loops.

    Attributes:
        precision: of a GPU's products.
    """

    precision: str = "fp32"

    def prepare(self, job: Job) -> Work:
        """Build network, data and optimizer on the device."""
        network = job.workload.make_network()
        network.compute_dtype = set_precision(self.precision, job.device)
        network = network.to(job.device)
        work = self._evaluation(job, network) if job.run is None else self._training(job, network)

        def switched() -> object:
            set_precision(self.precision, job.device)  # these switches hold for the whole process
            torch.backends.cudnn.benchmark = False
            if job.run is not None:
                choose_algorithms(job.device)
            return work()

        return switched

    def _training(self, job: Job, network: RecallNetwork) -> Work:
        workload, run = job.workload, job.run
        assert run is not None
        size = workload.batch_size[run.loss]
        settings = replace(workload.training[run.loss], batch_size=size)
        optimizer = make_optimizer(network, settings, steps=workload.train_steps)
        loss = make_loss(run.loss, steps=workload.train_steps, value=run.value)
        count = size * job.batches
        examples = random_examples(workload.task, workload.train_shape, count, seed=SEED).to(
            job.device
        )

        def work() -> object:
            batches = shuffled(examples, size, seed=SEED, epoch=0)
            return train_epoch(
                network,
                optimizer,
                loss,
                zip(batches, job.draws(), strict=True),
                task=workload.task,
                clip_norm=settings.clip_norm,
            ).means()

        return work

    def _evaluation(self, job: Job, network: RecallNetwork) -> Work:
        workload = job.workload
        examples = random_examples(
            workload.task, workload.test_shape, workload.test_examples, seed=SEED
        )
        size = choose_batch_size("auto", network, examples, task=workload.task)
        return lambda: evaluate(
            network, examples, task=workload.task, steps=workload.test_steps, batch_size=size
        )


@dataclass(frozen=True, kw_only=True)
class Published:
    """The published description, whose evaluation is one batch."""

    def prepare(self, job: Job) -> Work:
        """Build network, data and optimizer on the device."""
        network = from_ours(job.workload.make_network()).to(job.device)
        work = self._evaluation(job, network) if job.run is None else self._training(job, network)

        def switched() -> object:
            torch.set_float32_matmul_precision("highest")  # PyTorch's defaults
            torch.backends.cudnn.allow_tf32, torch.backends.cudnn.benchmark = True, False
            return work()

        return switched

    def _training(self, job: Job, network: PublishedNetwork) -> Work:
        workload, run = job.workload, job.run
        assert run is not None
        settings, size = workload.training[run.loss], workload.batch_size[run.loss]
        optimizer = published.make_optimizer(network, settings)
        loss = PublishedLoss(steps=workload.train_steps, alpha=run.value)
        examples = random_examples(
            workload.task, workload.train_shape, size * job.batches, seed=SEED
        )
        return lambda: published.train_epoch(
            network,
            optimizer,
            loss,
            examples,
            job.draws(),
            task=workload.task,
            batch_size=size,
            clip_norm=settings.clip_norm,
        )

    def _evaluation(self, job: Job, network: PublishedNetwork) -> Work:
        workload, count = job.workload, job.workload.test_examples
        examples = random_examples(workload.task, workload.test_shape, count, seed=SEED)
        return lambda: published.evaluate(
            network, examples, task=workload.task, steps=workload.test_steps, batch_size=count
        )


def contestants(device: str) -> dict[str, Published | Engine]:
    """Contestants of a device by name; the published description comes first."""
    if device == "cpu":
        return {"published": Published(), "engine": Engine()}
    precisions = ("fp32", "tf32", "bf16")
    return {"published": Published(), **{f"engine {p}": Engine(precision=p) for p in precisions}}
