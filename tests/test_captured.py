"""Losses as graphs: what is played again gives what is launched; a stand-in plays the graph."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from deltaloss.captured import CapturedLoss
from deltaloss.losses import Criterion, make_loss
from deltaloss.network import RecallNetwork, make_network
from deltaloss.settings import NetworkSettings
from deltaloss.tasks import load_task
from deltaloss.unrolling import Unrolled

STEPS = 4


class HalfwayError(Exception):
    """What a recording breaks off with in its middle."""


def broken(work: Callable[[], None]) -> None:
    """Do the work up to the way back: the head has its gradients then, and no other layer."""

    def stop(*_: object) -> None:
        raise HalfwayError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Unrolled, "backward", stop)
        work()


class Again:
    """Plays a recording by doing the work again, on the memory that it was recorded on."""

    def __init__(self, *, fails_from: int = 99) -> None:
        self.recorded, self.fails_from = 0, fails_from

    def warm_up(self, work: Callable[[], None]) -> None:
        work()

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        self.recorded += 1
        if self.recorded >= self.fails_from:
            with contextlib.suppress(HalfwayError):
                broken(work)
            raise RuntimeError("operation not permitted when stream is capturing")
        return work


def network() -> RecallNetwork:
    return make_network(load_task("mazes"), NetworkSettings(width=6, head=(4, 4), recall_relu=True))


def batch(seed: int, count: int = 3) -> tuple[Tensor, Criterion]:
    stream = torch.Generator().manual_seed(seed)
    x = torch.randint(2, (count, 3, 8, 8), generator=stream).float()
    targets = torch.randint(2, (count, 8, 8), generator=stream)
    return x, Criterion(targets=targets, counted=x.amax(1) > 0)


def gradients(net: RecallNetwork) -> Tensor:
    return torch.cat([p.grad.flatten() for p in net.parameters() if p.grad is not None])


@pytest.mark.parametrize(
    ("name", "alpha"), [("delta", None), ("progressive", 0.5), ("progressive", 1.0)]
)
def test_every_batch_gives_what_it_gives_launched(name, alpha):
    net, plain = network(), make_loss(name, steps=STEPS, alpha=alpha)
    loss = CapturedLoss(loss=plain, recorder=Again())
    loss.prepare(net, *batch(0))
    stream = torch.Generator().manual_seed(1)
    for seed in range(12):
        drawn = loss.draw(stream)
        net.zero_grad()
        wanted = plain(net, *batch(seed), *drawn)
        expected, reached = gradients(net), [p.grad is not None for p in net.parameters()]
        net.zero_grad()
        found = loss(net, *batch(seed), *drawn)
        assert torch.equal(gradients(net), expected)
        assert [p.grad is not None for p in net.parameters()] == reached
        assert float(found.loss) == float(wanted.loss)
        assert float(found.final_loss) == float(wanted.final_loss)
        assert torch.equal(found.final_logits, wanted.final_logits)


def test_gradients_are_added_to_those_that_are_there():
    net = network()
    loss = CapturedLoss(loss=make_loss("delta", steps=STEPS), recorder=Again())
    loss.prepare(net, *batch(0))
    loss(net, *batch(1))
    once = gradients(net).clone()
    net.zero_grad()
    loss(net, *batch(1))
    loss(net, *batch(1))
    assert torch.allclose(gradients(net), 2 * once)


def test_each_thing_that_is_drawn_is_recorded_once():
    recorder = Again()
    net = network()
    loss = CapturedLoss(loss=make_loss("progressive", steps=STEPS, alpha=1.0), recorder=recorder)
    loss.prepare(net, *batch(0))
    stream = torch.Generator().manual_seed(0)
    for seed in range(200):
        loss(net, *batch(seed), *loss.draw(stream))
    assert recorder.recorded == STEPS * (STEPS + 1) // 2


@pytest.mark.parametrize("fails_from", [1, 3])
def test_what_cannot_be_recorded_is_launched_with_a_line(fails_from, caplog):
    net, plain = network(), make_loss("progressive", steps=STEPS, alpha=0.5)
    loss = CapturedLoss(loss=plain, recorder=Again(fails_from=fails_from))
    with caplog.at_level(logging.WARNING):
        loss.prepare(net, *batch(0))
        for drawn in [(0, 1), (1, 2), (2, 2)]:
            net.zero_grad()
            loss(net, *batch(1), *drawn)
            found = gradients(net)
            net.zero_grad()
            plain(net, *batch(1), *drawn)
            assert torch.equal(found, gradients(net))
    assert "launched kernel by kernel" in caplog.text
    assert len(caplog.records) == 1


def test_a_recording_that_differs_is_not_used(caplog):
    class Wrong(Again):
        def record(self, work: Callable[[], None]) -> Callable[[], None]:
            return lambda: None  # a graph that does nothing

    net = network()
    loss = CapturedLoss(loss=make_loss("delta", steps=STEPS), recorder=Wrong())
    with caplog.at_level(logging.WARNING):
        loss.prepare(net, *batch(0))
    assert "differs from a launched one" in caplog.text
    loss(net, *batch(1))
    assert gradients(net).norm() > 0


def test_a_batch_of_another_size_is_launched():
    net, plain = network(), make_loss("delta", steps=STEPS)
    loss = CapturedLoss(loss=plain, recorder=Again())
    loss.prepare(net, *batch(0))
    found = loss(net, *batch(1, count=2))
    assert found.final_logits.shape[0] == 2
