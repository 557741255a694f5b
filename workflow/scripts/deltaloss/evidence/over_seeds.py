"""Every seed of every run, and every two runs over their common seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deltaloss.core.runs import weights_seed
from deltaloss.core.seeds import derive_seed
from deltaloss.evaluation.answers import Answers
from deltaloss.evidence.paired import wilson_interval
from deltaloss.evidence.provenance import RunResults
from deltaloss.evidence.resampling import (
    bootstrap_interval,
    fisher_test,
    resample_examples,
    sign_flip_test,
)
from deltaloss.evidence.statistics import (
    COMPARISONS,
    Steps,
    check_same_examples,
    near_best_step,
)

SOLVED_PERCENT = 99.0
"""A seed is solved at a step if its accuracy there is at least this."""

RESAMPLING_SEED = 0  # the intervals of an experiment are the same whenever they are computed

SEEDS_COLUMNS = (
    *("task", "run", "seed", "comparison", "step", "correct", "examples"),
    *("accuracy_percent", "low_percent", "high_percent"),  # Wilson's interval
    *("solved", "steps_until_max_accuracy", "steps_until_near_max_accuracy", "not_finite"),
)

SIDES = ("first", "second")
# The steps are those until the highest accuracy, of the solved seeds only.
_OF_EACH_RUN = (
    *("solved", "median_percent", "min_percent", "max_percent"),
    *("solved_steps_median", "solved_steps_min", "solved_steps_max"),
)
_TESTS = (
    *("p_value_solved", "p_value_sign_flip"),
    *("mean_difference_low_points", "mean_difference_high_points"),
)
OVER_SEEDS_COLUMNS = (
    *("task", "first", "second", "comparison", "seeds", "examples"),
    *(f"{side}_{name}" for side in SIDES for name in _OF_EACH_RUN),
    *("median_difference_points", "mean_difference_points", *_TESTS),
)

Results = Sequence[RunResults[Answers]]
Cell = tuple[str, str, int]  # run, comparison, seed


def tabulate_seeds(results: Results, steps: Steps) -> pd.DataFrame:
    """Summarize each seed of each run at the steps of `COMPARISONS`.

    Args:
        results: answers of the runs of one puzzle.
        steps: see `statistics.choose_steps`.

    Returns:
        One row per run, weights and comparison, with `SEEDS_COLUMNS`. `seed` is empty for weights
        that no seed of ours made; `not_finite` counts examples whose state overflowed up to `step`.
    """
    rows = [
        {
            **{"task": result.task, "run": result.run.name, "seed": weights_seed(weights)},
            **{"comparison": comparison, **_summarize(answers, step)},
        }
        for result in results
        for weights, answers in result.by_weights.items()
        for comparison, step in steps[result.run.name, weights].items()
    ]
    return pd.DataFrame(rows, columns=SEEDS_COLUMNS).astype({"seed": "Int64"})


def _summarize(answers: Answers, step: int) -> dict[str, float]:
    at_step = answers.curve().iloc[step - 1]
    correct, accuracy = int(at_step["correct"]), float(at_step["accuracy_percent"])
    low, high = wilson_interval(correct, answers.examples)
    return {
        "step": step,
        "correct": correct,
        "examples": answers.examples,
        "accuracy_percent": accuracy,
        "low_percent": 100.0 * low,
        "high_percent": 100.0 * high,
        "solved": accuracy >= SOLVED_PERCENT,
        "steps_until_max_accuracy": answers.best_step(),
        "steps_until_near_max_accuracy": near_best_step(answers),
        "not_finite": int(at_step["not_finite"]),
    }


def compare_over_seeds(results: Results, steps: Steps) -> pd.DataFrame:
    """Compare every two runs of a puzzle over the seeds that both were trained from.

    Differences are those of the first run minus the second at the same seed. Steps are fixed
    before resampling, so the interval does not include the choice of the best step.

    Args:
        results: answers of the runs of one puzzle, on the same examples.
        steps: see `statistics.choose_steps`.

    Returns:
        One row per pair and comparison, with `OVER_SEEDS_COLUMNS`. With one common seed nothing
        can be tested: p values and limits are NaN. Steps are NaN where no seed is solved.

    Raises:
        DataError: runs were evaluated on different examples.
    """
    check_same_examples(results)
    every_seed = tabulate_seeds(results, steps).dropna(subset="seed")
    by_cell = every_seed.set_index(["run", "comparison", "seed"]).sort_index()
    resampled = _resample(results, every_seed) if len(every_seed) else {}
    rows = []
    for first, second in combinations(results, 2):
        names = {"task": first.task, "first": first.run.name, "second": second.run.name}
        seeds = _common_seeds(first, second)
        for comparison in COMPARISONS if seeds else ():
            cells = [[(names[side], comparison, seed) for seed in seeds] for side in SIDES]
            pair = [by_cell.loc[keys] for keys in cells]
            draws = [np.stack([resampled[key] for key in keys], axis=1) for keys in cells]
            tests = _test(first.task, pair, draws[0] - draws[1])
            rows.append({**names, "comparison": comparison, **_describe_pair(pair), **tests})
    return pd.DataFrame(rows, columns=OVER_SEEDS_COLUMNS)


def _common_seeds(first: RunResults[Answers], second: RunResults[Answers]) -> list[int]:
    names = [name for name in first.by_weights if name in second.by_weights]
    return [seed for seed in map(weights_seed, names) if seed is not None]


def _resample(results: Results, every_seed: pd.DataFrame) -> dict[Cell, NDArray[np.float64]]:
    """Accuracies of every run, comparison and seed, on the same resampled examples."""
    answers = {
        (result.run.name, weights_seed(weights)): one
        for result in results
        for weights, one in result.by_weights.items()
    }
    columns = [every_seed[name].tolist() for name in ("run", "comparison", "seed", "step")]
    cells = list(zip(*columns, strict=True))
    correct = np.stack([answers[run, seed].correct[step - 1] for run, _, seed, step in cells])
    draws = resample_examples(correct, seed=_seed(results[0].task, "examples"))
    return {cell[:3]: column for cell, column in zip(cells, draws.T, strict=True)}


def _describe_pair(pair: Sequence[pd.DataFrame]) -> dict[str, float]:
    """Figures of both runs and of their differences, from the rows of the same seeds."""
    differences = 100.0 * _differences(pair) / pair[0]["examples"].to_numpy()
    return {
        "seeds": len(differences),
        "examples": int(pair[0]["examples"].iloc[0]),
        **_describe("first", pair[0]),
        **_describe("second", pair[1]),
        "median_difference_points": float(np.median(differences)),
        "mean_difference_points": float(differences.mean()),
    }


def _differences(pair: Sequence[pd.DataFrame]) -> NDArray[np.int64]:
    """Numbers of right answers [S] of the first run minus those of the second."""
    first, second = (rows["correct"].to_numpy(dtype=np.int64) for rows in pair)
    return np.asarray(first - second)


def _describe(side: str, rows: pd.DataFrame) -> dict[str, float]:
    accuracy = rows["accuracy_percent"]
    steps = rows.loc[rows["solved"], "steps_until_max_accuracy"]
    figures = (
        *(rows["solved"].sum(), accuracy.median(), accuracy.min(), accuracy.max()),
        *(steps.median(), steps.min(), steps.max()),
    )
    return {f"{side}_{name}": float(one) for name, one in zip(_OF_EACH_RUN, figures, strict=True)}


def _test(task: str, pair: Sequence[pd.DataFrame], draws: NDArray[np.float64]) -> dict[str, float]:
    """Test the solved seeds and the mean difference; `draws` are differences [B, S]."""
    seeds = len(pair[0])
    tests = dict.fromkeys(_TESTS, math.nan)
    if seeds > 1:
        first, second = (int(rows["solved"].sum()) for rows in pair)
        low, high = bootstrap_interval(draws, seed=_seed(task, "seeds"))
        flips = sign_flip_test(_differences(pair), seed=_seed(task, "signs"))
        values = (fisher_test(first, second, seeds), flips, low, high)
        tests = dict(zip(_TESTS, values, strict=True))
    return tests


def _seed(task: str, purpose: str) -> int:
    return derive_seed(RESAMPLING_SEED, "over_seeds", task, purpose)
