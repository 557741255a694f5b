"""Time and memory of one training batch, for each loss in each form, at equal batch size."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch

from deltaloss.core.log import logger
from deltaloss.core.runs import parse_run
from deltaloss.efficiency.forms import Form, Problem, make_forms, make_problem, spread_draws
from deltaloss.efficiency.memory import (
    GIVEN_BYTES,
    gpu_peak_bytes,
    kept_bytes,
    measure_largest_batch,
    predict_largest_batch,
)
from deltaloss.efficiency.published import from_ours
from deltaloss.efficiency.ratios import DRAWS, Key
from deltaloss.model.mixing import MixingNetwork
from deltaloss.model.network import RecallNetwork
from deltaloss.puzzles.base import Task
from deltaloss.runtime.devices import synchronise

REPEATS = 3  # timed batches of each draw, of which the median counts
MEGABYTE = 1e6


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Measurements of one puzzle.

    Attributes:
        values: measure -> run and form -> its values: one per draw, or a single one.
        details: what the values are computed from: the draws, and every timed batch.
    """

    values: Mapping[str, Mapping[Key, Sequence[float]]]
    details: Mapping[str, Any]


def measure(
    network: RecallNetwork,
    task: Task,
    runs: Sequence[str],
    *,
    shape: Sequence[int],
    batch_size: int,
    steps: int,
    seed: int,
) -> Measured:
    """Measure loss and gradient of one batch; the optimizer's step, equal for all, is left out.

    The forms take turns, so that whatever else the machine does affects all alike.

    Args:
        network: on the device that is measured.
        task: encodes puzzles.
        runs: names of the losses with their parameters.
        shape: *S, the pixels of a puzzle.
        batch_size: examples per batch.
        steps: T, reasoning steps.
        seed: of the batch's bits and of the draws.
    """
    device = network.recall.weight.device
    plain = None if isinstance(network, MixingNetwork) else from_ours(network)
    draws = spread_draws(steps, DRAWS, seed=seed)
    forms = [
        form
        for run in runs
        for form in make_forms(network, plain, parse_run(run), steps=steps, draws=draws, seed=seed)
    ]

    def problem(size: int) -> Problem:
        return make_problem(task, shape, size, seed=seed, device=device)

    batch = problem(batch_size)
    values: dict[str, dict[Key, Sequence[float]]] = {}
    values["kept_mb"] = {form.key: _by_draw(kept_bytes, form, batch) for form in forms}
    if device.type == "cuda":
        values["gpu_peak_mb"] = {form.key: _by_draw(gpu_peak_bytes, form, batch) for form in forms}
    seconds = _time(forms, batch, device)
    values["seconds"] = {
        key: [median(repeats) for repeats in by_draw] for key, by_draw in seconds.items()
    }
    values |= _largest_batches(forms, problem, device)
    return Measured(
        values=values,
        details={
            "draws": {form.run: [list(drawn) for drawn in form.draws] for form in forms},
            "repeats": REPEATS,
            "given_bytes": GIVEN_BYTES,
            "seconds": {" ".join(key): by_draw for key, by_draw in seconds.items()},
        },
    )


def _by_draw(
    count: Callable[[Form, Problem, tuple[int, ...]], int], form: Form, batch: Problem
) -> list[float]:
    """Megabytes (10^6 bytes) of a form for each draw; equal draws are counted once."""
    counted = {drawn: count(form, batch, drawn) / MEGABYTE for drawn in set(form.draws)}
    return [counted[drawn] for drawn in form.draws]


def _time(
    forms: Sequence[Form], batch: Problem, device: torch.device
) -> dict[Key, list[list[float]]]:
    """Seconds of every batch: by run and form, then by draw, then by repeat."""
    seconds: dict[Key, list[list[float]]] = {form.key: [[] for _ in range(DRAWS)] for form in forms}
    for form in forms:  # warm up
        form.compute(batch, form.draws[0])
    for repeat in range(REPEATS):
        for draw in range(DRAWS):
            for form in forms:
                synchronise(device)
                started = time.perf_counter()
                form.compute(batch, form.draws[draw])
                synchronise(device)
                seconds[form.key][draw].append(time.perf_counter() - started)
        logger.info("repeat %d of %d done", repeat + 1, REPEATS)
    return seconds


def _largest_batches(
    forms: Sequence[Form], make: Callable[[int], Problem], device: torch.device
) -> dict[str, dict[Key, Sequence[float]]]:
    """Largest batch of each form: predicted; on a GPU with enough memory measured too."""
    predicted = {form.key: predict_largest_batch(form, make) for form in forms}
    found: dict[str, dict[Key, Sequence[float]]] = {
        "largest_batch_8gb_predicted": {key: [size] for key, size in predicted.items()}
    }
    if device.type == "cuda":
        sizes = {
            form.key: measure_largest_batch(form, make, guess=predicted[form.key]) for form in forms
        }
        found["largest_batch_8gb_measured"] = {
            key: [size] for key, size in sizes.items() if size is not None
        }
    return found
