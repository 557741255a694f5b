"""How each kind of claim is judged from the statistics; docs/protocol.md has the rules."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from deltaloss.core.runs import parse_run
from deltaloss.core.seeds import derive_seed
from deltaloss.evidence.over_seeds import RESAMPLING_SEED, SOLVED_PERCENT
from deltaloss.evidence.paired import wilson_interval
from deltaloss.evidence.statistics import alphas, tolerance
from deltaloss.evidence.verdicts import (
    HOLDS,
    Finding,
    enough_count,
    friedman_test,
    judge_level,
    judge_ratio,
    judge_tests,
    of_seeds,
    solves_something,
    steps_p_value,
    untestable,
)

COLLAPSED = 0.5  # share of the maximum that is left, below which a run has collapsed
REACHED = 0.9  # share of the steps after which a maximum is too late to show what more steps do
ALPHAS = 3  # different values above 0, at least, that show whether alpha matters

Met = Callable[["pd.Series[float]", "pd.Series[float]", "pd.Series[float]"], "pd.Series[bool]"]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What the claims are judged from; the frames have one row per line of their files.

    Attributes:
        seeds: `statistics/seeds.csv`.
        over_seeds: `statistics/over_seeds.csv`.
        mcnemar: `statistics/mcnemar.csv`.
        efficiency: `efficiency/{task}.csv` of all puzzles.
        summaries: puzzle -> its part of `Experiment.claims_settings`.
    """

    seeds: pd.DataFrame
    over_seeds: pd.DataFrame
    mcnemar: pd.DataFrame
    efficiency: pd.DataFrame
    summaries: Mapping[str, Mapping[str, Any]]

    def at(self, task: str, run: str, comparison: str = "maximum") -> pd.DataFrame:
        """Rows of the seeds of a run at a step of `COMPARISONS`, by seed."""
        frame = self.seeds
        chosen = (frame["task"] == task) & (frame["run"] == run)
        return frame[chosen & (frame["comparison"] == comparison)].set_index("seed").sort_index()


def judge_accuracy(evidence: Evidence, task: str, run: str, *, least: float) -> Finding:
    """Judge whether a run solves at least a percentage of the test puzzles."""
    accuracies = evidence.at(task, run)["accuracy_percent"]
    return _level(accuracies >= least, accuracies)


def judge_extrapolation(evidence: Evidence, task: str, run: str) -> Finding:
    """Judge whether more steps than in training raise the accuracy.

    The step is the one chosen on validation puzzles: a maximum over test steps grows by chance.
    """
    more, trained = (evidence.at(task, run, one) for one in ("validation", "train_steps"))
    met = (more["low_percent"] > trained["high_percent"]) & (more["step"] > trained["step"])
    finding = _level(met, more["accuracy_percent"])
    after = _range(trained["accuracy_percent"], " %")
    return replace(finding, measured=f"{finding.measured}; after the steps of training {after}")


def judge_convergence(evidence: Evidence, task: str, run: str) -> Finding:
    """Judge whether at most 1 %, or one, of the puzzles is lost up to the last step."""
    return _after_maximum(
        evidence, task, run, lambda best, last, examples: best - last <= examples.map(tolerance)
    )


def judge_collapse(evidence: Evidence, task: str, run: str) -> Finding:
    """Judge whether less than half of the highest accuracy is left at the last step."""
    return _after_maximum(evidence, task, run, lambda best, last, _: last < COLLAPSED * best)


def _after_maximum(evidence: Evidence, task: str, run: str, met: Met) -> Finding:
    """Judge a level by the seeds whose accuracy can be followed beyond its maximum."""
    best, last = (evidence.at(task, run, one) for one in ("maximum", "last"))
    solving, counted = followed_seeds(best, last)
    left_out = {
        "solving nothing": (~solving).sum(),
        "near the maximum only at the end": (solving & ~counted).sum(),
    }
    reasons = ", ".join(f"{count} {why}" for why, count in left_out.items() if count)
    reasons = f"; left out: {reasons}" if reasons else ""
    if not enough_count(counted):
        return untestable(f"{counted.sum()} of {len(counted)} seeds count{reasons}")
    finding = _level(
        met(best["correct"], last["correct"], best["examples"])[counted],
        best.loc[counted, "accuracy_percent"],
    )
    after = _range(last.loc[counted, "accuracy_percent"], " %")
    return replace(finding, measured=f"{finding.measured}; last step {after}{reasons}")


