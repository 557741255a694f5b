"""The measured sizes: the networks and puzzles of the quick preset and of the paper.

Speed does not depend on the puzzles' contents, so they are random bits of the right shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from snakemake.utils import update_config

from benchmarks import ROOT
from deltaloss.config.experiment import Experiment
from deltaloss.config.reading import read_experiment
from deltaloss.config.settings import NetworkSettings, TrainingSettings
from deltaloss.model.make import make_network
from deltaloss.model.network import RecallNetwork
from deltaloss.puzzles.base import Task, load_task

SEED = 42

# Examples and steps of an evaluation at the quick preset's sizes: seconds, some batches.
QUICK_EVALUATIONS = {"prefix_sums": (100, 150), "mazes": (30, 60), "chess": (300, 40)}
# Paper's networks on a CPU: examples of a training batch, and of an evaluation, and its steps.
PAPER_CPU = {"prefix_sums": (12, 64, 4), "mazes": (4, 16, 3), "chess": (6, 250, 4)}
# On a GPU the training batches are those of config.yaml.
PAPER_GPU = {"prefix_sums": (None, 500, 20), "mazes": (None, 100, 20), "chess": (None, 1000, 20)}


@dataclass(frozen=True, kw_only=True)
class Workload:
    """One puzzle at one scale.

    Attributes:
        name: scale and puzzle, as in the results.
        task: the puzzle.
        network: size of the network.
        training: settings by loss.
        batch_size: examples per training batch, by loss.
        train_steps: T of the losses.
        train_shape: *S of a training puzzle.
        test_shape: *S of a test puzzle.
        test_examples: number of evaluated examples.
        test_steps: number of evaluated steps.
    """

    name: str
    task: Task
    network: NetworkSettings
    training: Mapping[str, TrainingSettings]
    batch_size: Mapping[str, int]
    train_steps: int
    train_shape: tuple[int, ...]
    test_shape: tuple[int, ...]
    test_examples: int
    test_steps: int

    def make_network(self) -> RecallNetwork:
        """Build the untrained network."""
        return make_network(self.task, self.network, seed=SEED)


def load_workloads(device: str, *, tiny: bool = False) -> list[Workload]:
    """Read the workloads of a device from config.yaml and the presets.

    Args:
        device: "cpu" for the quick preset's sizes and the paper's with small batches, "cuda" for
            the paper's sizes with its full batches.
        tiny: the tiny preset, to test the benchmark itself.
    """
    if tiny:
        few = dict.fromkeys(("prefix_sums", "mazes", "chess"), (4, 4))
        return [_workload("tiny", name, None, *few[name]) for name in few]
    if device == "cuda":
        return [_workload("paper", name, *sizes) for name, sizes in PAPER_GPU.items()]
    return [
        *(_workload("quick", name, None, *sizes) for name, sizes in QUICK_EVALUATIONS.items()),
        *(_workload("paper", name, *sizes) for name, sizes in PAPER_CPU.items()),
    ]


def _workload(scale: str, name: str, batch: int | None, examples: int, steps: int) -> Workload:
    chosen = _experiment(scale).tasks[name]
    training = {
        loss: TrainingSettings(**{**settings, "milestones": tuple(settings["milestones"])})
        for loss, settings in chosen.training.items()
    }
    network = {**chosen.network, "head": tuple(chosen.network["head"])}
    return Workload(
        name=f"{scale} {name}",
        task=load_task(name),
        network=NetworkSettings(**network),
        training=training,
        batch_size={loss: batch or one.batch_size for loss, one in training.items()},
        train_steps=chosen.train_steps,
        train_shape=chosen.card.shape(chosen.data, "train"),
        test_shape=chosen.card.shape(chosen.data, "test"),
        test_examples=examples,
        test_steps=steps,
    )


def _experiment(scale: str) -> Experiment:
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    if scale != "paper":
        preset = ROOT / "workflow" / "presets" / f"{scale}.yaml"
        update_config(config, yaml.safe_load(preset.read_text(encoding="utf-8")))
    schema = ROOT / "workflow" / "schemas" / "config.schema.yaml"
    with TemporaryDirectory() as memory:
        return read_experiment(config, schema, memory=Path(memory))
