"""The ledger: the paper's claims with their verdicts, and where the paper contradicts itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pandas as pd

from deltaloss.evidence import paper
from deltaloss.evidence.claims import paper_claims
from deltaloss.evidence.contradictions import CONTRADICTIONS
from deltaloss.evidence.judges import Evidence
from deltaloss.evidence.typeset import Block, Table, text_frame
from deltaloss.puzzles.card import load_card

COLUMNS = ("place", "claim", "task", "printed", "scale", "verdict", "measured", "unit")
NUMBERS = ("value", "low", "high", "p_value", "seeds")


def tabulate_claims(evidence: Evidence, *, experiment: str) -> Table:
    """Judge every claim about the puzzles of an experiment.

    Returns:
        A table whose CSV has one row per claim: `COLUMNS` and the numbers of `Finding`.
    """
    scales = {
        task: paper.scale(task, summary)
        for task, summary in evidence.summaries.items()
        if task in paper.TASKS
    }
    rows = []
    for claim in paper_claims():
        if claim.task and claim.task not in scales:
            continue
        finding = asdict(claim.find(evidence))
        names = {"place": claim.place, "claim": claim.says, "task": claim.task}
        names |= {
            "printed": claim.printed,
            "scale": scales.get(claim.task, ""),
            "verdict": finding.pop("verdict"),
        }
        rows.append({**names, "measured": finding.pop("measured"), "unit": claim.unit, **finding})
    numbers = pd.DataFrame(rows, columns=[*COLUMNS, *NUMBERS])
    return Table(
        caption=f"The paper's claims in the experiment {experiment}.",
        notes=(
            "Rules of the verdicts: docs/protocol.md. Accuracies are the highest over the steps; "
            "in parentheses, ranges over seeds or 95 % intervals."
        ),
        numbers=numbers,
        blocks=[_claims(numbers), _contradictions()],
    )


def _claims(numbers: pd.DataFrame) -> Block:
    puzzles = [
        f"{load_card(task).title}: {scale}" if task else "all"
        for task, scale in zip(numbers["task"], numbers["scale"], strict=True)
    ]
    columns = {
        "Place": numbers["place"].tolist(),
        "Puzzle, scale": puzzles,
        "Claim": numbers["claim"].tolist(),
        "In the paper": [text or "-" for text in numbers["printed"]],
        "Verdict": [f"**{verdict}**" for verdict in numbers["verdict"]],
        "Measured": [_with_test(row) for row in numbers.to_dict("records")],
    }
    printed = text_frame({("", name): texts for name, texts in columns.items()})
    return Block(printed=printed, labels=len(columns), title="Claims")


def _with_test(row: Mapping[Any, Any]) -> str:
    """Append p value and number of seeds to what was measured, where there was a test."""
    if math.isnan(row["p_value"]):
        return str(row["measured"])
    seeds = f"{row['seeds']} seeds" if row["seeds"] > 1 else "one seed"
    return f"{row['measured']}; p = {row['p_value']:.2g}, {seeds}"


def _contradictions() -> Block:
    columns = {
        "What": [one.what for one in CONTRADICTIONS],
        "The paper says": [one.says for one in CONTRADICTIONS],
        "But": [one.but for one in CONTRADICTIONS],
        "Here": [one.here for one in CONTRADICTIONS],
    }
    printed = text_frame({("", name): texts for name, texts in columns.items()})
    title = "Where the paper contradicts itself, its code or its data"
    return Block(printed=printed, labels=len(columns), title=title)