def followed_seeds(
    best: pd.DataFrame, last: pd.DataFrame
) -> tuple[pd.Series[bool], pd.Series[bool]]:
    """Return which seeds solve something, and which of these can be followed beyond the maximum.

    A seed that comes near its maximum only in the last tenth of the steps may still rise.

    Args:
        best: rows of `statistics/seeds.csv` at the maximum, by seed.
        last: those at the last step.
    """
    solving = solves_something(best["correct"], best["examples"])
    return solving, solving & (best["steps_until_near_max_accuracy"] <= REACHED * last["step"])


def _level(met: pd.Series[bool], accuracies: pd.Series[float]) -> Finding:
    """Judge a level by the share of seeds that meet it."""
    count, seeds = int(met.sum()), len(met)
    low, high = wilson_interval(count, seeds)
    share = f"{count} of {seeds} seeds; " if seeds > 1 else ""
    return Finding(
        verdict=judge_level(met.tolist()),
        measured=f"{share}accuracy {_range(accuracies, ' %')}",
        value=count / seeds,
        low=low,
        high=high,
        seeds=seeds,
    )


def _range(values: pd.Series[float], unit: str = "") -> str:
    """Median and range of numbers, or the only one."""
    low, middle, high = (f"{one:.4g}" for one in (values.min(), values.median(), values.max()))
    return f"{middle}{unit} ({low} to {high})" if len(values) > 1 else f"{middle}{unit}"


def judge_difference(evidence: Evidence, task: str, first: str, second: str) -> Finding:
    """Judge whether the first run solves more of the test puzzles than the second."""
    row, sign = _pair(evidence.over_seeds, task, first, second)
    seeds = int(row["seeds"])
    if seeds == 1:
        row, sign = _pair(evidence.mcnemar, task, first, second)
        of, tests = "difference", [(sign * row["difference_points"], row["p_value_holm"])]
    else:
        of, solved = "mean_difference", row["first_solved"] - row["second_solved"]
        tests = [
            (sign * row["mean_difference_points"], row["p_value_sign_flip"]),
            (sign * solved, row["p_value_solved"]),
        ]
    verdict, p_value = judge_tests(*tests)
    mean = sign * row[f"{of}_points"]
    low, high = sorted(sign * row[f"{of}_{limit}_points"] for limit in ("low", "high"))
    medians = " against ".join(
        _range(evidence.at(task, run)["accuracy_percent"], " %") for run in (first, second)
    )
    return Finding(
        verdict=of_seeds(verdict, seeds),
        measured=f"{medians}; difference {_signed(mean)} points "
        f"({_signed(low)} to {_signed(high)})",
        value=mean,
        low=low,
        high=high,
        p_value=p_value,
        seeds=seeds,
    )


def _signed(points: float) -> str:
    """Points with one decimal and a sign; a zero has no minus."""
    return f"{round(points, 1) + 0.0:+.1f}"


def _pair(frame: pd.DataFrame, task: str, first: str, second: str) -> tuple[pd.Series[Any], int]:
    """Row of two runs at their maxima; -1 if they stand the other way round."""
    frame = frame[(frame["task"] == task) & (frame["comparison"] == "maximum")]
    for sign, names in ((1, (first, second)), (-1, (second, first))):
        rows = frame[(frame["first"] == names[0]) & (frame["second"] == names[1])]
        if len(rows):
            return rows.iloc[0], sign
    raise AssertionError(f"{task}: {first} and {second} were not compared")


