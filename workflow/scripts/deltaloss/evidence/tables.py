"""Table 2 (data), 4 (training) and the accuracy tables: ours beside the paper's printed values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from deltaloss.core.runs import LOSSES, Run, weights_seed, write_number
from deltaloss.data.audit import load_report
from deltaloss.evaluation.answers import load_curve
from deltaloss.evidence import paper
from deltaloss.evidence.provenance import RunResults, read_runs
from deltaloss.evidence.statistics import (
    at_best,
    at_end,
    best_epoch,
    hours_per_epoch,
    hours_to_best,
    max_validation,
)
from deltaloss.evidence.typeset import PAPER, Table, count, hours, percent, plain, whole
from deltaloss.puzzles.card import load_card
from deltaloss.training.history import load_history

PARTS = ("train", "valid", "test")
DIGEST_DIGITS = 12
SHOWN_WARNINGS = 6  # in the caption; the reports have them all

Results = Sequence[RunResults[pd.DataFrame]]
Plotted = Mapping[str, Sequence[str]]  # puzzle -> runs of figure 1


def make_table(kind: str, paths: Iterable[Path], settings: Mapping[str, Any]) -> Table:
    """Read a table's inputs and make it.

    Args:
        kind: "data", "training" or "accuracy".
        paths: audit reports, training histories, or accuracy curves of one puzzle.
        settings: keyword arguments of `tabulate_data`, `tabulate_training`, `tabulate_accuracy`.
    """
    if kind == "data":
        return tabulate_data([load_report(path) for path in paths], **settings)
    if kind == "training":
        return tabulate_training(read_runs(paths, load_history), **settings)
    return tabulate_accuracy(read_runs(paths, load_curve), **settings)


def tabulate_accuracy(results: Results, *, experiment: str, plotted: Plotted) -> Table:
    """Make an accuracy table (paper: tables 5-7) from the curves of one puzzle's runs."""
    first = next(iter(results[0].by_weights.values()))
    caption = (
        f"{load_card(results[0].task).title}: steps until the highest accuracy on "
        f"{int(first['examples'].iloc[0])} test puzzles, of {len(first)} steps evaluated. "
        f"{_origin(experiment, results)} * marks the models plotted in figure 1. Not finite: "
        "puzzles whose state overflowed, counted as wrong from there on."
    )
    alphas = [_parameter(result.run)["alpha"] for result in results]
    decimals = max(map(_decimals, alphas))
    numbers, printed = [], []
    for result, alpha in zip(results, alphas, strict=True):
        run, shown = result.run, result.run.name in plotted[result.task]
        values, texts = _cells(result, _ACCURACY_COLUMNS, paper.ACCURACY)
        names = {"loss": run.loss, **_parameter(run), "plotted": shown}
        numbers.append({**names, "seeds": len(result.by_weights), **values})
        # The column is alpha's; a parameter of another name stands in the run's label.
        loss = run if alpha is None else Run(loss=run.loss)
        labels = {
            "Loss": f"{loss.label}*" if shown else loss.label,
            "α": "-" if alpha is None else f"{alpha:.{decimals}f}",
        }
        printed.append(labels | texts)
    return Table(caption=caption, numbers=pd.DataFrame(numbers), printed=pd.DataFrame(printed))


def tabulate_training(results: Results, *, experiment: str, plotted: Plotted) -> Table:
    """Make table 4 from the histories of all puzzles.

    As in the paper, the plotted runs come first, loss by loss; the others follow.
    """
    caption = (
        f"Training. {_origin(experiment, results)} Training accuracy is measured over the last "
        "epoch, each batch before its own update; an epoch's time is training and validation "
        "together, in the paper on one GTX 1070."
    )
    losses = list(dict.fromkeys(result.run.loss for result in results))
    ordered = sorted(
        results,
        key=lambda one: (one.run.name not in plotted[one.task], losses.index(one.run.loss)),
    )
    numbers, printed = [], []
    for result in ordered:
        values, texts = _cells(result, _TRAINING_COLUMNS, paper.TRAINING)
        names = {"loss": result.run.loss, **_parameter(result.run), "task": result.task}
        numbers.append({**names, "seeds": len(result.by_weights), **values})
        printed.append({"Loss": result.run.label, "Task": load_card(result.task).title} | texts)
    return Table(caption=caption, numbers=pd.DataFrame(numbers), printed=pd.DataFrame(printed))


def _cells(
    result: RunResults[pd.DataFrame],
    columns: Sequence[_Column],
    printed_in_paper: Mapping[tuple[str, str], object],
) -> tuple[dict[str, object], dict[str, str]]:
    """Numbers and texts of one row: mean and standard deviation over the weights, paper's value."""
    in_paper = printed_in_paper.get((result.task, result.run.name))
    values: dict[str, object] = {}
    texts: dict[str, str] = {}
    for column in columns:
        ours = pd.Series([column.of(frame) for frame in result.by_weights.values()])
        mean, several = float(ours.mean()), len(ours) > 1
        deviation = float(ours.std(ddof=1)) if several else None
        values |= {column.name: mean, f"{column.name}_sd": deviation}
        spread = "" if deviation is None else f" ± {column.show(deviation)}"
        texts[column.heading] = column.show(mean) + spread
        if column.in_paper:
            value = getattr(in_paper, column.name, None)
            values[f"{column.name}_paper"] = None if value is None else float(value)
            texts[f"{PAPER} {column.heading}"] = "-" if value is None else str(value)
    return values, texts


