"""Disturb the states of a trained network, and see whether its answers come back.

A network whose answer depends on the puzzle alone, not on the path of its states, finds it again:
Anil et al. (2022), "Path Independent Equilibrium Models Can Better Exploit Test-Time Computation",
whose asymptotic alignment score is like the alignment here.

Shape letters: N examples, B examples of a batch, T steps; a state is [B, W, H, L].
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pandas as pd
import torch
from torch import Tensor

from deltaloss.convergence.disturbances import (
    NOISES,
    RECOVERY_COLUMNS,
    RECOVERY_EXAMPLES,
    SWAPPED,
)
from deltaloss.core.errors import DataError
from deltaloss.core.progress import Progress
from deltaloss.core.seeds import derive_seed
from deltaloss.evaluation.batches import Batch, in_order
from deltaloss.model.network import RecallNetwork
from deltaloss.puzzles.base import Task

NOISE_SEED = 0  # of the noise, which is the same whenever a recovery is measured

Disturbance = Callable[[Tensor, int], Tensor]
"""Disturbed states, from states and the number of the first example."""


def add_noise(state: Tensor, first: int, *, size: float) -> Tensor:
    """Add Gaussian noise of `size` times the norm of each example's state."""
    noise = torch.stack([_noise(first + row, state[0]) for row in range(len(state))])
    return state + size * _norm(state) / _norm(noise) * noise


def swap(state: Tensor, first: int) -> Tensor:
    """Swap the states of neighbours: of the examples 0 and 1, 2 and 3, and so on."""
    neighbours = torch.arange(len(state), device=state.device) ^ 1
    return state[neighbours]


DISTURBANCES: dict[str, Disturbance] = {
    **{name: partial(add_noise, size=size) for name, size in NOISES.items()},
    SWAPPED: swap,
}
"""By the name in columns."""


def measure_recovery(
    network: RecallNetwork,
    examples: Batch,
    *,
    task: Task,
    steps: int,
    batch_size: int,
    show_progress: bool = False,
) -> pd.DataFrame:
    """Disturb each state after T steps, go on for T more, and compare with the undisturbed network.

    Args:
        network: decides the device.
        examples: on the host; the first `RECOVERY_EXAMPLES`, of an odd number all but the last.
        task: decodes the answers.
        steps: T.
        batch_size: examples per batch; rounded down to an even number, at least 2.
        show_progress: whether to report the examples done.

    Returns:
        One row per example and disturbance, with `RECOVERY_COLUMNS`. `undisturbed_correct` is
        whether the answer is right both after T steps and, undisturbed, after 2 T.
        `recovery_steps` counts from the disturbance to the first answer from which on all are
        right; it is NaN if the last one is wrong. `alignment` is the cosine of the last states with
        and without the disturbance; NaN where one is not finite or zero.

    Raises:
        DataError: there is one example only, which has no neighbour.
    """
    chosen = examples.take(slice(min(RECOVERY_EXAMPLES, len(examples)) // 2 * 2))
    if not len(chosen):
        raise DataError("recovery needs at least two test puzzles: each gets another one's state")
    progress = Progress(len(chosen), unit="examples") if show_progress else None
    parts: list[pd.DataFrame] = []
    done = 0
    for batch in in_order(chosen, max(2, batch_size // 2 * 2)):
        parts.append(_measure_batch(network, batch, task, steps, first=done))
        done += len(batch)
        if progress is not None:
            progress.update(done, f"{done} examples done")
    return pd.concat(parts, ignore_index=True)


@torch.no_grad()
def _measure_batch(
    network: RecallNetwork, batch: Batch, task: Task, steps: int, *, first: int
) -> pd.DataFrame:
    """Rows of one batch, whose first example is number `first`."""
    rows = batch.to(network.recall.weight.device)
    middle, recall = network.embed(task.encode(rows.inputs))
    for _ in range(steps):
        middle = network.step(middle, recall)

    def is_right(state: Tensor) -> Tensor:
        correct = task.correct(network.readout(state), rows.inputs, rows.targets)
        return correct & state.flatten(1).isfinite().all(1)

    def finish(state: Tensor) -> tuple[Tensor, Tensor]:
        """Last state, and whether the answers after the further steps are right, [T, B]."""
        right = []
        for _ in range(steps):
            state = network.step(state, recall)
            right.append(is_right(state))
        return state, torch.stack(right)

    undisturbed, reference = finish(middle)
    kept = is_right(middle) & reference[-1]
    parts = []
    for name, disturb in DISTURBANCES.items():
        last, right = finish(disturb(middle, first))
        lasting = right.flip(0).cumprod(0).sum(0)  # answers at the end that are all right
        recovery = (len(right) + 1 - lasting).double()
        alignment = torch.nn.functional.cosine_similarity(
            last.flatten(1).double(), undisturbed.flatten(1).double(), eps=0.0
        )
        numbers = {
            "undisturbed_correct": kept,
            "correct": right[-1],
            "recovery_steps": recovery.masked_fill(~right[-1], torch.nan),
            "alignment": alignment,
        }
        frame = pd.DataFrame({key: value.cpu().numpy() for key, value in numbers.items()})
        frame = frame.assign(example=range(first, first + len(batch)), disturbance=name)
        parts.append(frame[list(RECOVERY_COLUMNS)])
    return pd.concat(parts)


def _noise(number: int, state: Tensor) -> Tensor:
    stream = torch.Generator().manual_seed(derive_seed(NOISE_SEED, "recovery", number))
    return torch.randn(state.shape, generator=stream).to(state)


def _norm(state: Tensor) -> Tensor:
    """2-norm of each example, [B, 1, 1, 1], which no finite state overflows on the way."""
    norm: Tensor = torch.linalg.vector_norm(state, dim=(1, 2, 3), keepdim=True, dtype=torch.float64)
    return norm.to(state.dtype)
