"""Checks of results before they are published or taken from what was published, and the copies."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from deltaloss.config.published import (
    damaged_copy,
    find_difference,
    group_name,
    path_of,
    read_published,
)
from deltaloss.core.errors import DataError
from deltaloss.core.files import (
    FILES,
    atomic_path,
    check_file,
    csv_text,
    damaged,
    file_sha256,
    read_json,
)
from deltaloss.core.runs import LAST
from deltaloss.evaluation.answers import load_answers

Json = Mapping[str, Any]

AGAIN = "delete it, then make it again by its path"
SAME, MISSING = "the same", "not published"


def publish(files: Sequence[str], expected: Mapping[str, Json]) -> None:
    """Check all results, then copy them to ``results/published/``.

    Args:
        files: results and their summaries; an audit of data among them must fit all of them.
        expected: see `expected_settings`.

    Raises:
        DataError: a result is damaged, or is not what the present workflow makes.
    """
    check_results(files, expected)
    for file in files:
        copy_file(Path(file), Path(path_of(file)))


def check_results(files: Sequence[str], expected: Mapping[str, Json]) -> None:
    """Check results; for arguments and errors see `publish`."""
    digests = example_digests(file for file in files if Path(file).parent.name == "data")
    for file in files:
        check_content(Path(file))
        if file.endswith(".json"):
            _check_origin(file, read_json(Path(file)), expected, digests)


def restore(files: Sequence[str], expected: Mapping[str, Json], audits: Iterable[str]) -> None:
    """Copy results back from ``results/published/``, after the same checks.

    Args:
        files: results and their summaries, as paths outside ``published/``.
        expected: see `expected_settings`.
        audits: of the present examples.

    Raises:
        DataError: a published file is damaged, or belongs to other examples or weights.
    """
    digests = example_digests(audits)
    for file in files:
        copy = Path(path_of(file))
        try:
            check_content(copy)
        except DataError as error:
            raise damaged_copy(copy) from error
        if file.endswith(".json"):
            _check_origin(file, read_published(copy), expected, digests, shown=str(copy))
    for file in files:
        copy_file(Path(path_of(file)), Path(file))


def check_content(path: Path) -> None:
    """Check a result against its summary, and answers against their accuracy curve.

    Raises:
        DataError: it is missing, damaged or changed.
    """
    if path.suffix == ".json":
        read_json(path)
    elif path.suffix == ".npz":
        _check_answers(path)
    else:
        check_file(path)


def _check_answers(path: Path) -> None:
    answers, summary = load_answers(path), read_json(path.with_suffix(".json"))
    summary.pop(FILES, None)
    curve = path.with_suffix(".csv")
    if answers.provenance != summary:
        raise damaged(path)
    if curve.is_file() and curve.read_text(encoding="utf-8") != csv_text(answers.curve()):
        raise damaged(path)


def example_digests(audits: Iterable[str]) -> set[str]:
    """Digests of the examples of puzzles, by their audits."""
    reports = [read_json(Path(audit)) for audit in audits]
    return {report[split]["digest"] for report in reports for split in ("train", "test")}


def _check_origin(
    path: str,
    summary: Json,
    expected: Mapping[str, Json],
    digests: set[str],
    *,
    shown: str | None = None,
) -> None:
    """Refuse a result of other settings, code, examples, weights or inputs.

    Args:
        path: of the summary in ``results/{experiment}/``.
        summary: its content.
        expected: see `expected_settings`.
        digests: of the present examples; none are checked if there are none.
        shown: path in errors, where it is another.
    """
    shown = shown or path
    different = find_difference(path, summary, expected)
    if different:
        raise DataError(f"{shown}: made with {different}; {AGAIN}")
    parts = (summary, summary.get("trained", {}))
    used = {part["data_digest"] for part in parts if part.get("data_digest")}
    if digests and not used <= digests:
        raise DataError(f"{shown}: made with other examples than those audited here; {AGAIN}")
    history = _history_of(path, summary)
    if history and group_name(history) in expected:
        different = find_difference(history, summary["trained"], expected)
        if different:
            raise DataError(f"{shown}: of weights made with {different}; {AGAIN}")
    for name, digest in summary.get("inputs", {}).items():
        if Path(name).is_file() and file_sha256(Path(name)) != digest:
            raise DataError(f"{shown}: made of another {name}; {AGAIN}")


def _history_of(path: str, summary: Json) -> str | None:
    """Path of the summary of the training whose weights gave the answers."""
    trained = summary.get("trained", {})
    if not trained.get("settings"):
        return None
    folder = Path(*Path(path).parts[:2]) / "histories"
    return str(folder / f"{trained['name'].replace(LAST, '')}.json")


def copy_file(source: Path, target: Path) -> None:
    """Copy a file, atomically."""
    with atomic_path(target) as temporary:
        shutil.copyfile(source, temporary)


def list_changes(files: Iterable[str], expected: Mapping[str, Json]) -> dict[str, Counter[str]]:
    """Say for each group of published results whether the present workflow would make them.

    Args:
        files: summaries in ``results/{experiment}/`` whose copies are looked at.
        expected: see `expected_settings`.

    Returns:
        By name of the group, the number of its results in each state: `SAME`, `MISSING`, or the
        settings that have changed since.
    """
    states: dict[str, Counter[str]] = {}
    for file in files:
        copy = Path(path_of(file))
        state = MISSING
        if copy.is_file():
            state = find_difference(file, read_published(copy), expected) or SAME
        states.setdefault(group_name(file), Counter())[state] += 1
    return states
