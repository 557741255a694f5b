"""Audit the examples of a puzzle: whether every label is right, and what is there twice.

The puzzle's own checks, `inspect` in ``puzzles/{task}/audit.py``, verify labels by another method
than made them. What makes a label wrong or unproven becomes a line of the report's `errors`, any
other suspicious result a line of its `warnings`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltaloss.core.errors import DataError
from deltaloss.core.files import read_json
from deltaloss.core.log import logger
from deltaloss.data.repeats import Counts, count_common, count_repeats, surprises
from deltaloss.data.store import load_examples, load_manifest, mark_audited
from deltaloss.puzzles.base import Examples
from deltaloss.puzzles.checks import Findings, Prints, prints_of

# Entries of a manifest that say where the examples come from.
_ORIGIN = ("source", "address", "seed", "digest")

# Entries that other values of show a file of examples that is not the manifest's.
_MEASURED = ("count", "inputs_shape", "targets_shape", "digest")


@dataclass(frozen=True, kw_only=True)
class SplitAudit:
    """The audit of one file of examples.

    Attributes:
        task: the puzzle.
        report: JSON values, see `audit_split`.
        shape: of one input.
        prints: by kind of likeness, a number for each example [N], equal for like examples.
        possible: see `Findings`.
    """

    task: str
    report: Mapping[str, Any]
    shape: tuple[int, ...]
    prints: Mapping[str, Prints]
    possible: Mapping[str, float]


def audit_split(examples: Examples, manifest: Mapping[str, Any]) -> SplitAudit:
    """Verify one file of examples and its manifest.

    The report holds: split, size, count, shapes, origin; `checks`, each with its number of
    examples and of failures; `duplicates` by kind of likeness; `ones_percent`, the share
    of ones among the target pixels that count; `solutions`, their lengths; `errors`; `warnings`;
    the manifest, under the key `card`.

    Raises:
        DataError: the manifest names no known puzzle, or the examples cannot be examples of it.
    """
    task, source = str(manifest.get("task")), str(manifest.get("source"))
    findings = _inspect(task, examples, source)
    prints = {"exact": prints_of(examples.inputs), **findings.prints}
    duplicates = {
        name: count_repeats(one, findings.possible.get(name, math.inf))
        for name, one in prints.items()
    }
    mismatches = _mismatches(examples, manifest, findings)
    report = {
        "split": manifest.get("split"),
        **{key: manifest.get(key) for key in _ORIGIN},
        "size": findings.size,
        "count": len(examples),
        "inputs_shape": list(examples.inputs.shape),
        "targets_shape": list(examples.targets.shape),
        "checks": {check.name: check.report() for check in findings.checks},
        "duplicates": duplicates,
        "ones_percent": 100.0 * findings.ones / max(1, findings.counted),
        "solutions": dict(findings.solutions),
        **findings.details,
        "errors": [
            *(line for key, line in mismatches.items() if key in _MEASURED),
            *(line for check in findings.checks if check.proves for line in check.faults()),
        ],
        "warnings": [
            *(line for key, line in mismatches.items() if key not in _MEASURED),
            *(line for check in findings.checks if not check.proves for line in check.faults()),
            *findings.remarks,
            *surprises(duplicates, "examples are there before"),
        ],
        "card": dict(manifest),
    }
    return SplitAudit(
        task=task,
        report=report,
        shape=examples.inputs.shape[1:],
        prints=prints,
        possible=findings.possible,
    )


def join_audits(
    train: SplitAudit, test: SplitAudit, *, validation: NDArray[np.int64]
) -> dict[str, Any]:
    """Join the audits of a puzzle's two files, and look for leaks between them.

    Args:
        train: of the training examples, those for validation included.
        test: of the test examples.
        validation: numbers, from 0, of the training examples that are for validation.

    Returns:
        task; counts of train, valid and test; the reports of both files; by kind of likeness
        `leaks`, the test examples that are among the training examples too, and `seen`, the
        validation examples that are among those trained on; all errors and warnings.

    Raises:
        DataError: the files are of different puzzles.
    """
    if train.task != test.task:
        raise DataError(f"training data of {train.task} and test data of {test.task}; audit alike")
    leaks, seen = _leaks(train, test), _seen(train, validation)
    trained = len(train.prints["exact"]) - len(validation)
    same_shape = train.shape == test.shape
    lines = {
        kind: [
            *(f"train: {line}" for line in train.report[kind]),
            *(f"test: {line}" for line in test.report[kind]),
        ]
        for kind in ("errors", "warnings")
    }
    return {
        "task": train.task,
        "counts": {
            "train": trained,
            "valid": len(validation),
            "test": len(test.prints["exact"]),
        },
        "seen": seen,
        "leaks": {**leaks, "note": None if same_shape else "different sizes"},
        "errors": lines["errors"],
        "warnings": [
            *lines["warnings"],
            *surprises(seen, "validation examples are among those trained on"),
            *_leak_lines(leaks),
        ],
        "train": dict(train.report),
        "test": dict(test.report),
    }


def load_report(path: Path) -> dict[str, Any]:
    """Load a report that was written as the JSON file of its puzzle.

    Raises:
        DataError: the file is missing, damaged, something else, or that of another puzzle.
    """
    report = read_json(path)
    if report["task"] != path.stem:
        raise DataError(f"{path}: is that of {report['task']}; delete it, then make it again")
    return report


def audit_made(files: Mapping[str, Path], *, source: Path | None, strict: bool) -> None:
    """Audit files of examples that were just made, and mark them as audited.

    Args:
        files: by split; where both are there, leaks between them are looked for too.
        source: file that they were read from; None where they were made.
        strict: whether a warning is an error.

    Raises:
        DataError: as of `refuse`.
    """
    audits = {
        split: audit_split(load_examples(path), load_manifest(path))
        for split, path in files.items()
    }
    errors, warnings = (
        [f"{split}: {line}" for split, one in audits.items() for line in one.report[kind]]
        for kind in ("errors", "warnings")
    )
    if len(audits) > 1:
        warnings += _leak_lines(_leaks(audits["train"], audits["test"]))
    for line in (*errors, *warnings):
        logger.debug("%s", line)
    origin = f"{source}: " if source else ""
    task = next(iter(audits.values())).task
    refuse(f"{origin}{task} data", errors, warnings, strict=strict)
    for path in files.values():
        mark_audited(path, warnings)


def refuse(what: str, errors: Sequence[str], warnings: Sequence[str], *, strict: bool) -> None:
    """Refuse examples that are wrong.

    Args:
        what: begins the text of the error.
        errors: of the audit.
        warnings: of the audit.
        strict: whether a warning is an error.

    Raises:
        DataError: there is an error, or, if strict, a warning.
    """
    lines = errors or (warnings if strict else [])
    if not lines:
        return
    more = f" (and {len(lines) - 1} more, see the log)" if len(lines) > 1 else ""
    remedy = "nothing is trained on such examples: correct their source"
    if not errors:
        remedy = "correct their source, or let it pass by strict: false"
    raise DataError(f"{what}: {lines[0]}{more}; {remedy}")


def _inspect(task: str, examples: Examples, source: str) -> Findings:
    """Run the puzzle's own audit; without one, nothing is proven."""
    try:
        findings: Findings = import_module(f"deltaloss.puzzles.{task}.audit").inspect(
            examples, source
        )
    except ModuleNotFoundError as error:
        if error.name == f"deltaloss.puzzles.{task}":
            raise DataError(f"the manifest's task is {task!r}: no such puzzle") from error
        if error.name != f"deltaloss.puzzles.{task}.audit":
            raise
        return Findings(
            size=None,
            checks=[],
            ones=int(examples.targets.sum()),
            counted=examples.targets.size,
            solutions={"what": "not examined", "count": 0},
            prints={},
            remarks=[f"no label is proven: puzzles/{task}/ has no audit.py"],
        )
    return findings


