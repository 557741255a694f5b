"""What is measured: the three networks and their puzzles at the sizes of config.yaml.

The speed does not depend on what the puzzles say, so they are random bits of the right shape; only
a chess target is what it must be, two squares. Shape letters as in the library.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import torch
import yaml

from benchmarks import ROOT
from deltaloss.config.settings import NetworkSettings, TrainingSettings
from deltaloss.core.runs import Run, parse_run
from deltaloss.core.seeds import derive_seed
from deltaloss.evaluation.batches import Batch
from deltaloss.model.network import CLASSES, RecallNetwork, make_network
from deltaloss.puzzles.base import Task, load_task

SEED = 42
TASKS = ("prefix_sums", "mazes", "chess")
RUNS = ("delta", "progressive-0", "progressive-0.5")
GROWTH = 1.005  # of the state at each step of an evaluation, by the choice of the weights

# On a CPU: examples of a training batch, of an evaluation, and its steps. Few, to end in minutes;
# evaluations of mazes and chess have the published batch (of strings it would be 500).
CPU_SIZES = {"prefix_sums": (12, 64, 4), "mazes": (4, 16, 3), "chess": (6, 250, 4)}

# On a GPU: examples of an evaluation and its steps; the training batches are the config's.
GPU_SIZES = {"prefix_sums": (500, 20), "mazes": (100, 20), "chess": (1000, 20)}
QUICK_SIZES = (4, 4, 3)


@dataclass(frozen=True, kw_only=True)
class Workload:
    """One puzzle's network, at the size of its training and of its test.

    Attributes:
        task: the puzzle.
        network: size of the network.
        training: settings of each loss, by its name.
        train_steps: T of the losses.
        train_shape: *S of a training puzzle.
        test_shape: *S of a test puzzle.
        batch: examples of a training batch, by loss.
        test_examples: examples of an evaluation, which are one batch.
        test_steps: T of an evaluation.
    """

    task: Task
    network: NetworkSettings
    training: Mapping[str, TrainingSettings]
    train_steps: int
    train_shape: tuple[int, ...]
    test_shape: tuple[int, ...]
    batch: Mapping[str, int]
    test_examples: int
    test_steps: int

    def settings(self, run: Run) -> TrainingSettings:
        """Give the training settings of a run, with the batch that is measured."""
        return replace(self.training[run.loss], batch_size=self.batch[run.loss])


def load_workload(
    name: str, *, device: str, quick: bool = False, batch: int | None = None
) -> Workload:
    """Read a puzzle's workload from config.yaml.

    Args:
        name: of the puzzle.
        device: "cuda" for the config's own batches, "cpu" for small ones.
        quick: seconds instead of minutes, at sizes that say nothing about speed.
        batch: examples of a training batch, in place of the default.
    """
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))["tasks"][name]
    training = {
        loss: TrainingSettings(**{**given, "milestones": tuple(given["milestones"])})
        for loss, given in config["training"]["released"].items()
    }
    batches, examples, steps = _sizes(name, training, device=device, quick=quick)
    if batch is not None:
        batches = dict.fromkeys(training, batch)
    network = {**config["network"], "head": tuple(config["network"]["head"])}
    if quick:
        network |= {"width": 8, "head": (8, 4)}
    return Workload(
        task=load_task(name),
        network=NetworkSettings(**network),
        training=training,
        train_steps=3 if quick else config["train_steps"],
        train_shape=_shape(name, config["data"]["train"], quick=quick),
        test_shape=_shape(name, config["data"]["test"], quick=quick),
        batch=batches,
        test_examples=examples,
        test_steps=steps,
    )


def _sizes(
    name: str,
    training: Mapping[str, TrainingSettings],
    *,
    device: str,
    quick: bool,
) -> tuple[dict[str, int], int, int]:
    """Give the training batch of each loss, and examples and steps of an evaluation."""
    if device == "cuda" and not quick:
        batches = {loss: settings.batch_size for loss, settings in training.items()}
        return batches, *GPU_SIZES[name]
    batch, examples, steps = QUICK_SIZES if quick else CPU_SIZES[name]
    return dict.fromkeys(training, batch), examples, steps


def _shape(name: str, data: Mapping[str, int], *, quick: bool) -> tuple[int, ...]:
    """Give *S of puzzles of a size; an image of a maze of N positions has 2N + 6 pixels a side."""
    if name == "chess":
        return (8, 8)
    size = 5 if quick else data["size"]
    return (size,) if name == "prefix_sums" else (2 * size + 6,) * 2


def random_examples(task: Task, shape: tuple[int, ...], count: int) -> Batch:
    """Make puzzles of random bits, with random answers, on the CPU."""
    stream = torch.Generator().manual_seed(derive_seed(SEED, "benchmark", task.name))
    inputs = torch.randint(2, (count, task.channels, *shape), generator=stream)
    if task.name == "chess":
        squares = torch.rand(count, shape[0] * shape[1], generator=stream).topk(2, dim=1).indices
        targets = torch.zeros(count, shape[0] * shape[1], dtype=torch.uint8)
        targets = targets.scatter(1, squares, 1).view(count, *shape)
    else:
        targets = torch.randint(2, (count, *shape), generator=stream)
    return Batch(inputs=inputs.to(torch.uint8), targets=targets.to(torch.uint8))


def training_network(workload: Workload) -> RecallNetwork:
    """Make an untrained network."""
    return make_network(workload.task, workload.network, seed=SEED)


@torch.no_grad()
def evaluation_network(workload: Workload) -> RecallNetwork:
    """Make an untrained network whose states neither settle nor overflow.

    As PyTorch draws the weights, the states come to rest, and an evaluation that notices this
    would be measured doing nothing. Without a puzzle a step is homogeneous: it scales with the
    recall convolution. So this is scaled until the state grows by `GROWTH` at each step.
    """
    network = training_network(workload)
    examples = random_examples(workload.task, (8,) * workload.task.dimensions, 4)
    blank = torch.zeros_like(workload.task.encode(examples.inputs))
    (state, *_) = network.unroll(workload.task.encode(examples.inputs), 1)
    _, recall = network.embed(blank)
    growth = 1.0
    for _ in range(50):
        state = state / state.norm()
        state = network.step(state, recall)
        growth = float(state.norm())
    network.recall.weight.mul_(GROWTH / growth)
    return network


def named_runs() -> dict[str, Run]:
    """Give the measured losses by name; the plotted runs of a puzzle may have another alpha."""
    return {name: parse_run(name) for name in RUNS}


def operations(workload: Workload, shape: tuple[int, ...], *, steps: int, readouts: int) -> int:
    """Count the operations (two a multiply-add) of a forward pass of one example.

    What acts on the state, `steps` times; the projection and the recall of the input, once; and
    `readouts` heads. A convolution is counted at every pixel, the border too.
    """
    width, channels = workload.network.width, workload.task.channels
    sizes = (width, *workload.network.head, CLASSES)
    head = sum(before * after for before, after in pairwise(sizes))
    pairs = steps * 5 * width * width + 2 * channels * width + readouts * head
    return int(2 * 3**workload.task.dimensions * torch.Size(shape).numel() * pairs)
