"""The audit of a puzzle's examples: whether every label is right, and what is there twice.

Each puzzle has its module `audit_{task}` with a function `inspect`, which verifies the labels in
another way than they were made. What looks wrong becomes a line in the report's `warnings`.

Shape letters: N examples.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from deltaloss.datasets.audit_base import Findings, Prints, prints_of
from deltaloss.datasets.store import Examples
from deltaloss.errors import DataError
from deltaloss.splits import training_count

_LIKENESS = {"exact": "", "up_to_symmetry": ", turned or mirrored where need be"}

# Entries of a card that say what the examples are; what else a card holds is under "card".
_PROVENANCE = ("source", "address", "seed", "digest")


@dataclass(frozen=True, kw_only=True)
class SplitAudit:
    """The audit of one file of examples.

    Attributes:
        task: the puzzle.
        report: JSON values, see `audit_split`.
        shape: of one input.
        prints: name -> a number [N] for each example, equal where examples are.
        possible: see `audit_base.Findings`.
    """

    task: str
    report: Mapping[str, Any]
    shape: tuple[int, ...]
    prints: Mapping[str, Prints]
    possible: Mapping[str, float]


def audit_split(examples: Examples, card: Mapping[str, Any]) -> SplitAudit:
    """Verify one file of examples and its card.

    The report holds: split, size, count, shapes, provenance; `checks`, each with the number of
    examples looked at and of failures; `duplicates` by kind of likeness; `ones_percent`, the share
    of ones among the target pixels that count; `solutions`, their lengths; `warnings`; the card.

    Raises:
        DataError: the card names no puzzle, or the examples cannot be examples of it.
    """
    task, source = str(card.get("task")), str(card.get("source"))
    try:
        inspect = import_module(f"{__package__}.audit_{task}").inspect
    except ModuleNotFoundError as error:
        raise DataError(f"the card's task is {task!r}, of which there is no audit") from error
    findings: Findings = inspect(examples, source)
    prints = {"exact": prints_of(examples.inputs), **findings.prints}
    duplicates = _duplicates(findings, prints)
    report = {
        "split": card.get("split"),
        **{key: card.get(key) for key in _PROVENANCE},
        "size": findings.size,
        "count": len(examples),
        "inputs_shape": list(examples.inputs.shape),
        "targets_shape": list(examples.targets.shape),
        "checks": {check.name: check.report() for check in findings.checks},
        "duplicates": duplicates,
        "ones_percent": 100.0 * findings.ones / max(1, findings.counted),
        "solutions": dict(findings.solutions),
        **findings.details,
        "warnings": [
            *_card_warnings(examples, card, findings),
            *(line for check in findings.checks for line in check.warnings()),
            *findings.remarks,
            *(
                f"{one['found']} examples are there before{_LIKENESS[name]}{_told(one)}"
                for name, one in _surprises(duplicates)
            ),
        ],
        "card": dict(card),
    }
    return SplitAudit(
        task=task,
        report=report,
        shape=examples.inputs.shape[1:],
        prints=prints,
        possible=findings.possible,
    )


def join_audits(
    train: SplitAudit, test: SplitAudit, *, validation_fraction: float, strict: bool = False
) -> dict[str, Any]:
    """Join the audits of the files for training and testing, and look for leaks between them.

    Args:
        train: of the training examples, those for validation among them.
        test: of the test examples.
        validation_fraction: share of the training examples that validation takes.
        strict: whether a warning is an error.

    Returns:
        task; counts of train, valid and test; the reports of both files; `leaks`, the test
        examples that are among the training examples too, by kind of likeness; warnings of all.

    Raises:
        DataError: the files are of different puzzles, or, if strict, there is a warning.
    """
    if train.task != test.task:
        raise DataError(f"training data of {train.task} and test data of {test.task}; audit alike")
    count = len(train.prints["exact"])
    trained = training_count(count, validation_fraction)
    leaks, lines = _leaks(train, test)
    warnings = [
        *(f"train: {line}" for line in train.report["warnings"]),
        *(f"test: {line}" for line in test.report["warnings"]),
        *lines,
    ]
    if strict and warnings:
        more = f" (and {len(warnings) - 1} more)" if len(warnings) > 1 else ""
        raise DataError(f"{train.task} data: {warnings[0]}{more}; strict: false lets it pass")
    return {
        "task": train.task,
        "counts": {"train": trained, "valid": count - trained, "test": len(test.prints["exact"])},
        "leaks": leaks,
        "warnings": warnings,
        "train": dict(train.report),
        "test": dict(test.report),
    }


def _leaks(train: SplitAudit, test: SplitAudit) -> tuple[dict[str, Any], list[str]]:
    """Count the test examples that are like a training example; give a line for a surprise."""
    if train.shape != test.shape:
        return {**{name: _counted(0, 0.0) for name in test.prints}, "note": "different sizes"}, []
    leaks = {}
    for name, prints in test.prints.items():
        known = train.prints[name]
        share = _distinct(len(known), test.possible.get(name)) / test.possible.get(name, math.inf)
        leaks[name] = _counted(int(np.isin(prints, known).sum()), len(prints) * share)
    text = "test examples are among the training examples"
    lines = [
        f"{one['found']} {text}{_LIKENESS[name]}{_told(one)}" for name, one in _surprises(leaks)
    ]
    return {**leaks, "note": None}, lines


def _duplicates(findings: Findings, prints: Mapping[str, Prints]) -> dict[str, dict[str, Any]]:
    """Count the examples that are like an earlier one."""
    return {
        name: _counted(
            len(one) - len(np.unique(one)),
            len(one) - _distinct(len(one), findings.possible.get(name)),
        )
        for name, one in prints.items()
    }


def _distinct(count: int, possible: float | None) -> float:
    """Give the mean number of different ones among `count` drawn from `possible` alike."""
    if possible is None:
        return count
    return -possible * math.expm1(count * math.log1p(-1 / possible)) if possible > 1 else 1.0


def _counted(found: int, by_chance: float) -> dict[str, Any]:
    return {"found": found, "by_chance": float(f"{by_chance:.3g}") if by_chance > 1e-6 else 0.0}


def _surprises(counts: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, Mapping[str, Any]]]:
    """Keep those of which chance gives as many less often than about once in a billion."""
    return [
        (name, one)
        for name, one in counts.items()
        if one["found"] > one["by_chance"] + 6 * math.sqrt(one["by_chance"])
    ]


def _told(one: Mapping[str, Any]) -> str:
    return f" (by chance {one['by_chance']:.3g})" if one["by_chance"] else ""


def _card_warnings(examples: Examples, card: Mapping[str, Any], findings: Findings) -> list[str]:
    """Say where the card says something else than the examples."""
    found = {
        "count": len(examples),
        "inputs_shape": list(examples.inputs.shape),
        "targets_shape": list(examples.targets.shape),
        "size": findings.size,
        "orientation": findings.details.get("orientation"),
        "digest": _digest(examples),
    }
    return [
        f"the card says {key} {card[key]}, the examples {value}"
        for key, value in found.items()
        if key in card and value is not None and card[key] != value
    ]


def _digest(examples: Examples) -> str:
    """Compute the digest of `store` from its definition: SHA-256 of shapes and packed bits."""
    result = hashlib.sha256()
    for name, bits in (("inputs", examples.inputs), ("targets", examples.targets)):
        result.update(f"{name} {list(bits.shape)}\n".encode())
        result.update(np.packbits(bits).data)
    return result.hexdigest()
