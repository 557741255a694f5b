"""The unroll by hand: what it keeps, what it computes again, in every type and on every path."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from deltaloss.filters import Filters, prepare_filters
from deltaloss.inference import PreparedNetwork
from deltaloss.losses import Criterion, make_loss
from deltaloss.network import RecallNetwork, make_network
from deltaloss.settings import NetworkSettings
from deltaloss.tasks import load_task
from deltaloss.unrolling import Seed, Unrolled

STEPS = 6
RECOMPUTE = ("none", "blocks", "steps")


def network(width: int = 16, name: str = "mazes", *, relu: bool = True) -> RecallNetwork:
    settings = NetworkSettings(width=width, head=(8, 4), recall_relu=relu)
    return make_network(load_task(name), settings, seed=1)


def batch(name: str = "mazes") -> tuple[Tensor, Criterion]:
    task = load_task(name)
    size = (12,) if task.dimensions == 1 else (10, 12)
    stream = torch.Generator().manual_seed(0)
    x = torch.randint(2, (3, task.channels, *size), generator=stream).float()
    return x, Criterion(targets=torch.randint(2, (3, *size), generator=stream))


def gradients(net: RecallNetwork, loss: str, *drawn: int, **options: object) -> list[Tensor]:
    alpha = {"delta": None, "progressive": 0.5}[loss]
    net.zero_grad()
    make_loss(loss, steps=STEPS, alpha=alpha, **options)(net, *batch(), *drawn)  # type: ignore[arg-type]
    return [p.grad.clone() for p in net.parameters() if p.grad is not None]


@pytest.mark.parametrize(("loss", "drawn"), [("delta", ()), ("progressive", (2, 3))])
@pytest.mark.parametrize("recompute", RECOMPUTE[1:])
def test_what_is_computed_again_gives_the_same_gradients_bit_for_bit(loss, drawn, recompute):
    net = network()
    wanted = gradients(net, loss, *drawn)
    found = gradients(net, loss, *drawn, recompute=recompute)
    assert len(found) == len(list(net.parameters()))
    assert all(torch.equal(a, b) for a, b in zip(wanted, found, strict=True))


@pytest.mark.parametrize(("recompute", "images"), [("none", 5), ("blocks", 3), ("steps", 1)])
def test_images_kept_a_step(recompute, images):
    unrolled = Unrolled(network(), batch()[0], recompute=recompute)
    before = _images(unrolled)
    for _ in unrolled.run(4):
        pass
    assert _images(unrolled) - before == 4 * images


def test_only_the_steps_that_gradients_pass_keep_anything():
    unrolled = Unrolled(network(), batch()[0], passed=range(3, 5))
    for _ in unrolled.run(STEPS):
        pass
    # Of steps 3 and 4 five images each, the state before them, and the last state.
    assert _images(unrolled) == 2 * 5 + 1 + 1


def _images(unrolled: Unrolled) -> int:
    inner = [image for kept in unrolled._inner.values() for image in kept if image is not None]
    return len(unrolled._states) + len(inner)


def test_a_step_that_only_the_device_knows():
    """On a GPU the place of the largest loss is not read: both ways give the same."""
    net, (x, _) = network(), batch()
    found = []
    for step in (3, torch.tensor(3)):
        net.zero_grad()
        unrolled = Unrolled(net, x)
        last = list(unrolled.run(STEPS))[-1]
        seeds = [Seed(step=STEPS, gradient=last), Seed(step=step, gradient=torch.ones_like(last))]
        unrolled.backward(seeds)
        found.append([p.grad.clone() for p in net.parameters() if p.grad is not None])
    assert all(torch.allclose(a, b) for a, b in zip(*found, strict=True))


@pytest.mark.parametrize("relu", [True, False])
@pytest.mark.parametrize("shape", [(3, 16, 1, 9), (2, 48, 12, 10), (5, 24, 8, 8)])
def test_prepared_filters_are_convolutions(relu, shape):
    torch.manual_seed(0)
    kernel = (1, 3) if shape[2] == 1 else (3, 3)
    weight = torch.randn(shape[1], shape[1], *kernel) * 0.1
    image, other = (
        torch.randn(shape).contiguous(memory_format=torch.channels_last) for _ in range(2)
    )
    fast, plain = prepare_filters(weight, shape), Filters(weight)
    assert type(fast) is not type(plain)
    for mine, theirs in (
        (fast.plain(image), plain.plain(image)),
        (fast.add(image, other), plain.add(image, other)),
        (fast.relu(image), plain.relu(image)),
        (fast.add_relu(image, other), plain.add_relu(image, other)),
        (fast.back(image), plain.back(image)),
    ):
        assert torch.allclose(mine, theirs, atol=1e-5)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_finite_stays_so_behind_a_relu(value):
    """A ReLU that makes zeros of it would hide that a state has overflowed."""
    weight = torch.randn(16, 16, 3, 3, generator=torch.Generator().manual_seed(0))
    image = torch.zeros(2, 16, 6, 6).contiguous(memory_format=torch.channels_last)
    image[0, 0, 2, 2] = value
    filters = prepare_filters(weight, image.shape)
    for found in (filters.relu(image), filters.add_relu(image, torch.zeros_like(image))):
        assert torch.equal(found.isfinite(), torch.relu(filters.plain(image)).isfinite())
        assert not found[0].isfinite().all()
        assert found[1].isfinite().all()


@pytest.mark.parametrize("name", ["mazes", "prefix_sums"])
@pytest.mark.parametrize("relu", [True, False])
def test_a_prepared_network_gives_the_network_s_logits(name, relu):
    net, (x, _) = network(24, name, relu=relu), batch(name)
    with torch.no_grad():
        assert torch.allclose(PreparedNetwork(net)(x, STEPS), net(x, STEPS), atol=1e-5)


@pytest.mark.parametrize(("loss", "drawn"), [("delta", ()), ("progressive", (2, 3))])
def test_bfloat16_gives_nearly_the_same_gradients(loss, drawn):
    net = network()
    wanted = torch.cat([g.flatten() for g in gradients(net, loss, *drawn)])
    net.compute_dtype = torch.bfloat16
    found = gradients(net, loss, *drawn)
    assert {g.dtype for g in found} == {torch.float32}
    error = (torch.cat([g.flatten() for g in found]) - wanted).norm() / wanted.norm()
    assert 0 < error < 0.2
