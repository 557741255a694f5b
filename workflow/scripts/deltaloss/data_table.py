"""Table 2: how many examples there are, beside the paper's numbers, and what their audit says."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from deltaloss import paper
from deltaloss.typeset import PAPER, Table

PARTS = ("train", "valid", "test")
DIGEST_DIGITS = 12
SHOWN_WARNINGS = 6  # in the caption; the reports have them all

# Of what a caption may not hold, a warning may quote any from a card that is wrong.
_PLAIN = str.maketrans(dict.fromkeys("{}&#$^~\\\n", " "))


def read_reports(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Read the reports of the audits, see `audit.join_audits`."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths]


def tabulate_data(reports: Sequence[Mapping[str, Any]], *, experiment: str) -> Table:
    """Make table 2 from the audits of all puzzles, a row for each file of examples.

    Args:
        reports: as of `audit.join_audits`.
        experiment: its name.
    """
    rows = [_row(report, split) for report in reports for split in ("train", "test")]
    return Table(
        caption=_caption(reports, experiment),
        numbers=pd.DataFrame(rows).convert_dtypes(),  # whole numbers stay so beside gaps
        printed=pd.DataFrame([_printed(row) for row in rows]),
    )


def _row(report: Mapping[str, Any], split: str) -> dict[str, Any]:
    """Give what is known of one file of examples."""
    audit, in_paper = report[split], paper.DATA[report["task"], split]
    own = {"train": ("train", "valid"), "test": ("test",)}[split]
    counts = {
        name: value
        for part in PARTS
        for name, value in (
            (part, report["counts"][part] if part in own else None),
            (f"{part}_paper", getattr(in_paper, part)),
        )
    }
    return {
        "task": report["task"],
        "split": split,
        "name": in_paper.name.format(size=audit["size"]),
        "size": audit["size"],
        "size_paper": in_paper.size,
        **counts,
        **{key: audit[key] for key in ("count", "source", "address", "seed", "digest")},
        "inputs_shape": "x".join(map(str, audit["inputs_shape"])),
        "targets_shape": "x".join(map(str, audit["targets_shape"])),
        "orientation": audit.get("orientation"),
        "examples_checked": max(check["checked"] for check in audit["checks"].values()),
        "checks_failed": sum(check["failed"] for check in audit["checks"].values()),
        **_likenesses("duplicates", audit["duplicates"]),
        **_likenesses("leaks", report["leaks"] if split == "test" else {}),
        "leaks_note": report["leaks"]["note"] if split == "test" else None,
        "ones_percent": audit["ones_percent"],
        "solutions": audit["solutions"]["what"],
        **{f"solutions_{key}": audit["solutions"].get(key) for key in _LENGTHS},
        "warnings": len(_warnings(report, split)),
        "warnings_text": "; ".join(_warnings(report, split)),
    }


_LENGTHS = ("least", "median", "mean", "most")


def _likenesses(what: str, counts: Mapping[str, Any]) -> dict[str, int | float | None]:
    """Give a column for each kind of likeness, found and to be expected."""
    return {
        f"{what}_{name}{suffix}": counts[name][key] if name in counts else None
        for name in ("exact", "up_to_symmetry")
        for suffix, key in (("", "found"), ("_by_chance", "by_chance"))
    }


def _warnings(report: Mapping[str, Any], split: str) -> list[str]:
    """List the warnings of a file; leaks, which name no file, count for the test."""
    other = {"train": "test", "test": "train"}[split]
    named = (f"{split}: ", f"{other}: ")
    return [
        line.removeprefix(named[0])
        for line in report["warnings"]
        if line.startswith(named[0]) or (split == "test" and not line.startswith(named[1]))
    ]


def _printed(row: Mapping[str, Any]) -> dict[str, str]:
    """Give one row as text."""
    texts = {"Dataset": row["name"], "Source": row["source"] or "-"}
    for part in PARTS:
        texts[part.capitalize()] = _whole(row[part])
        texts[f"{PAPER} {part}"] = _whole(row[f"{part}_paper"])
    return texts | {
        "Digest": (row["digest"] or "-")[:DIGEST_DIGITS],
        "Duplicates": _both(row, "duplicates"),
        "Leaks": "-" if row["split"] == "train" else _both(row, "leaks"),
        "Ones (%)": f"{row['ones_percent']:.2f}",
        "Warnings": _whole(row["warnings"]),
    }


def _both(row: Mapping[str, Any], what: str) -> str:
    """Write the exact ones, and those up to symmetry in parentheses."""
    turned = row[f"{what}_up_to_symmetry"]
    return _whole(row[f"{what}_exact"]) + ("" if turned is None else f" ({_whole(turned)})")


def _whole(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def _caption(reports: Sequence[Mapping[str, Any]], experiment: str) -> str:
    lines = [f"{report['task']}, {line}" for report in reports for line in report["warnings"]]
    text = (
        f"Data sets. Ours: experiment {experiment}. (paper): as printed there, for its own sizes. "
        "Digest: the first digits. Duplicates: examples that are there before; leaks: test "
        "examples that are in the training file too; in parentheses, mazes that are so when "
        "turned or mirrored. Ones: share of ones among the target pixels that count. "
    )
    if not lines:
        return f"{text}The audit has no warnings."
    more = len(lines) - SHOWN_WARNINGS
    shown = "; ".join(lines[:SHOWN_WARNINGS]).translate(_PLAIN)
    return f"{text}Warnings: {shown}{f'; and {more} more' if more > 0 else ''}."
