"""From the merged config to an experiment, or to one clear line that says what is wrong with it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from deltaloss.config_schema import check_schema
from deltaloss.datasets.archive_names import is_known
from deltaloss.datasets.lichess_check import check_puzzle_file
from deltaloss.errors import ConfigError
from deltaloss.fingerprint import digest
from deltaloss.runs import Run, check_loss, parse_run
from deltaloss.splits import training_count
from deltaloss.suggestions import nearest

Json = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class TaskConfig:
    """One puzzle of an experiment; the fields are explained in the schema."""

    name: str
    train_steps: int
    runs: tuple[Run, ...]
    plotted: tuple[Run, ...]
    network: Json
    data: Json
    evaluation: Json
    training: Json  # by loss, of the chosen set

    def archive_start(self, split: str) -> int:
        """Give the first example to take of an archive's set for `split`.

        Strings of one length are one set; a test on the training length takes what is left of it.
        """
        train, test = self.data["train"], self.data["test"]
        shared = self.name == "prefix_sums" and train["size"] == test["size"]
        return int(train["count"]) if shared and split == "test" else 0


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A whole experiment that can work."""

    name: str
    hyperparameters: str
    seeds: tuple[int, ...]
    data_seed: int
    device: str
    precision: str
    threads: int
    archives: Json
    strict: bool
    tasks: Mapping[str, TaskConfig]
    puzzles_digest: str = ""  # of the content of the puzzle CSV, where one is given

    @property
    def result_precision(self) -> str:
        """The precision as far as it decides a result: the CPU always computes in fp32."""
        return "fp32" if self.device == "cpu" else self.precision

    @property
    def puzzle_file(self) -> Path | None:
        """The Lichess puzzle CSV, where the config gives its path."""
        chess = self.tasks.get("chess")
        if chess is None or chess.data["source"] != "lichess" or "://" in chess.data["puzzles"]:
            return None
        return Path(chess.data["puzzles"])

    def chess_counts(self) -> dict[str, int]:
        """Give how many puzzles are for training and for testing."""
        data = self.tasks["chess"].data
        return {"train_count": data["train"]["count"], "test_count": data["test"]["count"]}

    def chess_key(self) -> str:
        """Name the folder of the chess data by where they come from and what they are."""
        source = self.tasks["chess"].data["source"]
        kind = "mates" if source == "generate" else source
        return f"{kind}-{digest(self.chess_settings())[:8]}"

    def chess_settings(self) -> dict[str, Any]:
        """Give the settings that decide the chess data; only what is generated has a seed."""
        data = self.tasks["chess"].data
        chosen = {**self.chess_counts(), "orientation": data["orientation"]}
        origin: dict[str, dict[str, Any]] = {
            "archive": {},
            "generate": {"seed": self.data_seed},
            "lichess": {"puzzles": self.puzzles_digest or data["puzzles"]},
        }
        return {**chosen, **origin[data["source"]]}


def read_experiment(config: Json, schema: Path, *, memory: Path) -> Experiment:
    """Check a merged config against the schema, against itself, and the puzzle file it names.

    Args:
        config: as Snakemake merged it.
        schema: the schema's file.
        memory: folder that remembers what was read of puzzle files.

    Raises:
        ConfigError: one line with key, value, what is allowed and what to do.
        DataError: the puzzle file cannot be used.
    """
    config = {**config, "seeds": _whole(config.get("seeds"))} if "seeds" in config else config
    check_schema(config, yaml.safe_load(schema.read_text(encoding="utf-8")))
    _check_digests(config["archives"]["sha256"])
    tasks = {
        name: _read_task(name, given, config["hyperparameters"])
        for name, given in config["tasks"].items()
    }
    experiment = Experiment(
        name=config["experiment"],
        hyperparameters=config["hyperparameters"],
        seeds=tuple(config["seeds"]),
        data_seed=config["data_seed"],
        device=config["device"],
        precision=config["precision"],
        threads=config["threads"],
        archives=config["archives"],
        strict=config["strict"],
        tasks=tasks,
    )
    if experiment.puzzle_file is None:
        return experiment
    counts = experiment.chess_counts()
    content = check_puzzle_file(experiment.puzzle_file, **counts, memory=memory)
    return replace(experiment, puzzles_digest=content)


def _whole(seeds: object) -> object:
    """Turn text to whole numbers: so the items of --config 'seeds=[1,2]' reach us."""
    if not isinstance(seeds, list):
        return seeds
    return [int(s) if isinstance(s, str) and s.isdecimal() else s for s in seeds]


def check_results_folder(folder: Path) -> None:
    """Refuse a folder that results cannot be written to, without making it."""
    existing = next(path for path in [folder, *folder.absolute().parents] if os.path.lexists(path))
    if not existing.is_dir():
        raise ConfigError(f"results go to {folder}/, but {existing} is not a folder; move it away")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise ConfigError(
            f"results go to {folder}/, but {existing} cannot be written; change its permissions "
            "or run in another folder (snakemake --directory)"
        )


