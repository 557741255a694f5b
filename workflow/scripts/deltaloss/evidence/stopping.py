"""Networks stopped by rules that know no answer: a statistic of every seed, and a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from deltaloss.convergence.behaviour import QUANTILES, quantiles
from deltaloss.convergence.stopping import PATIENCE, RULES, SMALL_CHANGES
from deltaloss.core.runs import weights_seed
from deltaloss.evidence.formats import share, whole
from deltaloss.evidence.kinds import Measures, tabulate_kinds
from deltaloss.evidence.provenance import RunResults
from deltaloss.evidence.typeset import Table

BEST, LAST = "best", "last"
HEADINGS = {
    BEST: "Best on\ntest set",
    LAST: "Last\nstep",
    "confident": "Most\nconfident",
    "unchanged": f"Same\nfor {PATIENCE}",
    **{f"change_{size:.0e}": f"Change\n≤ {size:g}" for size in SMALL_CHANGES},
}
MEASURES: Measures = {
    "accuracy_percent": ("accuracy (%)", lambda _: share),
    "step": ("steps", lambda _: whole),
}
SUMMARY_COLUMNS = (
    *("task", "run", "seed", "rule", "examples", "accuracy_percent"),
    *(f"step{ending}" for ending in QUANTILES),
)

Results = Sequence[RunResults[pd.DataFrame]]


def summarize_stops(steps: Results, examples: Results) -> pd.DataFrame:
    """Summarize each rule for each seed of each run, one row each, with `SUMMARY_COLUMNS`.

    Args:
        steps: rows of steps (`behaviour.STEP_COLUMNS`).
        examples: rows of examples (`behaviour.EXAMPLE_COLUMNS`) of the same weights, in the same
            order.
    """
    rows = [
        {"task": by_step.task, "run": by_step.run.name, "seed": weights_seed(weights), **row}
        for by_step, by_example in zip(steps, examples, strict=True)
        for weights, table in by_step.by_weights.items()
        for row in _summarize(table, by_example.by_weights[f"{weights}_examples"])
    ]
    return pd.DataFrame(rows, columns=SUMMARY_COLUMNS)


def _summarize(steps: pd.DataFrame, examples: pd.DataFrame) -> Iterator[dict[str, object]]:
    accuracy = steps["correct_percent"].to_numpy()
    for rule, row in ((BEST, int(accuracy.argmax())), (LAST, len(accuracy) - 1)):
        yield {
            **{"rule": rule, "examples": len(examples), "accuracy_percent": accuracy[row]},
            **{f"step{ending}": row + 1.0 for ending in QUANTILES},
        }
    for rule in RULES:
        yield {
            **{"rule": rule, "examples": len(examples)},
            "accuracy_percent": 100.0 * float(examples[f"{rule}_correct"].mean()),
            **quantiles(examples[f"{rule}_step"], "step"),
        }


def tabulate_stopping(summary: pd.DataFrame, *, experiment: str) -> Table:
    """Make the table: for each puzzle a block of accuracies and one of steps, one row per run."""
    return tabulate_kinds(
        summary,
        kind="rule",
        headings=HEADINGS,
        measures=MEASURES,
        caption=f"Networks stopped without knowing the answers, experiment {experiment}.",
        notes=_notes(),
    )


def _notes() -> str:
    return (
        "Medians over seeds with their range; steps are medians over the puzzles. Best: after the "
        "step of the highest accuracy, which is chosen on the test puzzles, as in tables 5-7, but "
        "here in fp32. The other columns know no answer. Most confident: after the step whose "
        "answer the network is surest of, of all steps; same: once the answer is that of the "
        f"{PATIENCE} steps before; change: once a step changes the state by no more than this part "
        "of its norm. A puzzle that meets no condition is stopped at the last step."
    )
