"""From the merged config to an experiment, or to one clear line that says what is wrong with it."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import yaml

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


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A whole experiment that can work."""

    name: str
    hyperparameters: str
    seeds: tuple[int, ...]
    data_seed: int
    device: str
    threads: int
    strict: bool
    tasks: Mapping[str, TaskConfig]

    @property
    def puzzle_file(self) -> Path | None:
        """The Lichess puzzle CSV, where one is given."""
        chess = self.tasks.get("chess")
        return Path(chess.data["puzzles"]) if chess and chess.data["puzzles"] else None

    def chess_counts(self) -> dict[str, int]:
        """Give how many puzzles are for training and for testing."""
        data = self.tasks["chess"].data
        return {"train_count": data["train"]["count"], "test_count": data["test"]["count"]}

    def chess_key(self) -> str:
        """Name the folder of the chess data by where they come from and what they are."""
        data = self.tasks["chess"].data
        source = "mates" if data["puzzles"] is None else "lichess"
        return f"{source}-{digest(self.chess_settings())[:8]}"

    def chess_settings(self) -> dict[str, Any]:
        """Give the settings that decide the chess data; a CSV is read without a seed."""
        data = self.tasks["chess"].data
        chosen = {**self.chess_counts(), "orientation": data["orientation"]}
        if data["puzzles"] is None:
            return {**chosen, "seed": self.data_seed}
        return {**chosen, "puzzles": data["puzzles"]}


def read_experiment(config: Json, schema: Path) -> Experiment:
    """Check a merged config against the schema and against itself.

    Raises:
        ConfigError: one line with key, value, what is allowed and what to do.
    """
    config = {**config, "seeds": _whole(config.get("seeds"))} if "seeds" in config else config
    _check_schema(config, yaml.safe_load(schema.read_text(encoding="utf-8")))
    tasks = {
        name: _read_task(name, given, config["hyperparameters"])
        for name, given in config["tasks"].items()
    }
    return Experiment(
        name=config["experiment"],
        hyperparameters=config["hyperparameters"],
        seeds=tuple(config["seeds"]),
        data_seed=config["data_seed"],
        device=config["device"],
        threads=config["threads"],
        strict=config["strict"],
        tasks=tasks,
    )


def _whole(seeds: object) -> object:
    """Turn text to whole numbers: so the items of --config 'seeds=[1,2]' reach us."""
    if not isinstance(seeds, list):
        return seeds
    return [int(s) if isinstance(s, str) and s.isdecimal() else s for s in seeds]


def check_results_folder(folder: Path) -> None:
    """Refuse a folder for results that cannot be written, without making it."""
    existing = next(path for path in [folder, *folder.absolute().parents] if os.path.lexists(path))
    if not existing.is_dir():
        raise ConfigError(f"results go to {folder}/, but {existing} is not a folder; move it away")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise ConfigError(
            f"results go to {folder}/, but {existing} cannot be written; change its permissions "
            "or run in another folder (snakemake --directory)"
        )


# YAML has no sizes of 9.0: a whole number must be written as one.
_TYPES = jsonschema.Draft202012Validator.TYPE_CHECKER.redefine_many(
    {
        "integer": lambda _, value: isinstance(value, int) and not isinstance(value, bool),
        "number": lambda _, value: (
            isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        ),
    }
)
_Validator = jsonschema.validators.extend(  # type: ignore[no-untyped-call]
    jsonschema.Draft202012Validator, type_checker=_TYPES
)


def _check_schema(config: Json, schema: Json) -> None:
    validator = _Validator(schema)
    errors = sorted(validator.iter_errors(config), key=lambda error: list(map(str, error.path)))
    if errors:
        error = next((e for e in errors if e.validator == "additionalProperties"), errors[0])
        raise ConfigError(_in_words(error))


_ALLOWED = {
    "enum": "allowed: {}",
    "type": "must be {}",
    "minimum": "must be at least {}",
    "maximum": "must be at most {}",
    "exclusiveMinimum": "must be above {}",
    "exclusiveMaximum": "must be below {}",
    "minItems": "must list at least {}",
    "maxItems": "must list at most {}",
    "minProperties": "must have at least {} entry",
    "pattern": "must be letters, digits, '_', '.' or '-', and begin with a letter or digit",
    "not": "this name is kept for something else; choose another",
}


def _in_words(error: jsonschema.ValidationError) -> str:
    """Say in one line where a schema is not met, the value there, and what is allowed."""
    where, value, rule = _key(error.absolute_path), error.instance, error.validator_value
    prefix = f"{where}." if where else ""
    if error.validator == "additionalProperties":
        known = list(error.schema["properties"])  # type: ignore[index]
        unknown = next(str(key) for key in value if key not in known)  # type: ignore[union-attr]
        return f"{prefix}{unknown}: unknown key{nearest(unknown, known)}; known: {', '.join(known)}"
    if error.validator == "required":
        missing = next(key for key in rule if key not in value)  # type: ignore
        return f"{prefix}{missing}: missing"
    if error.validator == "uniqueItems":
        twice = next(item for item in value if value.count(item) > 1)  # type: ignore
        return f"{where}: {twice!r} is listed twice; list each once"
    if error.validator == "type" and isinstance(value, str) and _is_number(value):
        return f"{where}: '{value}' is text in YAML; write a number, with a point: 1.0e-3"
    shown = "null" if value is None else repr(value)
    listed = ", ".join(map(str, rule)) if isinstance(rule, list) else rule
    allowed = _ALLOWED.get(str(error.validator), error.message).format(listed)
    return f"{where or 'config'}: {shown}: {allowed}"


def _key(path: Any) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


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
    _check_sizes(key, given["data"], training)
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