def _read_task(name: str, given: Json, hyperparameters: str) -> TaskConfig:
    key = f"tasks.{name}"
    runs = _read_runs(f"{key}.runs", given["runs"])
    plotted = _read_runs(f"{key}.plotted", given["plotted"])
    for run in plotted:
        if run not in runs:
            listed = ", ".join(one.name for one in runs)
            raise ConfigError(
                f"{key}.plotted: '{run.name}' is not listed in {key}.runs ({listed}); add it there"
            )
    training = _choose_training(key, given["training"], hyperparameters, runs)
    _check_steps(key, given)
    _check_milestones(f"{key}.training.{hyperparameters}", training)
    _check_sizes(key, given["data"], training)
    _check_puzzles(key, given["data"])
    return TaskConfig(
        name=name,
        train_steps=given["train_steps"],
        runs=runs,
        plotted=plotted,
        network=given["network"],
        data=given["data"],
        evaluation=given["evaluation"],
        training=training,
    )


@contextmanager
def _at(key: str) -> Iterator[None]:
    """Say of an error where in the config it is."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError(f"{key}: {error}") from error


def _read_runs(key: str, texts: list[str]) -> tuple[Run, ...]:
    runs: list[Run] = []
    for text in texts:
        with _at(key):
            run = parse_run(text)
        if run in runs:
            raise ConfigError(f"{key}: '{run.name}' is listed twice; list each once")
        runs.append(run)
    return tuple(runs)


def _choose_training(key: str, sets: Json, chosen: str, runs: tuple[Run, ...]) -> Json:
    if chosen not in sets:
        raise ConfigError(
            f"hyperparameters: '{chosen}'{nearest(chosen, sets)}: {key}.training has no such set; "
            f"it has {', '.join(sets)}"
        )
    for run in runs:
        if run.loss not in sets[chosen]:
            raise ConfigError(
                f"{key}.training.{chosen}: '{run.loss}' is missing, but {key}.runs lists "
                f"'{run.name}'; add its settings"
            )
    for loss in sets[chosen]:
        with _at(f"{key}.training.{chosen}"):
            check_loss(loss)
    training: Json = sets[chosen]
    return training


def _check_steps(key: str, given: Json) -> None:
    steps, train_steps = given["evaluation"]["steps"], given["train_steps"]
    if steps < train_steps:
        raise ConfigError(
            f"{key}.evaluation.steps: {steps} is less than {key}.train_steps ({train_steps}); "
            "evaluate at least as many steps as are trained"
        )


def _check_digests(digests: Json) -> None:
    for name in digests:
        if not is_known(name):
            raise ConfigError(
                f"archives.sha256.{name}: no archive is called so; they are chess_data.tar.gz, "
                "prefix_sums_data.tar.gz, maze_data_SPLIT_SIZE.tar.gz, and puzzle files ending .zst"
            )


def check_fetched(archives: Json, folder: Path) -> None:
    """Refuse a digest that contradicts the one recorded when the file was fetched.

    Raises:
        ConfigError: names the file, and what to delete if the digest is right.
    """
    for name, wanted in archives["sha256"].items():
        record = folder / f"{name}.sha256"
        if record.is_file() and wanted not in record.read_text(encoding="utf-8").split():
            raise ConfigError(
                f"archives.sha256.{name}: {wanted[:12]}... is not the digest of what was fetched; "
                f"correct it, or delete {folder / name} and the data made of it"
            )


def _check_puzzles(key: str, data: Json) -> None:
    if data["source"] == "lichess" and data["puzzles"] is None:
        raise ConfigError(f"{key}.data.puzzles: null: source lichess needs the path of a CSV")
    if data["source"] != "lichess" and data.get("puzzles") is not None:
        raise ConfigError(
            f"{key}.data.puzzles: {data['puzzles']!r}: is read with source lichess only, and "
            f"source is {data['source']}; change one of them"
        )


def _check_milestones(key: str, training: Json) -> None:
    for loss, settings in training.items():
        for milestone in settings["milestones"]:
            if milestone >= settings["epochs"]:
                raise ConfigError(
                    f"{key}.{loss}.milestones: {milestone} is not reached in {settings['epochs']} "
                    "epochs, counted from 0; leave it out"
                )


def _check_sizes(key: str, data: Json, training: Json) -> None:
    for part in ("train", "test"):
        size = data[part].get("size")
        if key == "tasks.mazes" and size % 2 == 0:
            raise ConfigError(
                f"{key}.data.{part}.size: {size} is even; mazes have odd sizes, such as {size + 1}"
            )
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
