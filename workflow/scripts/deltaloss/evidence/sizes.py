"""Networks on puzzles of several sizes: a statistic of every seed, and a table over seeds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

import pandas as pd

from deltaloss.core.runs import parse_run, weights_seed
from deltaloss.evaluation.answers import Answers, load_answers
from deltaloss.evidence.formats import NONE, percent, whole
from deltaloss.evidence.over_seeds import SOLVED_PERCENT
from deltaloss.evidence.paired import wilson_interval
from deltaloss.evidence.provenance import RunResults, read_runs
from deltaloss.evidence.rows import Column, Numbers, Row, make_block, names, spread
from deltaloss.evidence.scaling import LEAST_SIZES, STEPS, PowerLaw, fit_power_law
from deltaloss.evidence.typeset import Block, Table, text_frame
from deltaloss.puzzles.card import load_card

MAXIMUM, LAST, AT_LAST = "max_accuracy_percent", "last_accuracy_percent", "max_at_last_step"
SUMMARY_COLUMNS = (
    *("task", "run", "seed", "size", "examples", "steps"),
    *(MAXIMUM, "low_percent", "high_percent", "solved", STEPS, AT_LAST),
    *(LAST, "not_finite"),
)


def read_sizes(paths: Iterable[Path]) -> dict[int, list[RunResults[Answers]]]:
    """Load answers, by the size of the puzzles.

    Args:
        paths: ``.../{size}/{task}/{run}/{weights}.npz``, those of one size together.
    """
    return {
        size: read_runs(of_size, load_answers)
        for size, of_size in groupby(paths, key=lambda path: int(path.parts[-4]))
    }


def summarize_sizes(by_size: Mapping[int, Sequence[RunResults[Answers]]]) -> pd.DataFrame:
    """Summarize each seed of each run at each size, one row each, with `SUMMARY_COLUMNS`.

    Args:
        by_size: answers of the runs of one puzzle, by its size.
    """
    rows = [
        {
            **{"task": result.task, "run": result.run.name, "seed": weights_seed(weights)},
            **{"size": size, **_summarize(answers)},
        }
        for size, results in by_size.items()
        for result in results
        for weights, answers in result.by_weights.items()
    ]
    return pd.DataFrame(rows, columns=SUMMARY_COLUMNS).sort_values("size", kind="stable")


def _summarize(answers: Answers) -> dict[str, float]:
    curve, best = answers.curve(), answers.best_step()
    at_best, at_last = curve.iloc[best - 1], curve.iloc[-1]
    low, high = wilson_interval(int(at_best["correct"]), answers.examples)
    return {
        "examples": answers.examples,
        "steps": answers.steps,
        MAXIMUM: float(at_best["accuracy_percent"]),
        "low_percent": 100.0 * low,
        "high_percent": 100.0 * high,
        "solved": bool(at_best["accuracy_percent"] >= SOLVED_PERCENT),
        STEPS: best,
        AT_LAST: best == answers.steps,
        LAST: float(at_last["accuracy_percent"]),
        "not_finite": int(at_last["not_finite"]),
    }


def tabulate_sizes(summary: pd.DataFrame, *, experiment: str) -> Table:
    """Make the table of one puzzle: one row per size and run, and the exponents of the runs.

    Args:
        summary: of every seed, `SUMMARY_COLUMNS`.
        experiment: its name.
    """
    task = str(summary["task"].iloc[0])
    laws = {str(run): fit_power_law(rows) for run, rows in summary.groupby("run", sort=False)}
    rows, numbers = [], []
    for (size, run), seeds in summary.groupby(["size", "run"], sort=False):
        parsed, measured = parse_run(str(run)), _over_seeds(seeds)
        labels = {"Size": f"{size:,}", "Loss": parsed.label}
        rows.append(Row(task=task, run=parsed, labels=labels, numbers=measured))
        numbers.append(
            {"task": task, **names(parsed), "size": size, **measured, **_of_law(laws[str(run)])}
        )
    examples = int(summary["examples"].max())
    columns = list(_columns(examples, censored=bool(summary[AT_LAST].any())))
    title = load_card(task).title
    return Table(
        caption=f"{title} of several sizes, experiment {experiment}.",
        notes=_notes(),
        numbers=pd.DataFrame(numbers),
        blocks=[make_block(rows, columns, {}), _law_block(laws)],
    )


def _over_seeds(seeds: pd.DataFrame) -> Numbers:
    solved = seeds[seeds["solved"]]
    one = seeds.iloc[0] if len(seeds) == 1 else None
    numbers: dict[str, float | None] = {
        **{"seeds": len(seeds), "solved": len(solved)},
        **{"examples": int(seeds["examples"].iloc[0]), "steps": int(seeds["steps"].iloc[0])},
        **spread(STEPS, [float(step) for step in solved[STEPS]]),
    }
    for name in (MAXIMUM, LAST):
        numbers |= spread(name, [float(value) for value in seeds[name]])
    for end in ("low", "high"):
        numbers[f"{MAXIMUM}_{end}"] = None if one is None else float(one[f"{end}_percent"])
    return numbers | {AT_LAST: int(seeds[AT_LAST].sum())}


def _of_law(law: PowerLaw | None) -> dict[str, float | None]:
    """Columns of the CSV with the exponent of a run, the same at all its sizes."""
    values = (law.exponent, law.low, law.high, law.seeds) if law else (None, None, None, 0)
    columns = ("exponent", "exponent_low", "exponent_high", "exponent_seeds")
    return dict(zip(columns, values, strict=True))


def _columns(examples: int, *, censored: bool) -> Iterator[Column]:
    """Yield the printed columns: that of too few steps only where a seed had too few."""
    yield Column("solved", "Solved", whole, of_seeds=True)
    yield Column(STEPS, "Steps until\nmax accuracy", whole)
    yield Column(MAXIMUM, "Max accuracy\n(%)", percent(examples))
    yield Column(LAST, "Accuracy at\nlast step (%)", percent(examples))
    if censored:
        yield Column(AT_LAST, "Max at\nlast step", whole, of_seeds=True)


def _law_block(laws: Mapping[str, PowerLaw | None]) -> Block:
    texts = {
        ("", "Loss"): [parse_run(run).label for run in laws],
        ("", "Seeds"): [str(law.seeds) if law else NONE for law in laws.values()],
        ("", "Exponent b"): [describe_exponent(law, "\n") for law in laws.values()],
    }
    return Block(printed=text_frame(texts), title="Steps = a size^b", labels=1)


def describe_exponent(law: PowerLaw | None, between: str = " ") -> str:
    """Exponent and interval as text: "0.98 (0.95–1.01)"."""
    if law is None:
        return NONE
    interval = f"{between}({law.low:.2f}–{law.high:.2f})" if law.seeds > 1 else ""
    return f"{law.exponent:.2f}{interval}"


def _notes() -> str:
    return (
        "Medians over seeds with their range; with one seed the range of the highest accuracy is "
        f"Wilson's 95 % interval. Solved: at least {SOLVED_PERCENT:.0f} % of the puzzles are "
        "right; steps until max accuracy are those of the solved seeds. Max at last step: seeds "
        "whose highest accuracy comes at the last step evaluated, so that more steps might help. "
        "Exponent: fitted for each seed by least squares on logarithms to its solved sizes, "
        f"{LEAST_SIZES} or more, without those whose max is at the last step; mean over seeds with "
        "Student's 95 % interval."
    )