def _leaks(train: SplitAudit, test: SplitAudit) -> Counts:
    """Count the test examples that are like a training example."""
    if train.shape != test.shape:
        return {name: count_common(prints[:0], prints, 1.0) for name, prints in test.prints.items()}
    return {
        name: count_common(prints, train.prints[name], test.possible.get(name, math.inf))
        for name, prints in test.prints.items()
    }


def _seen(train: SplitAudit, validation: NDArray[np.int64]) -> Counts:
    """Count the validation examples that are like one that is trained on."""
    return {
        name: count_common(
            prints[validation],
            np.delete(prints, validation),
            train.possible.get(name, math.inf),
        )
        for name, prints in train.prints.items()
    }


def _leak_lines(leaks: Counts) -> list[str]:
    return surprises(leaks, "test examples are among the training examples")


def _mismatches(
    examples: Examples, manifest: Mapping[str, Any], findings: Findings
) -> dict[str, str]:
    """Lines, by entry, on what the manifest says otherwise than the examples."""
    found = {
        "count": len(examples),
        "inputs_shape": list(examples.inputs.shape),
        "targets_shape": list(examples.targets.shape),
        "size": findings.size,
        "digest": examples.digest(),
        **findings.details,
    }
    return {
        key: f"the manifest says {key} {manifest[key]}, the examples {value}"
        for key, value in found.items()
        if key in manifest and value is not None and manifest[key] != value
    }
