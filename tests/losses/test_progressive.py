"""The Progressive Loss against algorithm 1 as printed."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from deltaloss.losses.base import make_loss
from tests.losses.problems import Problem, check_loss, problems, recompute_modes


def algorithm_1(problem: Problem, alpha: float, n: int, k: int) -> Tensor:
    """Two forward passes, the second from a state without gradient."""
    network, x, criterion, steps = problem
    state, recall = network.embed(x)
    if n > 0:
        with torch.no_grad():
            for _ in range(n):
                state = network.step(state, recall)
    for _ in range(k):
        state = network.step(state, recall)
    partial = criterion(network.readout(state))
    return (1 - alpha) * criterion(network(x, steps)) + alpha * partial


@settings(max_examples=80)
@given(problems(), st.sampled_from([0.0, 0.01, 0.5, 0.9, 1.0]), recompute_modes, st.data())
def test_progressive_loss_and_gradient_are_those_of_algorithm_1(
    problem: Problem, alpha: float, recompute: str, data: st.DataObject
) -> None:
    steps = problem[3]
    n = data.draw(st.integers(0, steps - 1), label="n")
    k = data.draw(st.integers(1, steps - n), label="k")
    loss = make_loss("progressive", steps=steps, value=alpha, recompute=recompute)
    check_loss(problem, loss, algorithm_1(problem, alpha, n, k), n, k)


def test_n_and_k_are_drawn_uniformly_from_their_ranges() -> None:
    steps = 4
    loss = make_loss("progressive", steps=steps, value=0.5)
    stream = torch.Generator().manual_seed(0)
    drawn = [loss.draw(stream) for _ in range(8000)]
    starts = torch.bincount(torch.tensor([n for n, _ in drawn]), minlength=steps) / len(drawn)
    assert torch.allclose(starts, torch.full((steps,), 0.25), atol=0.02)
    for n in range(steps):
        lengths = torch.tensor([k for start, k in drawn if start == n])
        assert set(lengths.tolist()) == set(range(1, steps - n + 1))
        share = torch.bincount(lengths)[1:] / len(lengths)
        assert torch.allclose(share, torch.full_like(share, 1 / (steps - n)), atol=0.05)


def test_progressive_loss_with_alpha_0_draws_nothing() -> None:
    stream = torch.Generator().manual_seed(0)
    before = stream.get_state()
    assert make_loss("progressive", steps=5, value=0.0).draw(stream) == ()
    assert torch.equal(stream.get_state(), before)
