"""How many operations jobs take, from their sizes, and so how long: never for their results."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

FORWARD_AND_BACKWARD = 3  # a backward pass takes twice as many operations as a forward pass
TAPS = 3  # of a filter, along each dimension
BLOCK_LAYERS = 4  # convolutions of the two residual blocks (table 1)
CLASSES = 2

CORE_SPEED = 4e10
"""Multiply-adds per second of one core: 2.5e10 to 8.0e10 in the trainings of the published quick
run, on an AMD EPYC and an Intel Xeon."""

ACTIVATIONS = 5
"""Tensors of the state's size that autograd keeps of a step: its input, and one per convolution."""

MIXING_ACTIVATIONS = 8
"""The same of a step that mixes past states: 7.1 measured."""

START_SECONDS = 5
"""Of each job, for Python, PyTorch and the examples."""

GPU_SPEED = 4e12
"""Multiply-adds per second of the paper's GTX 1070: 2e12 to 6e12 by the times of table 4."""


def multiply_adds(network: Mapping[str, Any], shape: Sequence[int]) -> int:
    """Multiply-adds of one reasoning step and its readout for one puzzle.

    Those of the input's channels, which are computed once for all steps, are left out.

    Args:
        network: `width` and `head` (table 1).
        shape: pixels of the puzzle, [L] or [H, W].
    """
    width, (first, second) = int(network["width"]), network["head"]
    weights = (1 + BLOCK_LAYERS) * width**2 + width * first + first * second + second * CLASSES
    return int(weights * TAPS ** len(shape) * math.prod(shape))


def limit_minutes(operations: int, *, cores: int | None) -> int:
    """Time after which a cluster may stop a job: an hour, or three times what is predicted.

    Args:
        operations: multiply-adds of the job.
        cores: processors that it computes on; None for a GPU.
    """
    speed = GPU_SPEED if cores is None else CORE_SPEED * cores
    return max(60, math.ceil(3 * operations / speed / 60))


def seconds(operations: int, *, gpu: bool) -> float:
    """Predict the time of a job on one core, or on the paper's GPU.

    Args:
        operations: multiply-adds of the job.
        gpu: whether it runs on a GPU.
    """
    return START_SECONDS + operations / (GPU_SPEED if gpu else CORE_SPEED)


def predict(operations: Sequence[int], *, cores: int, gpu: bool, early: bool) -> str:
    """Say how long jobs will take.

    Args:
        operations: multiply-adds of each job.
        cores: processors that share the jobs.
        gpu: whether they may run on a GPU.
        early: whether trainings may end before their last epoch.
    """
    work, on_gpu = (sum(seconds(one, gpu=on) for one in operations) for on in (False, True))
    shared = f", {in_words(work / cores)} on {cores}" if cores > 1 else ""
    other = f"; {in_words(on_gpu)} on the paper's GTX 1070" if gpu else ""
    return (
        f"{len(operations)} trainings and evaluations: {'up to' if early else 'about'} "
        f"{in_words(work)} on one CPU core{shared}{other}"
    )


def in_words(seconds: float) -> str:
    """Two digits and a unit: "45 s", "12 min", "3.1 h"."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= size:
            value = seconds / size
            return f"{value:.1f} {unit}" if value < 10 else f"{value:,.0f} {unit}"
    return f"{seconds:.0f} s"
