"""Provenance of results: a file's run, a job's inputs, the commit and machine of a whole run."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Generic, TypeVar

import pandas as pd

from deltaloss.core.files import check_file, file_sha256, write_json
from deltaloss.core.machine import processor
from deltaloss.core.runs import RELEASED, Run, parse_run
from deltaloss.core.source import describe_source, source_version

PACKAGES = ("numpy", "pandas", "scipy", "matplotlib")

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class RunResults(Generic[T]):
    """Results of one run on one puzzle.

    Attributes:
        task: name of the puzzle.
        run: the loss with its parameter.
        by_weights: name of the weights ("seed42") -> their curve, history or answers.
    """

    task: str
    run: Run
    by_weights: Mapping[str, T]

    @property
    def released(self) -> bool:
        """Whether the weights are a checkpoint that others trained, which is no seed."""
        return RELEASED in self.by_weights


def read_runs(paths: Iterable[Path], load: Callable[[Path], T]) -> list[RunResults[T]]:
    """Load results and group them by run; runs and weights keep the order of `paths`.

    Released weights are results of their own, apart from the seeds of the same run.

    Args:
        paths: ``.../{task}/{run}/{weights}.{suffix}``.
        load: reads one file.
    """
    loaded: dict[tuple[str, str, bool], dict[str, T]] = {}
    for path in paths:
        task, run = path.parts[-3:-1]
        key = task, run, path.stem == RELEASED
        loaded.setdefault(key, {})[path.stem] = load(path)
    return [
        RunResults(task=task, run=parse_run(run), by_weights=by_weights)
        for (task, run, _), by_weights in loaded.items()
    ]


def load_table(path: Path) -> pd.DataFrame:
    """Read a CSV file of results.

    Raises:
        DataError: it, or the provenance beside it, is missing or damaged.
    """
    check_file(path)
    return pd.read_csv(path)


def save_provenance(
    path: Path, settings: Mapping[str, object], *, inputs: Iterable[str], outputs: Iterable[str]
) -> None:
    """Write the settings, digests and package versions of a table, figure or statistic.

    Args:
        path: .json file to write.
        settings: of the job, including the digest of its code.
        inputs: files that were read; each has its own provenance beside or in it.
        outputs: files that were written beside `path`.
    """
    digests = {name: file_sha256(Path(name)) for name in inputs}
    origin = {"settings": settings, "inputs": digests, "versions": _versions()}
    write_json(path, origin, files=map(Path, outputs))


def describe_run(experiment: str) -> dict[str, object]:
    """Describe the publication of an experiment, or of a part of it.

    Settings, code, data and machine of each result are in the result, or beside it.

    Returns:
        experiment, time of publication, commit, changed files, processor and versions.
    """
    return {
        "experiment": experiment,
        "published": datetime.now(UTC).isoformat(timespec="seconds"),
        **describe_source(),
        "processor": processor(),
        "versions": _versions(),
    }


def _versions() -> dict[str, str]:
    packages = {name: version(name) for name in PACKAGES}
    return {"workflow": source_version(), "python": platform.python_version(), **packages}
