"""The engine as a contestant: all that the benchmark knows of the library's engine is here."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from deltaloss.captured import captured
from deltaloss.inference import PreparedNetwork

from benchmarks import plain
from benchmarks.jobs import Contestant, EvaluationJob, TrainingJob, Work, multiplying
from benchmarks.workloads import SEED, evaluation_network, training_network
from deltaloss.evaluation.batch_size import choose_batch_size
from deltaloss.evaluation.batches import Batch, shuffled
from deltaloss.evaluation.loop import evaluate
from deltaloss.losses import make_loss
from deltaloss.model.network import RecallNetwork
from deltaloss.training.epochs import make_criterion, train_epoch
from deltaloss.training.loop import Prepared
from deltaloss.training.optimizer import make_optimizer


@dataclass(frozen=True, kw_only=True)
class Engine:
    """The engine with some of its options.

    Attributes:
        name: as it stands in the results.
        precision: "fp32", "tf32" or "bf16", of products on a GPU.
        graphs: whether a batch is a CUDA graph.
        network_options: attributes of the network.
        loss_options: further arguments of `make_loss`.
    """

    name: str
    precision: str = "fp32"
    graphs: bool = False
    network_options: Mapping[str, object] = field(default_factory=dict)
    loss_options: Mapping[str, str] = field(default_factory=dict)

    @property
    def evaluates(self) -> bool:
        """Whether its options make a difference without gradients."""
        return not (self.graphs or self.loss_options)

    def training(self, job: TrainingJob) -> Work:
        """Give what trains for one epoch with the library's own loop."""
        workload, settings = job.workload, job.workload.settings(job.run)
        network = self._ready(training_network(workload), job.device)
        optimizer = make_optimizer(network, settings, steps=workload.train_steps)
        loss = make_loss(
            job.run.loss, steps=workload.train_steps, alpha=job.run.alpha, **self.loss_options
        )
        examples = on_device(job.examples, job.device)
        if self.graphs:
            loss = captured(loss, job.device)
        if isinstance(loss, Prepared):
            with multiplying(self.precision, tuned=True):
                batch = examples.take(slice(0, settings.batch_size))
                inputs = workload.task.encode(batch.inputs)
                loss.prepare(network, inputs, make_criterion(workload.task, batch))

        def work() -> object:
            batches = shuffled(examples, settings.batch_size, seed=SEED, epoch=0)
            with multiplying(self.precision, tuned=True):
                return train_epoch(
                    network,
                    optimizer,
                    loss,
                    zip(batches, job.draws, strict=True),
                    task=workload.task,
                    clip_norm=settings.clip_norm,
                )

        return work

    def evaluation(self, job: EvaluationJob) -> Work:
        """Give what evaluates with the library's own loop."""
        network = self._ready(evaluation_network(job.workload), job.device).eval()
        examples, task = job.examples, job.workload.task
        size = choose_batch_size("auto", network, examples, task=task)

        def work() -> object:
            with multiplying(self.precision, tuned=False):
                return evaluate(
                    PreparedNetwork(network),
                    examples,
                    task=task,
                    steps=job.steps,
                    batch_size=size,
                    provenance={},
                )

        return work

    def missing(self) -> list[str]:
        """List the options that this version of the library does not have."""
        attributes = RecallNetwork(dimensions=1, channels=1, width=1, head=[1, 1]).__dict__
        arguments = inspect.signature(make_loss).parameters
        return [
            *(name for name in self.network_options if name not in attributes),
            *(name for name in self.loss_options if name not in arguments),
        ]

    def _ready(self, network: RecallNetwork, device: torch.device) -> RecallNetwork:
        for name, value in self.network_options.items():
            setattr(network, name, value)
        return network.to(device)


@dataclass(frozen=True, kw_only=True)
class Plain:
    """The plain implementation, with PyTorch's default precision or another."""

    name: str = "plain"
    precision: str = "default"
    evaluates: bool = True

    def training(self, job: TrainingJob) -> Work:
        """Give what trains for one epoch, from a loader."""
        workload, settings = job.workload, job.workload.settings(job.run)
        network = plain.from_ours(training_network(workload)).to(job.device)
        optimizer = plain.make_optimizer(network, settings)
        loss = plain.PlainLoss(steps=workload.train_steps, alpha=job.run.alpha)

        def work() -> object:
            with multiplying(self.precision, tuned=False):
                return plain.train_epoch(
                    network,
                    optimizer,
                    loss,
                    job.examples,
                    job.draws,
                    task=workload.task,
                    batch_size=settings.batch_size,
                    clip_norm=settings.clip_norm,
                )

        return work

    def evaluation(self, job: EvaluationJob) -> Work:
        """Give what evaluates, the outputs of all steps kept."""
        network = plain.from_ours(evaluation_network(job.workload)).to(job.device).eval()

        def work() -> object:
            with multiplying(self.precision, tuned=False):
                return plain.evaluate(
                    network,
                    job.examples,
                    task=job.workload.task,
                    steps=job.steps,
                    batch_size=len(job.examples),
                )

        return work


PLAIN = Plain()
BF16: Mapping[str, object] = {"compute_dtype": torch.bfloat16}

# On a GPU, all of these; each option alone, then together. Add a line to measure another.
GPU_VARIANTS: tuple[Contestant, ...] = (
    PLAIN,
    Plain(name="plain fp32", precision="fp32"),
    Engine(name="engine fp32"),
    Engine(name="engine tf32", precision="tf32"),
    Engine(name="engine bf16", precision="bf16", network_options=BF16),
    Engine(name="engine tf32, graphs", precision="tf32", graphs=True),
    Engine(name="engine bf16, graphs", precision="bf16", graphs=True, network_options=BF16),
    Engine(
        name="engine tf32, recompute blocks",
        precision="tf32",
        loss_options={"recompute": "blocks"},
    ),
    Engine(
        name="engine tf32, recompute steps", precision="tf32", loss_options={"recompute": "steps"}
    ),
)

# A CPU computes in fp32 only.
CPU_VARIANTS: tuple[Contestant, ...] = (
    PLAIN,
    Engine(name="engine"),
    Engine(name="engine, recompute blocks", loss_options={"recompute": "blocks"}),
    Engine(name="engine, recompute steps", loss_options={"recompute": "steps"}),
)


def on_device(examples: Batch, device: torch.device) -> Batch:
    """Give a data set that lies on the device, as the engine's does."""
    return Batch(inputs=examples.inputs.to(device), targets=examples.targets.to(device))


def variants(device: str) -> tuple[list[Contestant], dict[str, list[str]]]:
    """Give the contestants of a device, and those left out with the options that are missing."""
    listed = GPU_VARIANTS if device == "cuda" else CPU_VARIANTS
    lacking = {one.name: one.missing() for one in listed if isinstance(one, Engine)}
    lacking = {name: options for name, options in lacking.items() if options}
    return [one for one in listed if one.name not in lacking], lacking
