"""The cheap losses against the plain forms: unroll, sum, differentiate."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from deltaloss.losses import Criterion, make_loss
from deltaloss.network import RecallNetwork

LOSS_TOLERANCE = 1e-6
GRADIENT_TOLERANCE = 1e-5


def plain_step_losses(
    network: RecallNetwork, x: Tensor, criterion: Criterion, steps: int
) -> list[Tensor]:
    return [criterion(network.readout(state)) for state in network.unroll(x, steps)]


def plain_delta(network: RecallNetwork, x: Tensor, criterion: Criterion, steps: int) -> Tensor:
    """Equation 1, first line: a sum of differences and a maximum."""
    values = plain_step_losses(network, x, criterion, steps)
    drops = [after - before for before, after in pairwise(values)]
    return torch.stack(drops).sum() + torch.stack(values).max()


def plain_progressive(
    network: RecallNetwork,
    x: Tensor,
    criterion: Criterion,
    steps: int,
    alpha: float,
    n: int,
    k: int,
) -> Tensor:
    """Algorithm 1 as printed: two forward passes."""
    state, recall = network.embed(x)
    if n > 0:
        with torch.no_grad():
            for _ in range(n):
                state = network.step(state, recall)
    for _ in range(k):
        state = network.step(state, recall)
    partial = criterion(network.readout(state))
    return (1 - alpha) * criterion(network(x, steps)) + alpha * partial


@st.composite
def problems(draw: st.DrawFn) -> tuple[RecallNetwork, Tensor, Criterion, int]:
    """A random small network and batch in float64, with and without pixels that do not count."""
    torch.manual_seed(draw(st.integers(0, 2**31)))
    dimensions = draw(st.sampled_from([1, 2]))
    channels = draw(st.integers(1, 3))
    steps = draw(st.integers(2, 7))
    network = RecallNetwork(
        dimensions=dimensions,
        channels=channels,
        width=draw(st.integers(1, 5)),
        head=(3, 2),
        recall_relu=draw(st.booleans()),
    ).double()
    scale = draw(st.floats(0.5, 3.0))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(scale)
    size = (5,) if dimensions == 1 else (4, 3)
    count = draw(st.integers(1, 3))
    x = torch.rand(count, channels, *size, dtype=torch.float64)
    counted = None
    if draw(st.booleans()):
        counted = torch.rand(count, *size) < 0.6
        counted.view(-1)[0] = True
    return network, x, Criterion(targets=torch.randint(2, (count, *size)), counted=counted), steps


def gradients(network: RecallNetwork) -> Tensor:
    return torch.cat(
        [
            (torch.zeros_like(p) if p.grad is None else p.grad).flatten()
            for p in network.parameters()
        ]
    )


def agree(network: RecallNetwork, plain: Tensor, cheap: Tensor, cheap_gradients: Tensor) -> None:
    network.zero_grad()
    plain.backward()
    wanted = gradients(network)
    assert abs(float(plain.detach() - cheap)) <= LOSS_TOLERANCE * max(
        1.0, abs(float(plain.detach()))
    )
    scale = max(1.0, float(wanted.abs().max()))
    assert float((wanted - cheap_gradients).abs().max()) <= GRADIENT_TOLERANCE * scale


RECOMPUTED = st.sampled_from(["none", "blocks", "steps"])


@settings(max_examples=60, deadline=None)
@given(problems(), RECOMPUTED)
def test_delta_is_equation_1(
    problem: tuple[RecallNetwork, Tensor, Criterion, int], recompute: str
) -> None:
    network, x, criterion, steps = problem
    outcome = make_loss("delta", steps=steps, recompute=recompute)(network, x, criterion)
    found = gradients(network)
    agree(network, plain_delta(network, x, criterion, steps), outcome.loss, found)
    assert torch.allclose(outcome.final_logits, network(x, steps))


@settings(max_examples=120, deadline=None)
@given(problems(), st.sampled_from([0.0, 0.01, 0.5, 0.9, 1.0]), RECOMPUTED, st.data())
def test_progressive_is_algorithm_1(
    problem: tuple[RecallNetwork, Tensor, Criterion, int],
    alpha: float,
    recompute: str,
    data: st.DataObject,
) -> None:
    network, x, criterion, steps = problem
    n = data.draw(st.integers(0, steps - 1), label="n")
    k = data.draw(st.integers(1, steps - n), label="k")
    loss = make_loss("progressive", steps=steps, alpha=alpha, recompute=recompute)
    outcome = loss(network, x, criterion, n, k)
    found = gradients(network)
    plain = plain_progressive(network, x, criterion, steps, alpha, n, k)
    agree(network, plain, outcome.loss, found)
    assert torch.allclose(outcome.final_logits, network(x, steps))
    assert torch.allclose(outcome.final_loss, criterion(network(x, steps)))


@pytest.mark.parametrize("largest", [0, 2, 4])
def test_delta_wherever_the_largest_loss_is(largest: int) -> None:
    """Rare cases of the maximum, forced: the first step (cancels), a middle one, the last."""
    found = None
    for seed in range(500):
        torch.manual_seed(seed)
        network = RecallNetwork(dimensions=1, channels=1, width=4, head=(3, 2)).double()
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.mul_(2.0)
        x = torch.rand(2, 1, 5, dtype=torch.float64)
        criterion = Criterion(targets=torch.randint(2, (2, 5)))
        values = torch.stack(plain_step_losses(network, x, criterion, 5))
        if int(values.argmax()) == largest:
            found = network, x, criterion
            break
    assert found is not None
    network, x, criterion = found
    outcome = make_loss("delta", steps=5)(network, x, criterion)
    cheap = gradients(network)
    agree(network, plain_delta(network, x, criterion, 5), outcome.loss, cheap)


def test_draws_are_uniform_and_possible() -> None:
    steps = 4
    loss = make_loss("progressive", steps=steps, alpha=0.5)
    stream = torch.Generator().manual_seed(0)
    drawn = [loss.draw(stream) for _ in range(8000)]
    starts = torch.bincount(torch.tensor([n for n, _ in drawn]), minlength=steps) / len(drawn)
    assert torch.allclose(starts, torch.full((steps,), 0.25), atol=0.02)
    for n in range(steps):
        lengths = torch.tensor([k for start, k in drawn if start == n])
        assert set(lengths.tolist()) == set(range(1, steps - n + 1))
        share = torch.bincount(lengths)[1:] / len(lengths)
        assert torch.allclose(share, torch.full_like(share, 1 / (steps - n)), atol=0.05)


def test_loss_counts_only_open_pixels() -> None:
    logits = torch.tensor([[[0.0, 5.0], [0.0, -5.0]]])
    everything = Criterion(targets=torch.tensor([[0, 0]]))
    one = Criterion(targets=torch.tensor([[0, 0]]), counted=torch.tensor([[True, False]]))
    assert float(one(logits)) == pytest.approx(0.693147, abs=1e-5)
    assert float(everything(logits)) == pytest.approx(0.693147 / 2, abs=1e-4)


def test_alpha_0_and_delta_draw_nothing() -> None:
    stream = torch.Generator().manual_seed(0)
    before = stream.get_state()
    assert make_loss("delta", steps=5).draw(stream) == ()
    assert make_loss("progressive", steps=5, alpha=0.0).draw(stream) == ()
    assert torch.equal(stream.get_state(), before)
