"""Read an experiment from the merged config, or refuse it in one line that says what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deltaloss.config.checks import (
    check_complete,
    check_counts,
    check_milestones,
    check_mixing,
    check_plotted,
    check_selection,
    check_sizes,
    check_steps,
    check_tables,
)
from deltaloss.config.experiment import Experiment
from deltaloss.config.released import read_released
from deltaloss.config.schema import check_schema, load_schema
from deltaloss.config.tasks import Json, TaskConfig
from deltaloss.config.training_sets import resolve_training
from deltaloss.config.user_files import check_archive_names, content_digest
from deltaloss.core.errors import ConfigError, DataError, UserError, printable
from deltaloss.core.runs import Run, parse_run
from deltaloss.puzzles.card import Card, load_card, puzzle_names

LONGEST_RUN = 100
"""Characters of a run's name: file names end at 255 bytes."""


def read_experiment(config: dict[str, Any], schema: Path, *, memory: Path) -> Experiment:
    """Check a merged config against the schema and against itself.

    Args:
        config: as Snakemake merged it; texts in it become numbers, see `check_schema`.
        schema: the schema's file.
        memory: folder that remembers digests of user files.

    Raises:
        ConfigError: one line with key, value, what is allowed and what to do.
        DataError: a file that the config names cannot be read.
    """
    try:
        return _read(config, schema, memory)
    except UserError as error:
        raise type(error)(_one_line(str(error))) from error


def _one_line(text: str) -> str:
    """Text without characters that steer a terminal, and without its middle where it is long."""
    line = printable(text)
    return line if len(line) <= 300 else f"{line[:200]} ... {line[-95:]}"


def _read(config: dict[str, Any], schema: Path, memory: Path) -> Experiment:
    cards = {name: load_card(name) for name in puzzle_names()}
    check_schema(config, load_schema(schema, cards))
    check_selection(config["select"], config["stop_at_perfect_validation"])
    check_tables([cards[name] for name in config["tasks"]])
    tasks = {
        name: _read_task(cards[name], config["tasks"][name], config, memory)
        for name in sorted(config["tasks"], key=lambda name: cards[name].table)
    }
    check_archive_names(config["archives"]["sha256"], [(t.card, t.data) for t in tasks.values()])
    return Experiment(
        name=config["experiment"],
        hyperparameters=config["hyperparameters"],
        data_seed=config["data_seed"],
        device=config["device"],
        precision=config["precision"],
        deterministic=config["deterministic"],
        select=config["select"],
        stop_at_perfect_validation=config["stop_at_perfect_validation"],
        resume_published=config["resume_published"],
        threads=config["threads"],
        archives=config["archives"],
        strict=config["strict"],
        tasks=tasks,
    )


def _read_task(card: Card, given: Json, config: Json, memory: Path) -> TaskConfig:
    key = f"tasks.{card.name}"
    runs = _read_runs(f"{key}.runs", given["runs"])
    plotted = _read_runs(f"{key}.plotted", given["plotted"])
    check_plotted(key, runs, plotted)
    check_mixing(key, given["network"], config["precision"])
    unset = () if given["network"].get("mixing") else ("mixing",)  # false is as if not given
    training = resolve_training(
        config["training"], given.get("training", {}), config["hyperparameters"], key=key
    )
    check_steps(key, given)
    check_complete(key, training, config["hyperparameters"])
    check_milestones(key, training)
    data = {name: rule.get("default") for name, rule in card.data_keys.items()} | given["data"]
    try:
        card.check(data)
    except ConfigError as error:
        raise ConfigError(f"{key}.data.{error}") from error
    try:
        file_digest = content_digest(card.file(data), memory)
    except DataError as error:
        raise DataError(f"{key}.data: {error}") from error
    check_counts(key, data, training)
    sizes = given.get("sizes", [])
    check_sizes(key, card, data, sizes)
    return TaskConfig(
        name=card.name,
        card=card,
        seeds=tuple(given.get("seeds", config["seeds"])),
        train_steps=given["train_steps"],
        runs=runs,
        plotted=plotted,
        network={name: value for name, value in given["network"].items() if name not in unset},
        data=data,
        evaluation=given["evaluation"],
        training=training,
        file_digest=file_digest,
        released=read_released(f"{key}.released", given.get("released", {}), runs, memory),
        sizes=tuple(sizes),
    )


def _read_runs(key: str, texts: list[str]) -> tuple[Run, ...]:
    runs: list[Run] = []
    for text in texts:
        try:
            run = parse_run(text)
        except ConfigError as error:
            raise ConfigError(f"{key}: {error}") from error
        if len(run.name) > LONGEST_RUN:
            raise ConfigError(f"{key}: '{text}': too many digits; round the number")
        if run.last:
            raise ConfigError(f"{key}: '{run.name}': list the run, and set select: both")
        if run in runs:
            raise ConfigError(f"{key}: '{run.name}' is listed twice; list each once")
        runs.append(run)
    return tuple(runs)