def _parameter(run: Run) -> dict[str, float | None]:
    """Columns of the run's parameter, by its name; alpha, the paper's, always has one."""
    parameter = LOSSES[run.loss]
    return {"alpha": None} | ({} if parameter is None else {parameter.name: run.value})


def _decimals(alpha: float | None) -> int:
    """Count the decimals that write alpha, one at least."""
    return 1 if alpha is None else max(1, len(write_number(alpha).partition(".")[2]))


def _origin(experiment: str, results: Results) -> str:
    """Sentences of the caption that name the experiment, its seeds, and the paper's numbers."""
    names = list(results[0].by_weights)
    seeds = [weights_seed(name) for name in names]
    kind, listed = ("weights", names) if None in seeds else ("seed", seeds)
    which = f"{kind} {listed[0]}"
    if len(names) > 1:
        every = ", ".join(map(str, listed))
        which = f"mean ± standard deviation over the {kind.rstrip('s')}s {every}"
    return f"Ours: experiment {experiment}, {which}. (paper): as printed there, in its own setting."


def tabulate_data(reports: Sequence[Mapping[str, Any]], *, experiment: str) -> Table:
    """Make table 2 from the audits of all puzzles, one row per file of examples.

    Args:
        reports: reports of `data.audit`, one per puzzle.
        experiment: its name.
    """
    rows = [_data_row(report, split) for report in reports for split in ("train", "test")]
    lines = [f"{report['task']}, {line}" for report in reports for line in report["warnings"]]
    caption = (
        f"Data sets. Ours: experiment {experiment}. (paper): as printed there, for its own sizes. "
        "Digest: the first digits. Duplicates: examples that are there before; leaks: test "
        "examples that are in the training file too; seen: validation examples that are trained "
        "on too; in parentheses, counted up to rotation and reflection. Ones: share of ones among "
        "the target pixels that count. "
    )
    if lines:
        shown, more = plain("; ".join(lines[:SHOWN_WARNINGS])), len(lines) - SHOWN_WARNINGS
        caption += f"Warnings: {shown}{f'; and {more} more' if more > 0 else ''}."
    else:
        caption += "The audit has no warnings."
    return Table(
        caption=caption,
        numbers=pd.DataFrame(rows).convert_dtypes(),  # whole numbers stay so beside gaps
        printed=pd.DataFrame([_data_texts(row) for row in rows]),
    )


def _data_row(report: Mapping[str, Any], split: str) -> dict[str, Any]:
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


def _data_texts(row: Mapping[str, Any]) -> dict[str, str]:
    texts = {"Dataset": row["name"], "Source": row["source"] or "-"}
    for part in PARTS:
        texts |= {part.capitalize(): count(row[part])}
        texts |= {f"{PAPER} {part}": count(row[f"{part}_paper"])}
    texts["Digest"] = (row["digest"] or "-")[:DIGEST_DIGITS]
    for what, heading in (("duplicates", "Duplicates"), ("leaks", "Leaks"), ("seen", "Seen")):
        exact, turned = row[f"{what}_exact"], row[f"{what}_up_to_symmetry"]
        texts[heading] = count(exact) + ("" if turned is None else f" ({count(turned)})")
    return texts | {"Ones (%)": percent(row["ones_percent"]), "Warnings": count(row["warnings"])}


@dataclass(frozen=True)
class _Column:
    """A number of a table: how to compute it from one curve or history, and how to print it."""

    name: str
    heading: str
    of: Callable[[pd.DataFrame], float]
    show: Callable[[float], str]
    in_paper: bool = True


_ACCURACY_COLUMNS = (
    _Column("steps_until_max_accuracy", "Steps until max accuracy", at_best("step"), whole),
    _Column("max_accuracy_percent", "Max accuracy (%)", at_best("accuracy_percent"), percent),
    _Column(
        "last_accuracy_percent",
        "Accuracy at the last step (%)",
        at_end("accuracy_percent"),
        percent,
        in_paper=False,
    ),
    _Column("not_finite", "Not finite", at_end("not_finite"), whole, in_paper=False),
)

_TRAINING_COLUMNS = (
    _Column(
        "final_train_accuracy_percent",
        "Final training accuracy (%)",
        at_end("train_accuracy_percent"),
        percent,
    ),
    _Column(
        "max_validation_accuracy_percent", "Max validation accuracy (%)", max_validation, percent
    ),
    _Column("epoch_of_max_validation", "Epoch with max validation", best_epoch, whole),
    _Column("hours_per_epoch", "Time per epoch (hours)", hours_per_epoch, hours),
    _Column(
        "hours_to_max_validation",
        "Time to epoch with max validation (hours)",
        hours_to_best,
        hours,
    ),
)
