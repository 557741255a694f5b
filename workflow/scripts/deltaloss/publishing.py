"""What is said of a run whose small outputs are committed: code, machine, data, time."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from deltaloss.records import load_history


def describe_run(experiment: str, summaries: Sequence[Path]) -> dict[str, object]:
    """Describe a finished run.

    Args:
        experiment: its name.
        summaries: the .json of each training, with the history (.csv) beside it.

    Returns:
        experiment; time of publishing; commit then (None outside a repository) and the files
        that differed from it;
        processor; and for each training its settings' and data's provenance and its seconds.
    """
    return {
        "experiment": experiment,
        "published": datetime.now(UTC).isoformat(timespec="seconds"),
        **describe_source(),
        "processor": processor(),
        "trainings": {
            "/".join((*path.parts[-3:-1], path.stem)): _training(path) for path in summaries
        },
    }


def describe_source() -> dict[str, object]:
    """Give the commit and the files that differ from it.

    Outside a repository the environment's `COMMIT` says which one was carried there.
    """
    commit = _git("rev-parse", "HEAD") or os.environ.get("COMMIT")
    return {"commit": commit, "changed_files": _changed_files()}


def _training(path: Path) -> dict[str, object]:
    summary = json.loads(path.read_text(encoding="utf-8"))
    history: pd.DataFrame = load_history(path.with_suffix(".csv"))
    seconds = history[["train_seconds", "validation_seconds"]].to_numpy().sum()
    return {**summary, "wall_seconds": round(float(seconds), 2)}


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments], capture_output=True, text=True, check=True, timeout=30
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.rstrip("\n")


def _changed_files() -> list[str] | None:
    """List the files under version control that differ from the commit; results do not count."""
    listed = _git("status", "--porcelain", "--untracked-files=no", "--", ":!results")
    return None if listed is None else [line[3:] for line in listed.splitlines()]


def processor() -> str:
    """Name the CPU; Linux says it best in /proc."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.processor() or platform.machine()
