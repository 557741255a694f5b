"""The Delta Loss against equation 1 as printed."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from torch import Tensor

from deltaloss.losses.base import Criterion, make_loss
from deltaloss.losses.delta import _select
from tests.losses.problems import (
    Problem,
    check_loss,
    problems,
    recompute_modes,
    scaled_network,
)


def equation_1(problem: Problem) -> Tensor:
    """A sum of differences and a maximum."""
    values = step_losses(problem)
    drops = [after - before for before, after in pairwise(values)]
    return torch.stack(drops).sum() + torch.stack(values).max()


def step_losses(problem: Problem) -> list[Tensor]:
    network, x, criterion, steps = problem
    _, *states = network.unroll(x, steps)
    return [criterion(network.readout(state)) for state in states]


@settings(max_examples=40)
@given(problems(), recompute_modes)
def test_delta_loss_and_gradient_are_those_of_equation_1(problem: Problem, recompute: str) -> None:
    loss = make_loss("delta", steps=problem[3], recompute=recompute)
    check_loss(problem, loss, equation_1(problem))


def problem_with_largest_loss_at(step: int) -> Problem:
    for seed in range(500):
        torch.manual_seed(seed)
        network = scaled_network(dimensions=1, channels=1, width=4, scale=2.0)
        x = torch.rand(2, 1, 5, dtype=torch.float64)
        problem = network, x, Criterion(targets=torch.randint(2, (2, 5))), 5
        if int(torch.stack(step_losses(problem)).argmax()) == step:
            return problem
    raise AssertionError(f"no network with its largest loss at index {step}")


@pytest.mark.parametrize("step", [0, 2, 4], ids=["first", "middle", "last"])
def test_delta_loss_is_exact_wherever_the_largest_loss_is(step: int) -> None:
    problem = problem_with_largest_loss_at(step)
    check_loss(problem, make_loss("delta", steps=5), equation_1(problem))


class OnGpu:
    """An index that claims to be on a GPU, where it cannot be read without waiting."""

    is_cuda = True

    def __init__(self, index: int) -> None:
        self.index = index

    def __eq__(self, place: object) -> Tensor:  # type: ignore[override]
        return torch.tensor(self.index == place)

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize("index", [0, 1, 2])
def test_state_selected_on_a_gpu_passes_its_gradient_to_that_state_alone(index: int) -> None:
    states = [torch.rand(2, 3, requires_grad=True) for _ in range(3)]
    selected = _select(list(states), OnGpu(index))  # type: ignore[arg-type]
    assert torch.equal(selected, states[index])
    selected.sum().backward()  # type: ignore[no-untyped-call]
    for place, state in enumerate(states):
        expected = torch.full_like(state, float(place == index))
        assert torch.equal(torch.zeros_like(state) if state.grad is None else state.grad, expected)


def test_delta_loss_draws_nothing() -> None:
    stream = torch.Generator().manual_seed(0)
    before = stream.get_state()
    assert make_loss("delta", steps=5).draw(stream) == ()
    assert torch.equal(stream.get_state(), before)
