"""All forms of a loss compute the same: losses, gradients, and for the published one logits."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from deltaloss.core.runs import parse_run
from deltaloss.efficiency.forms import FORMS, Form, make_forms, spread_draws
from deltaloss.efficiency.published import PublishedLoss, from_ours
from deltaloss.losses.base import make_loss
from deltaloss.model.network import RecallNetwork
from deltaloss.model.weights import to_published

from .small import RUNS, SHAPES, STEPS, small_forms, small_network, small_problem

EVERY_DRAW = [(n, k) for n in range(STEPS) for k in range(1, STEPS - n + 1)]


def gradients(form: Form) -> dict[str, torch.Tensor]:
    """Gradients by their published names; zero where a parameter has none."""
    found = {
        name: torch.zeros_like(p) if p.grad is None else p.grad.clone()
        for name, p in form.network.named_parameters()
    }
    if isinstance(form.network, RecallNetwork):
        return to_published(found, dimensions=form.network.dimensions)
    return found


@pytest.mark.parametrize("task", SHAPES)
@pytest.mark.parametrize("run", RUNS)
def test_losses_and_gradients_of_all_forms_are_equal_for_every_n_and_k(task: str, run: str):
    problem, forms = small_problem(task), small_forms(run, task)
    assert tuple(form.name for form in forms) == FORMS
    for drawn in EVERY_DRAW if forms[0].longest else [()]:
        losses, found = [], []
        for form in forms:
            losses.append(form.compute(problem, drawn))
            found.append(gradients(form))
        for loss, gradient in zip(losses[:-1], found[:-1], strict=True):
            torch.testing.assert_close(loss, losses[-1], rtol=1e-9, atol=1e-12)
            assert gradient.keys() == found[-1].keys()
            for name, value in gradient.items():
                torch.testing.assert_close(value, found[-1][name], rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("run", RUNS)
def test_the_published_form_returns_the_last_logits(run: str):
    ours, problem, parsed = small_network(), small_problem(), parse_run(run)
    drawn = (2, 2) if parsed.value else ()
    outcome = make_loss(parsed.loss, steps=STEPS, value=parsed.value)(
        ours, problem.x, problem.criterion, *drawn
    )
    _, logits = PublishedLoss(steps=STEPS, alpha=parsed.value)(
        from_ours(ours), problem.x, problem.criterion.targets, problem.criterion.counted, *drawn
    )
    torch.testing.assert_close(logits.detach(), outcome.final_logits, rtol=1e-9, atol=1e-12)


def test_a_form_forgets_the_gradient_of_the_batch_before():
    problem, form = small_problem(), small_forms("progressive-0.3")[0]
    form.compute(problem, (1, 2))
    first = gradients(form)
    form.compute(problem, (1, 2))
    for name, gradient in gradients(form).items():
        torch.testing.assert_close(gradient, first[name])


def test_all_forms_have_the_same_draws_if_their_loss_draws_at_all():
    assert [form.draws for form in small_forms("progressive-0.3")] == [[(1, 2), (0, 4)]] * 3
    assert [form.draws for form in small_forms("progressive-0")] == [[(), ()]] * 3
    assert [form.draws for form in small_forms("delta")] == [[(), ()]] * 3


def test_a_loss_of_our_own_has_one_form_with_its_own_draws():
    (form,) = small_forms("delta_random")
    assert form.name == "ours"
    assert all(2 <= steps <= STEPS for (steps,) in form.draws)
    assert form.longest == (STEPS,)
    many = make_forms(
        small_network(), None, parse_run("delta_random"), steps=30, draws=[(0, 1)] * 8, seed=1
    )[0].draws
    assert sum(steps for (steps,) in many) / 8 == pytest.approx(16, rel=0.05)  # of U{2, 30}
    (plain,) = small_forms("all_steps")
    assert (plain.draws, plain.longest) == ([(), ()], ())


@given(st.integers(2, 40), st.integers(1, 20), st.integers(0, 2**32))
def test_draws_are_allowed_and_cover_the_range_of_n(steps: int, count: int, seed: int):
    draws = spread_draws(steps, count, seed=seed)
    assert all(0 <= n < n + k <= steps for n, k in draws)
    parts = [int((n + 0.5) / steps * count) for n, _ in draws]
    assert len(draws) == count
    assert all(abs(part - place) <= 1 + count / steps for place, part in enumerate(parts))


def test_means_over_draws_are_those_of_algorithm_1():
    steps = 30
    drawn = [draw for seed in range(500) for draw in spread_draws(steps, 8, seed=seed)]
    n, k = (sum(one) / len(drawn) for one in zip(*drawn, strict=True))
    assert n == pytest.approx((steps - 1) / 2, rel=0.01)
    assert k == pytest.approx((steps + 3) / 4, rel=0.03)
    assert spread_draws(steps, 8, seed=1) != spread_draws(steps, 8, seed=2)
