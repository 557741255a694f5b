"""Losses that the paper leaves for later (appendix A.1), and the naive one: their plain forms."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from deltaloss.losses.base import Criterion, make_loss
from deltaloss.model.network import RecallNetwork
from tests.losses.problems import (
    Problem,
    check_loss,
    gradient,
    problems,
    recompute_modes,
    scaled_network,
)


def step_losses(problem: Problem) -> list[Tensor]:
    """L(1) to L(T)."""
    network, x, criterion, steps = problem
    _, *states = network.unroll(x, steps)
    return [criterion(network.readout(state)) for state in states]


@settings(max_examples=30)
@given(problems(), recompute_modes)
def test_all_steps_is_the_mean_over_the_steps(problem: Problem, recompute: str) -> None:
    loss = make_loss("all_steps", steps=problem[3], recompute=recompute)
    check_loss(problem, loss, torch.stack(step_losses(problem)).mean())


@settings(max_examples=40)
@given(problems(), st.integers(1, 9), recompute_modes)
def test_the_maximum_is_over_every_period_counted_from_the_first_step(
    problem: Problem, period: int, recompute: str
) -> None:
    losses = step_losses(problem)
    steps = problem[3]
    seen = [losses[t - 1] for t in range(1, steps + 1) if (t - 1) % period == 0]
    plain = losses[-1] - losses[0] + torch.stack(seen).max()
    loss = make_loss("delta_every", steps=steps, value=float(period), recompute=recompute)
    check_loss(problem, loss, plain)
    rounding = 1e-12 * max(losses)
    assert plain >= losses[-1] - rounding, "else a worse first answer is rewarded without end"


@settings(max_examples=20)
@given(problems())
def test_a_period_of_one_is_the_delta_loss(problem: Problem) -> None:
    network, x, criterion, steps = problem
    found = []
    for loss in (
        make_loss("delta", steps=steps),
        make_loss("delta_every", steps=steps, value=1.0),
    ):
        network.zero_grad()
        found.append((loss(network, x, criterion).loss, gradient(network)))
    assert torch.equal(found[0][0], found[1][0])
    assert torch.equal(found[0][1], found[1][1])


@settings(max_examples=30)
@given(problems(), st.integers(0, 2**31), recompute_modes)
def test_a_random_number_of_steps_is_the_delta_loss_of_so_many(
    problem: Problem, seed: int, recompute: str
) -> None:
    network, x, criterion, steps = problem
    loss = make_loss("delta_random", steps=steps, recompute=recompute)
    (drawn,) = loss.draw(torch.Generator().manual_seed(seed))
    losses = step_losses((network, x, criterion, drawn))
    plain = losses[-1] - losses[0] + torch.stack(losses).max()
    network.zero_grad()
    plain.backward()
    wanted = gradient(network)
    network.zero_grad()
    outcome = loss(network, x, criterion, drawn)
    torch.testing.assert_close(outcome.loss, plain.detach())
    torch.testing.assert_close(outcome.final_loss, losses[-1].detach())
    scale = max(1.0, float(wanted.abs().max()))
    torch.testing.assert_close(gradient(network) / scale, wanted / scale, rtol=0, atol=1e-9)


def test_numbers_of_steps_are_uniform_from_2_to_all() -> None:
    loss, generator = make_loss("delta_random", steps=5), torch.Generator().manual_seed(1)
    drawn = [loss.draw(generator)[0] for _ in range(4000)]
    shares = torch.bincount(torch.tensor(drawn), minlength=6) / 4000
    torch.testing.assert_close(shares[2:], torch.full((4,), 0.25), atol=0.03, rtol=0)
    assert shares[:2].sum() == 0
    assert make_loss("delta_random", steps=1).draw(generator) == (1,)


def test_no_step_is_computed_beyond_those_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    network = scaled_network(dimensions=1, channels=1, width=3, scale=1.0)
    x, criterion = torch.rand(2, 1, 5).double(), Criterion(targets=torch.randint(2, (2, 5)))
    calls = []
    step = RecallNetwork.step
    monkeypatch.setattr(
        RecallNetwork, "step", lambda *args, **kwargs: calls.append(1) or step(*args, **kwargs)
    )
    make_loss("delta_random", steps=30)(network, x, criterion, 4)
    assert len(calls) == 4


@pytest.mark.parametrize("name", ["all_steps", "delta_every"])
def test_the_others_draw_nothing(name: str) -> None:
    value = 2.0 if name == "delta_every" else None
    generator = torch.Generator().manual_seed(0)
    before = generator.get_state()
    assert make_loss(name, steps=5, value=value).draw(generator) == ()
    assert torch.equal(generator.get_state(), before)
