"""Unroll a trained network and measure how its states, logits and answers change.

At most three states are held at a time. What grows with the steps are five numbers and three bits
per example and step.

Shape letters: N examples, B examples of a batch, T steps; a state is [B, W, H, L].
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deltaloss.convergence.contraction import spectral_radius
from deltaloss.convergence.trace import MEASURES, Trace
from deltaloss.core.progress import Progress
from deltaloss.evaluation.batch_size import padded
from deltaloss.evaluation.batches import Batch, in_order
from deltaloss.model.network import Recall, RecallNetwork
from deltaloss.puzzles.base import Task

RADIUS_EXAMPLES = 20
"""First examples whose spectral radius is computed: each costs as much as some hundred steps."""

LARGEST = torch.finfo(torch.float32).max  # for norms beyond, and changes relative to zero

Arrays = dict[str, NDArray[Any]]


def measure(
    network: RecallNetwork,
    examples: Batch,
    *,
    task: Task,
    steps: int,
    batch_size: int,
    show_progress: bool = False,
) -> Trace:
    """Measure all examples over steps 1 to `steps`; s_0 is the embedded puzzle.

    Args:
        network: decides the device.
        examples: on the host.
        task: decodes the answers.
        steps: T.
        batch_size: examples per batch.
        show_progress: whether to report the examples done.
    """
    progress = Progress(len(examples), unit="examples") if show_progress else None
    parts: list[Arrays] = []
    done = 0
    for batch in in_order(examples, batch_size):
        parts.append(_measure_batch(network, batch, task, steps, first=done))
        done += len(batch)
        if progress is not None:
            progress.update(done, f"{done} examples done")
    if progress is not None:
        progress.close()
    names = [field.name for field in fields(Trace)]
    return Trace(**{name: np.concatenate([part[name] for part in parts], -1) for name in names})


@torch.no_grad()
def _measure_batch(
    network: RecallNetwork, batch: Batch, task: Task, steps: int, *, first: int
) -> Arrays:
    """Arrays of `Trace` for one batch, whose first example is number `first`."""
    rows = padded(batch, network).to(network.recall.weight.device)
    device = rows.inputs.device
    numbers = torch.full((len(MEASURES), steps, len(rows)), torch.nan, device=device)
    # answer changed, state finite, answer right
    flags = torch.empty(3, steps, len(rows), dtype=torch.bool, device=device)
    counted = task.counted(rows.inputs)
    state, recall = network.embed(task.encode(rows.inputs))
    before: Tensor | None = None
    logits = network.readout(state)
    answer = task.answer(logits, rows.inputs)
    for step in range(steps):
        older, before = before, state
        state = network.step(before, recall)
        old_logits, logits = logits, network.readout(state)
        old_answer, answer = answer, task.answer(logits, rows.inputs)
        norm = _norm(state)
        numbers[0, step] = _relative_change(state, before, norm)
        if older is not None:
            numbers[1, step] = _relative_change(state, older, norm)
        numbers[2, step] = _relative_change(logits, old_logits, _norm(logits))
        numbers[3, step] = norm
        numbers[4, step] = _uncertainty(logits, counted)
        flags[0, step] = (answer != old_answer).flatten(1).any(1)
        flags[1, step] = norm.isfinite()
        flags[2, step] = task.correct(logits, rows.inputs, rows.targets)
        del older
    finite = flags[1].cumprod(0).bool()
    numbers = numbers.clamp(max=LARGEST).masked_fill(~finite, torch.nan)[..., : len(batch)].cpu()
    lasting = finite.sum(0)[: len(batch)].cpu().numpy()
    whole = lasting == steps
    return {
        **dict(zip(MEASURES, numbers.numpy(), strict=True)),
        "answer_changed": flags[0, :, : len(batch)].cpu().numpy(),
        "nonfinite_step": np.where(whole, 0, lasting + 1).astype(np.int32),
        "correct": (flags[2] & finite)[:, : len(batch)].cpu().numpy(),
        **_radii(network, state[: len(batch)], recall, whole, first),
    }


def _norm(values: Tensor) -> Tensor:
    """2-norm of each example, float64 [B]: a finite float32 state never overflows it."""
    norm: Tensor = torch.linalg.vector_norm(values.flatten(1), dim=1, dtype=torch.float64)
    return norm


def _relative_change(now: Tensor, then: Tensor, norm: Tensor) -> Tensor:
    """|now - then| / |now|, [B]; 0 where both are equal, also if both are zero."""
    change = _norm(now - then)
    return torch.where(change == 0, 0.0, change / norm)


def _uncertainty(logits: Tensor, counted: Tensor | None) -> Tensor:
    """Mean probability of the less likely class over the counted pixels, float64 [B].

    Args:
        logits: [B, 2, *S].
        counted: bool [B, *S]; None for all pixels.
    """
    other = torch.sigmoid(-(logits[:, 1] - logits[:, 0]).abs().double()).flatten(1)
    if counted is None:
        return other.mean(1)
    weights = counted.flatten(1)
    return (other * weights).sum(1) / weights.sum(1).clamp(min=1)


def _radii(
    network: RecallNetwork, state: Tensor, recall: Recall, finite: NDArray[np.bool_], first: int
) -> Arrays:
    """Spectral radii of those finite examples that are among the first `RADIUS_EXAMPLES`."""
    chosen = np.flatnonzero(finite[: max(0, RADIUS_EXAMPLES - first)])
    radius, residual = np.full((2, len(state)), np.nan)
    if len(chosen):
        rows = torch.from_numpy(chosen).to(state.device)
        own = Recall(recall.response[rows], recall.state_weight)
        named = (first + chosen).tolist()
        found = spectral_radius(lambda s: network.step(s, own), state[rows], named)
        radius[chosen], residual[chosen] = (values.numpy() for values in found)
    return {"radius": radius, "radius_residual": residual}
