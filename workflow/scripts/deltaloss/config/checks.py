"""Checks of a config that a schema cannot express, each with the remedy in its error."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from deltaloss.config.settings import TrainingSettings
from deltaloss.config.tasks import sized_data
from deltaloss.config.training_sets import BASE
from deltaloss.core.errors import ConfigError
from deltaloss.core.runs import Run
from deltaloss.puzzles.base import training_count
from deltaloss.puzzles.card import Card

Json = Mapping[str, Any]

OTHER_TABLES = (1, 2, 3, 4)
"""Numbers of tables that belong to no single puzzle."""


def check_tables(cards: Sequence[Card]) -> None:
    """Refuse two puzzles with one table."""
    taken = dict.fromkeys(OTHER_TABLES, "a table of all puzzles")
    for card in cards:
        if card.table in taken:
            raise ConfigError(
                f"tasks.{card.name}: number {card.table} of its table is taken by "
                f"{taken[card.table]}; choose another in puzzles/{card.name}/card.py"
            )
        taken[card.table] = card.name


def check_mixing(key: str, network: Json, precision: str) -> None:
    """Refuse a mixture of states in a precision that rounds its weights away."""
    if network.get("mixing") and precision == "bf16":
        raise ConfigError(
            f"{key}.network.mixing: bf16 is too coarse for the weights of past states; choose "
            "precision: fp32 or tf32"
        )


def check_plotted(key: str, runs: Sequence[Run], plotted: Sequence[Run]) -> None:
    """Refuse plotted runs that are not trained."""
    for run in plotted:
        if run not in runs:
            listed = ", ".join(one.name for one in runs)
            raise ConfigError(
                f"{key}.plotted: '{run.name}' is not listed in {key}.runs ({listed}); add it there"
            )


def check_selection(select: str, stop_at_perfect_validation: bool) -> None:
    """Refuse to end a training early whose last epoch is wanted."""
    if stop_at_perfect_validation and select != "first_best":
        raise ConfigError(
            f"stop_at_perfect_validation: true: the last epoch is wanted (select: {select}); "
            "write false, or select: first_best"
        )


def check_steps(key: str, given: Json) -> None:
    """Refuse evaluations shorter than training."""
    steps, train_steps = given["evaluation"]["steps"], given["train_steps"]
    if steps < train_steps:
        raise ConfigError(
            f"{key}.evaluation.steps: {steps} is less than {key}.train_steps ({train_steps}); "
            "evaluate at least as many steps as are trained"
        )


def check_complete(key: str, training: Mapping[str, Json], chosen: str) -> None:
    """Refuse training settings that are not set anywhere."""
    for loss, settings in training.items():
        for field in fields(TrainingSettings):
            if field.name not in settings:
                places = " or ".join(f"'{name}'" for name in dict.fromkeys([BASE, chosen]))
                raise ConfigError(
                    f"{key}.training: '{loss}' has no {field.name}; add it to the set {places}"
                )


def check_milestones(key: str, training: Mapping[str, Json]) -> None:
    """Refuse milestones that training does not reach."""
    for loss, settings in training.items():
        for milestone in settings["milestones"]:
            if milestone >= settings["epochs"]:
                raise ConfigError(
                    f"{key}.training: milestone {milestone} of '{loss}' is not reached in "
                    f"{settings['epochs']} epochs, counted from 0; leave it out"
                )


def check_counts(key: str, data: Json, training: Mapping[str, Json]) -> None:
    """Refuse too few examples for validation or for one batch."""
    count, fraction = data["train"]["count"], data["validation_fraction"]
    train_count = training_count(count, fraction)
    if train_count in (0, count):
        raise ConfigError(
            f"{key}.data.validation_fraction: {fraction} of {count} examples leaves "
            f"{train_count} for training and {count - train_count} for validation; both need some"
        )
    for loss, settings in training.items():
        if settings["batch_size"] > train_count:
            raise ConfigError(
                f"{key}.training: batch_size {settings['batch_size']} of '{loss}' is more than the "
                f"{train_count} training examples; lower it or raise {key}.data.train.count"
            )


def check_sizes(key: str, card: Card, data: Json, sizes: Sequence[Json]) -> None:
    """Refuse further test sizes of a puzzle that cannot make them, or that are impossible."""
    if sizes and ("size" not in card.split_keys or "generate" not in card.sources):
        raise ConfigError(
            f"{key}.sizes: puzzles of chosen sizes cannot be made of {card.title}; leave sizes out"
        )
    for place, one in enumerate(sizes):
        if one["size"] in [other["size"] for other in sizes[:place]]:
            raise ConfigError(f"{key}.sizes: size {one['size']} is listed twice; list each once")
        if one["size"] == data["train"].get("size"):
            raise ConfigError(
                f"{key}.sizes: size {one['size']} is that of the training, whose examples may be "
                "among those of the test; leave it out"
            )
        made = sized_data(data, one)
        try:
            card.check({**made, "train": made["test"]})
        except ConfigError as error:
            said = re.sub(r"^(train|test)\.", "", str(error))
            raise ConfigError(f"{key}.sizes[{place}].{said}") from error
