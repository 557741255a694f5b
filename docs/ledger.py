"""The ledger of the README: every claim of the paper against the studies."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from docs.tables import LOSSES, NOT_RUN, PUBLISHED, SWEEP, table

from deltaloss.core.runs import parse_run  # isort: skip
from deltaloss.evidence.verdicts import UNTESTABLE  # isort: skip

COLUMNS = [  # of the ledger: experiment, puzzle and head
    ("gpu", "prefix_sums", "prefix sums, paper's network"),
    ("gpu-mazes", "mazes", "mazes, paper's network, 7 epochs"),
    ("laptop", "prefix_sums", "prefix sums, small"),
    ("laptop", "mazes", "mazes, small"),
    ("laptop", "chess", "chess, small"),
]
MEASURED = {  # where convergence was measured on networks of another experiment
    ("gpu", "prefix_sums"): "gpu-convergence",
    ("gpu-mazes", "mazes"): "gpu-mazes-convergence",
    ("laptop", "prefix_sums"): SWEEP,
    ("laptop", "chess"): "laptop-own",
}
MEASURED_CLAIM = "converges, measured: its states come to rest, its answers no longer change"

# Any alpha but 0, which is a loss by itself.
_OWN_ALPHA = re.compile(r"Progressive, α = (\d+\.\d+|[1-9]\d*)")


def ledger() -> list[str]:
    """Lines of a table: claims of the paper against studies, with verdicts and numbers."""
    rows: dict[str, dict[str, str]] = {}
    for experiment, task, head in COLUMNS:
        claims = _claims(experiment, task)
        if experiment == "laptop":
            swept, other = _claims(SWEEP, task), _claims(LOSSES, task)
            swept = swept[swept["claim"].str.contains("depends")]
            other = other[other["place"] == "Appendix A.1"]
            claims = pd.concat([claims[claims["place"] != "Appendix A.1"], swept, other])
        for claim in claims[claims["verdict"] != UNTESTABLE].to_dict("records"):
            name = _OWN_ALPHA.sub("Progressive", claim["claim"])
            rows.setdefault(name, {})[head] = _cell(claim["verdict"], claim["measured"])
        for run, row in _measured(experiment, task).iterrows():
            loss = _OWN_ALPHA.sub("Progressive", parse_run(run).label)
            cells = [_level(row, what) for what in ("states", "answers")]
            if row["states_verdict"] != UNTESTABLE:
                rows.setdefault(f"{loss} {MEASURED_CLAIM}", {})[head] = "; ".join(cells)
    heads = [f"{head}, {_seeds(experiment, task)}" for experiment, task, head in COLUMNS]
    cells = [[name, *(row.get(head, "-") for *_, head in COLUMNS)] for name, row in rows.items()]
    return table(["claim of the paper", *heads], cells)


def _claims(experiment: str, task: str) -> pd.DataFrame:
    """Claims about a puzzle that are about accuracies and steps; none if it is not published."""
    path = PUBLISHED / experiment / f"claims_{task}.csv"
    if not path.is_file():
        return pd.DataFrame(columns=["place", "claim", "verdict", "measured"], dtype=str)
    claims = pd.read_csv(path)
    return claims[(claims["task"] == task) & (claims["unit"] != "ratio")]


def _measured(experiment: str, task: str) -> pd.DataFrame:
    """Verdicts on measured convergence, by run; none if it is not published."""
    name = MEASURED.get((experiment, task), experiment)
    path = PUBLISHED / name / "tables" / f"convergence_{task}.csv"
    return pd.read_csv(path, index_col="run") if path.is_file() else pd.DataFrame()


def _seeds(experiment: str, task: str) -> str:
    path = PUBLISHED / experiment / "statistics" / f"seeds_{task}.csv"
    if not path.is_file():
        return NOT_RUN
    seeds = pd.read_csv(path)["seed"].nunique()
    return f"{seeds} seeds" if seeds > 1 else "one seed"


def _level(row: pd.Series[Any], what: str) -> str:
    """Verdict on states or answers, and at how many seeds, if there are several."""
    verdict, met, seeds = (row[f"{what}_{name}"] for name in ("verdict", "met", "seeds"))
    return f"{what} **{verdict}**" + (f": {met} of {seeds} seeds" if seeds > 1 else "")


def _cell(verdict: str, measured: str) -> str:
    """Verdict and the part of what was measured that decides."""
    parts = measured.split("; ")
    decisive = next((part for part in parts if part.startswith("difference")), parts[0])
    return f"**{verdict}**: {decisive.removeprefix('difference ')}"
