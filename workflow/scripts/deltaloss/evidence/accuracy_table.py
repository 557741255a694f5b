"""Tables 5-7: steps until the highest accuracy, accuracies, and tests against the Delta run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from deltaloss.core.runs import RELEASED, Run, parse_run, write_number
from deltaloss.evidence import paper
from deltaloss.evidence.formats import NONE, percent, whole
from deltaloss.evidence.over_seeds import SOLVED_PERCENT
from deltaloss.evidence.paired import SIGNIFICANCE, wilson_interval
from deltaloss.evidence.provenance import RunResults
from deltaloss.evidence.rows import (
    Column,
    Results,
    Row,
    Summaries,
    alpha,
    describe_seeds,
    make_block,
    names,
    of_paper,
    paper_block,
    spread,
)
from deltaloss.evidence.typeset import Block, Table
from deltaloss.puzzles.card import load_card

REFERENCE = Run(loss="delta")  # every other run is tested against it
STEPS = "steps_until_max_accuracy"
MAXIMUM, LAST = "max_accuracy_percent", "last_accuracy_percent"
COMPARED = {MAXIMUM: "maximum", LAST: "last"}  # accuracy -> comparison of the statistics
DIFFERS, DIFFERS_IN_SOLVED = "†", "‡"

Tests = Sequence[pd.DataFrame]  # of `compare_runs` and of `compare_over_seeds`


def tabulate_accuracy(
    results: Results, *, experiment: str, summaries: Summaries, tests: Tests
) -> Table:
    """Make an accuracy table.

    Args:
        results: accuracy curves of one puzzle's runs, then those of released weights.
        experiment: its name.
        summaries: of the puzzle.
        tests: of the differences between its runs.
    """
    task = results[0].task
    plotted = summaries[task]["plotted"]
    decimals = max(_decimals(result.run) for result in results)
    rows = [
        Row(
            task=task,
            run=result.run,
            labels=_labels(result.run, plotted, decimals),
            released=result.released,
            numbers=_measure(result)
            | _p_values(result, tests)
            | of_paper(paper.ACCURACY, task, result.run, (STEPS, MAXIMUM)),
        )
        for result in results
    ]
    numbers = [
        {
            **names(row.run),
            **({"run": f"{row.run.name}@{RELEASED}"} if row.released else {}),
            **{"plotted": row.run.name in plotted, **row.numbers},
        }
        for row in rows
    ]
    return Table(
        caption=_caption(results[0], summaries[task]),
        notes=" ".join(_notes(experiment, results, rows)),
        numbers=pd.DataFrame(numbers),
        blocks=_blocks(rows, summaries[task], decimals),
    )


def _measure(result: RunResults[pd.DataFrame]) -> dict[str, float | None]:
    """Numbers of one run over its seeds; with several, steps are those of the solved seeds.

    Released weights are measured as one seed, but counted as none.
    """
    curves = list(result.by_weights.values())
    best = [curve.iloc[int(curve["correct"].argmax())] for curve in curves]
    last = [curve.iloc[-1] for curve in curves]
    solved = [row for row in best if row["accuracy_percent"] >= SOLVED_PERCENT]
    counted = solved if len(curves) > 1 else best
    numbers: dict[str, float | None] = {
        **{"seeds": len(curves), "solved": len(solved), "examples": int(best[0]["examples"])},
        **spread(STEPS, [float(row["step"]) for row in counted]),
    }
    for name, ends in ((MAXIMUM, best), (LAST, last)):
        numbers |= spread(name, [float(row["accuracy_percent"]) for row in ends])
        limits: tuple[float | None, ...] = (None, None)
        if len(ends) == 1:
            interval = wilson_interval(int(ends[0]["correct"]), int(ends[0]["examples"]))
            limits = tuple(100.0 * limit for limit in interval)
        numbers |= dict(zip((f"{name}_low", f"{name}_high"), limits, strict=True))
    lost = [float(row["not_finite"]) for row in last]
    numbers |= spread("not_finite", lost) | {"not_finite_seeds": sum(map(bool, lost))}
    return numbers | {"seeds": 0, "solved": None} if result.released else numbers


def _p_values(result: RunResults[pd.DataFrame], tests: Tests) -> dict[str, float | None]:
    """P values of the differences from the Delta run with weights of the same kind.

    One seed: McNemar's exact test, adjusted by Holm's procedure. Several: the sign-flip test of
    accuracies and, at the highest ones, Fisher's test of solved seeds. Released weights: none.
    """
    if result.released:
        return dict.fromkeys(f"{name}_p_value" for name in COMPARED)
    several = len(result.by_weights) > 1
    test = "p_value_sign_flip" if several else "p_value_holm"
    wanted = {name: (comparison, test) for name, comparison in COMPARED.items()}
    wanted |= {"solved": (COMPARED[MAXIMUM], "p_value_solved")} if several else {}
    seed_by_seed, over_seeds = tests
    rows = over_seeds if several else seed_by_seed
    pair = {result.run.name, replace(REFERENCE, last=result.run.last).name}
    tested = rows[rows["first"].isin(pair) & rows["second"].isin(pair)].set_index("comparison")
    return {
        f"{name}_p_value": tested[test].astype(float).dropna().to_dict().get(comparison)
        for name, (comparison, test) in wanted.items()
    }


def _blocks(rows: Sequence[Row], summary: Mapping[str, Any], decimals: int) -> list[Block]:
    """Rows of selected weights, last epochs, released weights, and the paper's if not beside."""
    task, trained = rows[0].task, [row for row in rows if not row.released]
    columns = list(_columns(trained))
    beside = [task] if paper.same_scale(task, summary) else []
    selected = [row for row in trained if not row.run.last]
    blocks = [make_block(selected, columns, paper.ACCURACY, beside=beside)]
    if last := [row for row in trained if row.run.last]:
        title = "Weights of the last epoch"
        blocks.append(make_block(last, columns, paper.ACCURACY, title=title))
    if released := [row for row in rows if row.released]:
        own, title = list(_columns(released)), "Released weights, not trained here"
        blocks.append(make_block(released, own, paper.ACCURACY, beside=beside, title=title))
    printed = {run: row for (one, run), row in paper.ACCURACY.items() if one == task}
    if printed and not beside:
        labels = [_labels(parse_run(run), paper.PLOTTED[task], decimals) for run in printed]
        blocks.append(paper_block(labels, list(printed.values()), columns))
    return blocks