def judge_steps(
    evidence: Evidence, task: str, more: str, fewer: str, *, of_solved: bool = True
) -> Finding:
    """Judge whether the first run needs more steps until max accuracy than the second.

    Args:
        evidence: its `seeds` are read.
        task: the puzzle.
        more: the first run.
        fewer: the second run.
        of_solved: count the seeds that both runs solve; else those of which both solve something.
    """
    counted = []
    for run in (more, fewer):
        rows = evidence.at(task, run)
        counts = (
            rows["solved"] if of_solved else solves_something(rows["correct"], rows["examples"])
        )
        counted.append(rows.loc[counts, "step"])
    both = counted[0].index.intersection(counted[1].index)
    if both.empty:
        what = f"{SOLVED_PERCENT:g} % of the puzzles" if of_solved else "anything"
        return untestable(f"no seed at which both runs solve {what}")
    steps = [one[both] for one in counted]
    differences = steps[0] - steps[1]
    seed = derive_seed(RESAMPLING_SEED, "claims", task, "steps")
    mean = float(differences.mean())
    verdict, p_value = judge_tests((mean, steps_p_value(differences.tolist(), seed=seed)))
    return Finding(
        verdict=of_seeds(verdict, len(both)),
        measured=(
            f"{_range(steps[0])} against {_range(steps[1])} steps, at {len(both)} of "
            f"{len(evidence.at(task, more))} seeds"
        ),
        value=mean,
        p_value=p_value,
        seeds=len(both),
    )


def judge_alpha(evidence: Evidence, task: str) -> Finding:
    """Judge whether the accuracy of the Progressive Loss depends on alpha."""
    runs = evidence.seeds.loc[evidence.seeds["task"] == task, "run"].unique()
    names = [name for alpha, name in alphas(runs) if alpha > 0]
    if len(names) < ALPHAS:
        return untestable(f"needs {ALPHAS} values of α above 0; see the preset alpha_sweep")
    accuracies = pd.DataFrame(
        {name: evidence.at(task, name)["accuracy_percent"] for name in names}
    ).dropna()
    p_value = friedman_test(accuracies)
    medians = accuracies.median().sort_values()
    low, high = (
        f"{medians[name]:.4g} % ({parse_run(name).label})"
        for name in (medians.index[0], medians.index[-1])
    )
    return Finding(
        verdict=of_seeds(judge_tests((1.0, p_value))[0], len(accuracies)),
        measured=f"{len(names)} values of α; medians from {low} to {high}",
        value=float(medians.iloc[-1] - medians.iloc[0]),
        p_value=p_value,
        seeds=len(accuracies),
    )


def judge_cost(
    evidence: Evidence, task: str, run: str, *, measure: str, ratio: float, inverse: bool = False
) -> Finding:
    """Judge whether a run costs as much more than the Delta Loss as printed.

    Args:
        evidence: its `efficiency` is read.
        task: the puzzle.
        run: a progressive run.
        measure: of `efficiency/{task}.csv`.
        ratio: the printed one, above 1.
        inverse: whether it is that of the Delta Loss to the run.
    """
    rows = {
        str(row["form"]): row
        for _, row in evidence.efficiency.iterrows()
        if (row["task"], row["run"], row["measure"]) == (task, run, measure)
    }
    if "published" not in rows:
        return untestable("not measured as published in this experiment")
    value, low, high = _ratio(rows["published"], inverse=inverse)
    ours, _, _ = _ratio(rows["ours"], inverse=inverse)
    shown = f"{value:.2f}" if math.isnan(low) else f"{value:.2f} ({low:.2f} to {high:.2f})"
    return Finding(
        verdict=judge_ratio(*((value, value) if math.isnan(low) else (low, high)), ratio),
        measured=f"{shown} times as published; {ours:.2f} with the losses of this project",
        value=value,
        low=low,
        high=high,
    )


def _ratio(row: pd.Series[Any], *, inverse: bool) -> tuple[float, float, float]:
    """Ratio with its limits, which are NaN for a single measurement."""
    value, low, high = (float(row[f"to_delta{end}"]) for end in ("", "_low", "_high"))
    return (1 / value, 1 / high, 1 / low) if inverse else (value, low, high)


def judge_same_network(evidence: Evidence) -> Finding:
    """Return that it holds: the config has one network for each puzzle."""
    return Finding(verdict=HOLDS, measured="by construction: a puzzle has one network")
