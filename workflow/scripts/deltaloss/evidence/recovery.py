"""Recovery from disturbed states: a statistic of every seed, and a table over seeds."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from deltaloss.convergence.behaviour import QUANTILES, quantiles
from deltaloss.convergence.disturbances import NOISES, RECOVERY_EXAMPLES, SWAPPED
from deltaloss.core.runs import parse_run, weights_seed
from deltaloss.evidence.convergence import LEAST_PERCENT
from deltaloss.evidence.formats import percent, whole
from deltaloss.evidence.kinds import Measures, tabulate_kinds
from deltaloss.evidence.provenance import RunResults
from deltaloss.evidence.resampling import student_interval
from deltaloss.evidence.typeset import Block, Table, text_frame
from deltaloss.evidence.verdicts import Level, judge_solving, solves_something
from deltaloss.puzzles.card import load_card

HEADINGS = {**{name: f"Noise\n{size:g}" for name, size in NOISES.items()}, SWAPPED: "Swapped"}
MEASURES: Measures = {
    "recovered_percent": ("answers that come back (%)", percent),
    "recovery_steps": ("steps until then", lambda _: whole),
    "alignment": ("alignment", lambda _: "{:.3f}".format),
}
MEAN = "recovered_percent_mean"
SUMMARY_COLUMNS = (
    *("task", "run", "seed", "disturbance", "examples", "undisturbed_correct"),
    "recovered_percent",
    *(f"{measure}{end}" for measure in ("recovery_steps", "alignment") for end in QUANTILES),
)

Key = tuple[Hashable, ...]
"""Puzzle, run and disturbance."""


def summarize_recovery(results: Sequence[RunResults[pd.DataFrame]]) -> pd.DataFrame:
    """Summarize each disturbance for each seed of each run, one row each, with `SUMMARY_COLUMNS`.

    Args:
        results: rows of examples (`recovery.RECOVERY_COLUMNS`).
    """
    rows = [
        {
            **{"task": result.task, "run": result.run.name, "seed": weights_seed(weights)},
            **{
                "disturbance": disturbance,
                **_summarize(table[table["disturbance"] == disturbance]),
            },
        }
        for result in results
        for weights, table in result.by_weights.items()
        for disturbance in HEADINGS
    ]
    return pd.DataFrame(rows, columns=SUMMARY_COLUMNS)


def _summarize(examples: pd.DataFrame) -> dict[str, float]:
    """Summarize the examples that are right before the disturbance, and at the end without it."""
    right = examples[examples["undisturbed_correct"]]
    return {
        "examples": len(examples),
        "undisturbed_correct": len(right),
        "recovered_percent": 100.0 * float(right["correct"].mean()),
        **quantiles(right["recovery_steps"], "recovery_steps"),
        **quantiles(right["alignment"], "alignment"),
    }


def tabulate_recovery(summary: pd.DataFrame, *, experiment: str) -> Table:
    """Make the table: for each puzzle a block of each measure, one row per run."""
    table = tabulate_kinds(
        summary,
        kind="disturbance",
        headings=HEADINGS,
        measures=MEASURES,
        caption=f"Recovery from disturbed states, experiment {experiment}.",
        notes=_notes(),
    )
    groups = list(summary.groupby(["task", "run", "disturbance"]))
    levels = {key: _level(seeds) for key, seeds in groups}
    means = {key: _mean(seeds) for key, seeds in groups}
    keys = table.numbers[["task", "run", "disturbance"]].itertuples(index=False, name=None)
    columns = pd.DataFrame([means[key] | levels[key].columns("recovery") for key in keys])
    return replace(
        table,
        numbers=pd.concat([table.numbers, columns], axis=1),
        blocks=[
            *_blocks(summary, f"{LEAST_PERCENT:g} % come back", lambda key: levels[key].text),
            *_blocks(summary, "mean over seeds (%)", lambda key: _text(means[key])),
            *table.blocks,
        ],
    )


def _level(seeds: pd.DataFrame) -> Level:
    """Judge whether nearly all right answers of the seeds that solve something come back."""
    return judge_solving(seeds["recovered_percent"] >= LEAST_PERCENT, _solving(seeds))


def _solving(seeds: pd.DataFrame) -> pd.Series[bool]:
    return solves_something(seeds["undisturbed_correct"], seeds["examples"])


def _mean(seeds: pd.DataFrame) -> dict[str, float]:
    """Mean over the same seeds, with the part of its interval that is a percentage."""
    values = seeds.loc[_solving(seeds), "recovered_percent"].to_numpy(dtype=float)
    low, high = np.clip(student_interval(values), 0, 100).tolist()
    mean = float(values.mean()) if len(values) else math.nan
    return {MEAN: mean, f"{MEAN}_low": low, f"{MEAN}_high": high}


def _text(mean: Mapping[str, float]) -> str:
    """Print a mean above its interval."""
    value, low, high = (mean[f"{MEAN}{end}"] for end in ("", "_low", "_high"))
    if math.isnan(value):
        return "-"
    return f"{value:.1f}" if math.isnan(low) else f"{value:.1f}\n({low:.1f}–{high:.1f})"


def _blocks(summary: pd.DataFrame, what: str, text: Callable[[Key], str]) -> Iterator[Block]:
    """Yield a block for each puzzle, with one text per run and disturbance."""
    for task, of_task in summary.groupby("task", sort=False):
        runs = [str(run) for run in of_task["run"].unique()]
        texts = {("", "Loss"): [parse_run(run).label for run in runs]}
        for kind, heading in HEADINGS.items():
            texts["", heading] = [text((task, run, kind)) for run in runs]
        yield Block(printed=text_frame(texts), title=f"{load_card(str(task)).title}: {what}")


def _notes() -> str:
    return (
        "After the evaluated steps the state is disturbed, by noise whose norm is 0.1 or 1 times "
        "the state's or by taking the state of another puzzle, and as many steps follow. Of the "
        f"first {RECOVERY_EXAMPLES} test puzzles those count that are right before it, and at the "
        f"end without it. {LEAST_PERCENT:g} % come back: seeds, of those with at least ten such "
        "puzzles; mean: over the same seeds, with Student's 95 % interval, cut at 0 and 100. Come "
        "back: right at the end; steps: from the disturbance to the first answer from which on all "
        "are right, medians of the puzzles; alignment: cosine of the last states with and without "
        "the disturbance, medians. Medians over seeds with their range; seeds without a right "
        "answer are left out."
    )
