"""Convergence of the networks: a statistic of every seed, and a table of every run over seeds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pandas as pd

from deltaloss.convergence.behaviour import (
    BEHAVIOURS,
    GROWTH,
    LARGE,
    QUANTILES,
    RESOLUTION,
    TOLERANCE,
    quantiles,
)
from deltaloss.core.runs import parse_run, weights_seed
from deltaloss.evidence.formats import share, whole
from deltaloss.evidence.provenance import RunResults
from deltaloss.evidence.rows import Column, Numbers, Row, make_block, names, spread
from deltaloss.evidence.typeset import Table
from deltaloss.evidence.verdicts import Level, judge_solving, solves_something
from deltaloss.puzzles.card import load_card

SHARES = {behaviour: f"{behaviour.replace(' ', '_')}_percent" for behaviour in BEHAVIOURS}
FIXED_AND_CORRECT = "correct_fixed_points_percent"
SETTLED = "settled_percent"

LEVELS = {
    "states": ("States\nconverge", SHARES[BEHAVIOURS[0]]),
    "answers": ("Answers\nconverge", SETTLED),
}
"""Headings of the verdicts, and the shares that decide them."""

Results = Sequence[RunResults[pd.DataFrame]]

LEAST_PERCENT = 99.0
"""Share of the puzzles at which the network of a seed converges (docs/protocol.md)."""

SUMMARY_COLUMNS = (
    *("task", "run", "seed", "examples", "max_correct_percent", "correct_percent"),
    *SHARES.values(),
    *(FIXED_AND_CORRECT, SETTLED),
    *(f"settled_step{ending}" for ending in QUANTILES),
    *("radius_examples", "radius_converged"),
    *(f"radius{ending}" for ending in QUANTILES),
)
TABLE_MEASURES = (
    *("correct_percent", *SHARES.values(), FIXED_AND_CORRECT),
    *(SETTLED, "settled_step", "radius"),
)


def summarize_convergence(steps: Results, examples: Results) -> pd.DataFrame:
    """Summarize each seed of each run, one row each, with `SUMMARY_COLUMNS`.

    Args:
        steps: rows of steps (`behaviour.STEP_COLUMNS`).
        examples: rows of examples (`behaviour.EXAMPLE_COLUMNS`) of the same weights, in the same
            order.
    """
    rows = [
        {
            **{"task": by_step.task, "run": by_step.run.name, "seed": weights_seed(weights)},
            "max_correct_percent": float(table["correct_percent"].max()),
            **_summarize(by_example.by_weights[f"{weights}_examples"]),
        }
        for by_step, by_example in zip(steps, examples, strict=True)
        for weights, table in by_step.by_weights.items()
    ]
    return pd.DataFrame(rows, columns=SUMMARY_COLUMNS).astype({"seed": "Int64"})


def _summarize(examples: pd.DataFrame) -> dict[str, float]:
    shares = {
        name: 100.0 * float((examples["behaviour"] == behaviour).mean())
        for behaviour, name in SHARES.items()
    }
    fixed = examples["behaviour"] == BEHAVIOURS[0]
    radii = examples["radius"].notna()
    return {
        "examples": len(examples),
        "correct_percent": 100.0 * float(examples["correct"].mean()),
        **shares,
        FIXED_AND_CORRECT: 100.0 * float(examples.loc[fixed, "correct"].mean()),
        SETTLED: 100.0 * float(examples["settled_step"].notna().mean()),
        **quantiles(examples["settled_step"], "settled_step"),
        "radius_examples": int(radii.sum()),
        "radius_converged": int((examples.loc[radii, "radius_residual"] <= TOLERANCE).sum()),
        **quantiles(examples["radius"], "radius"),
    }


def tabulate_convergence(summary: pd.DataFrame, *, experiment: str) -> Table:
    """Make the table, one row per run and a block per puzzle, from the statistic of every seed."""
    rows, numbers = [], []
    for (task, name), seeds in summary.groupby(["task", "run"], sort=False):
        run, over_seeds, levels = parse_run(str(name)), _over_seeds(seeds), _levels(seeds)
        texts = {head: levels[what].text for what, (head, _) in LEVELS.items()}
        labels = {"Loss": run.label, **texts}
        rows.append(Row(task=str(task), run=run, labels=labels, numbers=over_seeds))
        row = {"task": task, **names(run), **over_seeds}
        for what, level in levels.items():
            row |= level.columns(what)
        numbers.append(row)
    behaviours = list(_behaviours(rows))
    blocks = []
    for task in dict.fromkeys(row.task for row in rows):
        title, of_task = load_card(task).title, [row for row in rows if row.task == task]
        plain = [replace(row, labels={"Loss": row.labels["Loss"]}) for row in of_task]
        blocks += [
            make_block(of_task, SETTLING, {}, title=title),
            make_block(plain, behaviours, {}, title=f"{title}: last steps (%)"),
        ]
    return Table(
        caption=f"Behaviour of the networks after their last step, experiment {experiment}.",
        notes=_notes(),
        numbers=pd.DataFrame(numbers),
        blocks=blocks,
    )


def _levels(seeds: pd.DataFrame) -> dict[str, Level]:
    correct = (seeds["max_correct_percent"] * seeds["examples"] / 100).round()  # a count
    solving = solves_something(correct, seeds["examples"])
    return {
        what: judge_solving(seeds[share] >= LEAST_PERCENT, solving)
        for what, (_, share) in LEVELS.items()
    }


def _over_seeds(seeds: pd.DataFrame) -> Numbers:
    numbers: dict[str, float | None] = {"seeds": len(seeds)}
    for name in TABLE_MEASURES:
        numbers |= spread(name, [float(value) for value in seeds[name].dropna()])
    return numbers


def _behaviours(rows: Sequence[Row]) -> Iterator[Column]:
    """Yield columns of the last steps: of the behaviours, those that a network shows."""
    yield Column("correct_percent", "Right", share)
    for behaviour, name in SHARES.items():
        if any(row.numbers[f"{name}_max"] for row in rows):
            first, _, second = behaviour.capitalize().rpartition(" ")
            yield Column(name, f"{first}\n{second}" if first else second, share)


SETTLING = (
    Column(SETTLED, "Settled\n(%)", share),
    Column("settled_step", "Settled\nat step", whole),
    Column("radius", "Radius", "{:.3f}".format),
)


def _notes() -> str:
    return (
        "Shares of the test puzzles, medians over seeds with their range. Right: after the last "
        f"step. Fixed point: the state changes by at most {RESOLUTION:g} of its norm at each of "
        f"the last steps; cycle of two: by at least {LARGE:g}, and two steps undo it; growing: the "
        f"norm rises by a factor of {GROWTH:g} over them; drifting: none of these. Settled: "
        "the answer no longer changes; at step: median of these puzzles. States, answers converge: "
        f"seeds at which {LEAST_PERCENT:g} % of the puzzles end at a fixed point, or are settled, "
        "of those that solve anything. Radius: median spectral radius of the step's Jacobian at "
        "the last state; below 1 the step contracts there; where the iteration for it has not "
        "converged, it is the mean growth of a vector."
    )