def _columns(rows: Sequence[Row]) -> Iterator[Column]:
    accuracy = percent(max(int(row.numbers["examples"] or 0) for row in rows))
    several = _several(rows)
    if several:
        yield Column("solved", "Solved", whole, of_seeds=True, mark=DIFFERS_IN_SOLVED)
    yield Column(STEPS, "Steps until\nmax accuracy", whole, in_paper=True)
    yield Column(
        MAXIMUM, "Max accuracy\n(%)", accuracy, in_paper=True, best="highest", mark=DIFFERS
    )
    yield Column(LAST, "Accuracy at\nlast step (%)", accuracy, best="highest", mark=DIFFERS)
    if any(row.numbers["not_finite_seeds"] for row in rows):
        name = "not_finite_seeds" if several else "not_finite"
        yield Column(name, "Not\nfinite", whole, of_seeds=several)


def _caption(result: RunResults[pd.DataFrame], summary: Mapping[str, Any]) -> str:
    card, curve = load_card(result.task), next(iter(result.by_weights.values()))
    trained, tested = (card.describe(summary[f"{split}_size"]) for split in ("train", "test"))
    return (
        f"{card.title}: steps until the highest accuracy on {int(curve['examples'].iloc[0]):,} "
        f"test puzzles ({tested}{f'; trained on {trained}' if trained != tested else ''}), of "
        f"{len(curve):,} steps evaluated."
    )


def _notes(experiment: str, results: Results, rows: Sequence[Row]) -> Iterator[str]:
    several = _several(rows)
    seeds = describe_seeds([one for one in results if not one.released])
    yield f"Experiment {experiment}, {seeds}. * plotted in figure 1."
    if several:
        yield "Medians over the seeds; below them the lowest and the highest value."
        yield f"Solved: seeds with at least {SOLVED_PERCENT:g} % of the puzzles right at some step;"
        yield "steps are those of solved seeds only."
    else:
        yield "Below accuracies: Wilson's 95 % interval."
    yield "Bold: the highest accuracy, unless all are equal."
    yield from _tests_in_words(rows, several=several)
    if any(row.released for row in rows):
        yield "Released weights are in no test; below their accuracies: Wilson's 95 % interval."
    if any(row.numbers["not_finite_seeds"] for row in rows):
        yield f"Not finite: {'seeds with ' if several else ''}puzzles whose state overflowed, which"
        yield "count as wrong from there on."
    else:
        yield "No state overflowed."


def _tests_in_words(rows: Sequence[Row], *, several: bool) -> Iterator[str]:
    """Yield the meaning of each mark, or say that there is none."""
    test = "exact sign-flip test over seeds" if several else "McNemar's exact test, Holm-adjusted"
    marks = {
        DIFFERS: (tuple(COMPARED), f"accuracy differs from Delta's ({test}"),
        DIFFERS_IN_SOLVED: (("solved",), "solved seeds differ from Delta's (Fisher's exact test"),
    }
    for mark, (keys, meaning) in marks.items():
        p_values = [row.numbers.get(f"{key}_p_value") for row in rows for key in keys]
        known = [value for value in p_values if value is not None]
        if any(value < SIGNIFICANCE for value in known):
            yield f"{mark} {meaning}, p < {SIGNIFICANCE:g})."
        elif known:
            yield f"No {meaning}, p < {SIGNIFICANCE:g})."


def _several(rows: Sequence[Row]) -> bool:
    return any((row.numbers["seeds"] or 0) > 1 for row in rows)


def _labels(run: Run, plotted: Sequence[str], decimals: int) -> dict[str, str]:
    """Columns that name a row; a parameter other than alpha stands in the run's label."""
    value = alpha(run)
    label = (replace(run, last=False) if value is None else Run(loss=run.loss)).label
    return {
        "Loss": f"{label}*" if run.name in plotted else label,
        "α": NONE if value is None else f"{value:.{decimals}f}",
    }


def _decimals(run: Run) -> int:
    """Count the decimals that write alpha, one at least."""
    value = alpha(run)
    return 1 if value is None else max(1, len(write_number(value).partition(".")[2]))
