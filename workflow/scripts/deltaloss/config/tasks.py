"""One puzzle of an experiment: its settings, and what follows from them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from deltaloss.config.costs import (
    ACTIVATIONS,
    FORWARD_AND_BACKWARD,
    MIXING_ACTIVATIONS,
    multiply_adds,
)
from deltaloss.config.released import ReleasedWeights
from deltaloss.core.errors import ConfigError
from deltaloss.core.runs import RELEASED, Run
from deltaloss.puzzles.base import training_count
from deltaloss.puzzles.card import Card

Json = Mapping[str, Any]

VALIDATION_EXAMPLES = 500
"""Validation examples evaluated after every step, at most; they only choose a step."""


@dataclass(frozen=True, kw_only=True)
class TaskConfig:
    """One puzzle of an experiment; most fields are explained in the schema.

    Attributes:
        card: the puzzle's static description.
        training: complete training settings by loss.
        file_digest: of the content of the user's file that the examples are read from; empty
            where there is none, or it is an address.
        released: checkpoints that others trained, by the name of their run.
        sizes: `size`, `count` and `steps` of each further test set, which is made here.
    """

    name: str
    card: Card
    seeds: tuple[int, ...]
    train_steps: int
    runs: tuple[Run, ...]
    plotted: tuple[Run, ...]
    network: Json
    data: Json
    evaluation: Json
    training: Mapping[str, Json]
    file_digest: str = ""
    released: Mapping[str, ReleasedWeights] = field(default_factory=dict)
    sizes: tuple[Json, ...] = ()

    def network_of(self, run: str, weights: str) -> Json:
        """Return the settings of the network that weights are for."""
        released = self.released.get(run) if weights == RELEASED else None
        return released.network(self.network) if released else self.network

    def at_size(self, size: int) -> TaskConfig:
        """Return the puzzle with one of its `sizes` in place of the test set.

        Raises:
            ConfigError: the size is not listed.
        """
        listed = {one["size"]: one for one in self.sizes}
        if size not in listed:
            known = ", ".join(map(str, listed)) or "none"
            raise ConfigError(
                f"size {size} is not listed in tasks.{self.name}.sizes ({known}); add it there"
            )
        data = sized_data(self.data, listed[size])
        evaluation = {**self.evaluation, "steps": listed[size]["steps"]}
        return replace(self, data=data, evaluation=evaluation, sizes=())

    def operations(self) -> dict[str, int]:
        """Count the multiply-adds of a job with a network, by its rule; of the longest training.

        An evaluation at one of `sizes` has the size behind the name of its rule.
        """
        fraction, count = self.data["validation_fraction"], self.data["train"]["count"]
        steps: int = self.evaluation["steps"]
        small, large = (
            multiply_adds(self.network, self.card.shape(self.data, split))
            for split in ("train", "test")
        )
        epochs: int = max(settings["epochs"] for settings in self.training.values())
        trained = training_count(count, fraction)
        learning = FORWARD_AND_BACKWARD * self.train_steps * trained * epochs
        evaluated = large * steps * self.data["test"]["count"]
        at_sizes = {one["size"]: self.at_size(one["size"]).operations() for one in self.sizes}
        return {
            "train_model": small * learning,
            "evaluate_model": evaluated,
            "measure_convergence": evaluated,
            "evaluate_validation": small * steps * min(count - trained, VALIDATION_EXAMPLES),
            **{f"evaluate_size{n}": of_size["evaluate_model"] for n, of_size in at_sizes.items()},
        }

    def training_mb(self) -> int:
        """Memory to ask for a training on a CPU or GPU node: 4 GB and twice its activations."""
        batch: int = max(settings["batch_size"] for settings in self.training.values())
        state = int(self.network["width"]) * math.prod(self.card.shape(self.data, "train"))
        kept = MIXING_ACTIVATIONS if self.network.get("mixing") else ACTIVATIONS
        values = kept * state * self.train_steps * batch
        return 4000 + math.ceil(2 * 4 * values / 1e6)

    @property
    def drawn(self) -> list[Run]:
        """Runs in figure 1: those plotted, and the loss of the last step alone if there is one."""
        quiet = [run for run in self.runs if run.value == 0 and run not in self.plotted]
        return [*self.plotted, *quiet]

    @property
    def summary(self) -> dict[str, Any]:
        """What tables and figure 1 say of the puzzle, and compare with the paper's."""
        return {
            **{key: self.data.get(key) for key in ("source", "pixels_per_position")},
            **{f"{split}_size": self.data[split].get("size") for split in ("train", "test")},
            "network": self.network,
            "plotted": [run.name for run in self.plotted],
            "test_count": self.data["test"]["count"],
            "train_steps": self.train_steps,
        }


def sized_data(data: Json, one: Json) -> dict[str, Any]:
    """Return a section `data` with test examples of another size, made here whatever the source."""
    test = {**data["test"], "size": one["size"], "count": one["count"]}
    return {**data, "source": "generate", "test": test}
