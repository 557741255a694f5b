"""Table 2: the data sets of all puzzles, with the findings of their audits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from deltaloss.evidence import paper
from deltaloss.evidence.formats import NONE, count
from deltaloss.evidence.typeset import OURS, PAPER, Block, Table, text_frame
from deltaloss.puzzles.card import load_card

PARTS = ("train", "valid", "test")
DIGEST_DIGITS = 12
SHOWN_WARNINGS = 6  # below the table; the reports have them all


def tabulate_data(reports: Sequence[Mapping[str, Any]], *, experiment: str) -> Table:
    """Make table 2 from the audits of all puzzles, one row per file of examples.

    Args:
        reports: reports of `data.audit`, one per puzzle.
        experiment: its name.
    """
    rows = [_row(report, split) for report in reports for split in ("train", "test")]
    lines = [f"{report['task']}, {line}" for report in reports for line in report["warnings"]]
    notes = (
        f"Experiment {experiment}. Pixels: channels and sides of one example. Duplicates: examples "
        "that are there before; leaks: test examples that are in the training file too; seen: "
        "validation examples that are trained on too; in parentheses, counted up to rotation and "
        "reflection. Ones: share of ones among the target pixels that count. Digest: the first "
        f"{DIGEST_DIGITS} digits. "
    )
    for report in reports:
        if report["train"].get("card", {}).get("pixels_per_position") == 1:
            title = load_card(report["task"]).title
            notes += f"{title}: one pixel per position, not two as in the paper. "
    if lines:
        shown, more = " ".join("; ".join(lines[:SHOWN_WARNINGS]).split()), lines[SHOWN_WARNINGS:]
        notes += f"Warnings: {shown}{f'; and {len(more)} more' if more else ''}."
    else:
        notes += "The audit has no warnings."
    return Table(
        caption="Data sets: numbers of examples, and the findings of their audits.",
        notes=notes,
        numbers=pd.DataFrame(rows).convert_dtypes(),  # whole numbers stay so beside gaps
        blocks=_blocks(rows),
    )


def _blocks(rows: Sequence[Mapping[str, Any]]) -> list[Block]:
    """Numbers of examples beside the paper's of equal sets, its other sets, and the audits."""
    alike = [
        paper.same_examples(row["task"], row["split"], row["size"], row["source"]) for row in rows
    ]
    texts = {
        ("", "Dataset"): [row["name"] for row in rows],
        ("", "Source"): [row["source"] or NONE for row in rows],
    }
    for part in PARTS:
        ours, heading = [count(row[part]) for row in rows], part.capitalize()
        if any(alike):
            pairs = zip(rows, alike, strict=True)
            texts[heading, OURS] = ours
            texts[heading, PAPER] = [
                count(row[f"{part}_paper"] if same else None) for row, same in pairs
            ]
        else:
            texts["", heading] = ours
    blocks = [Block(printed=text_frame(texts))]
    keys = [(row["task"], row["split"]) for row, same in zip(rows, alike, strict=True) if not same]
    sets = [paper.DATA[key] for key in keys if key in paper.DATA]
    if sets:
        printed = {("", "Dataset"): [one.name.format(size=one.size) for one in sets]}
        for part in PARTS:
            printed["", part.capitalize()] = [count(getattr(one, part)) for one in sets]
        blocks.append(Block(printed=text_frame(printed), title=paper.OWN_SCALE, labels=1))
    return [*blocks, Block(printed=_audits(rows), title="Audits", labels=1)]


def _audits(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    texts = {
        ("", "Dataset"): [row["name"] for row in rows],
        ("", "Pixels"): [row["inputs_shape"].partition("x")[2] for row in rows],
    }
    for what in ("duplicates", "leaks", "seen"):
        texts["", what.capitalize()] = [_counts(row, what) for row in rows]
    return text_frame(
        texts
        | {
            ("", "Ones (%)"): [f"{row['ones_percent']:.2f}" for row in rows],
            ("", "Warnings"): [count(row["warnings"]) for row in rows],
            ("", "Digest"): [(row["digest"] or NONE)[:DIGEST_DIGITS] for row in rows],
        }
    )


def _counts(row: Mapping[str, Any], what: str) -> str:
    """Print repeated examples, and behind them those up to symmetry."""
    exact, turned = row[f"{what}_exact"], row[f"{what}_up_to_symmetry"]
    return count(exact) + ("" if turned is None else f" ({count(turned)})")


def _row(report: Mapping[str, Any], split: str) -> dict[str, Any]:
    """Numbers of one file of examples."""
    task, audit, leaks = report["task"], report[split], report["leaks"] if split == "test" else {}
    in_paper = paper.DATA.get((task, split), paper.DataSet(name=""))
    warnings = _warnings(report, split)
    row = {
        "task": task,
        "split": split,
        "name": paper.data_name(task, split, audit["size"]),
        "size": audit["size"],
        "size_paper": in_paper.size,
    }
    for part in PARTS:
        ours = (part == "test") == (split == "test")
        row |= {part: report["counts"][part] if ours else None}
        row |= {f"{part}_paper": getattr(in_paper, part)}
    row |= {key: audit[key] for key in ("count", "source", "address", "seed", "digest")}
    row |= {key: "x".join(map(str, audit[key])) for key in ("inputs_shape", "targets_shape")}
    return row | {
        "orientation": audit.get("orientation"),
        "examples_checked": max(
            (check["checked"] for check in audit["checks"].values()), default=0
        ),
        "checks_failed": sum(check["failed"] for check in audit["checks"].values()),
        **_repeats("duplicates", audit["duplicates"]),
        **_repeats("leaks", leaks),
        **_repeats("seen", report["seen"] if split == "train" else {}),
        "leaks_note": leaks.get("note"),
        "ones_percent": audit["ones_percent"],
        "solutions": audit["solutions"].get("what"),
        **{
            f"solutions_{key}": audit["solutions"].get(key)
            for key in ("least", "median", "mean", "most")
        },
        "warnings": len(warnings),
        "warnings_text": "; ".join(warnings),
    }


def _repeats(what: str, counts: Mapping[str, Any]) -> dict[str, float | None]:
    """Columns for each kind of repeated example: found, and expected by chance."""
    return {
        f"{what}_{kind}{suffix}": counts[kind][key] if kind in counts else None
        for kind in ("exact", "up_to_symmetry")
        for suffix, key in (("", "found"), ("_by_chance", "by_chance"))
    }


def _warnings(report: Mapping[str, Any], split: str) -> list[str]:
    """Warnings of one file; those that name neither file, such as leaks, are the test's."""
    own, other = ("train: ", "test: ") if split == "train" else ("test: ", "train: ")
    return [
        line.removeprefix(own)
        for line in report["warnings"]
        if line.startswith(own) or (split == "test" and not line.startswith(other))
    ]
