"""Random small problems in float64, and the comparison of a loss with its plain form."""

from __future__ import annotations

import torch
from hypothesis import strategies as st
from torch import Tensor

from deltaloss.losses.base import Criterion, Loss
from deltaloss.model.mixing import MixingNetwork
from deltaloss.model.network import RECOMPUTE, RecallNetwork

Problem = tuple[RecallNetwork, Tensor, Criterion, int]

recompute_modes = st.sampled_from(RECOMPUTE)


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """A network, a batch, its criterion (some with uncounted pixels) and a number of steps."""
    torch.manual_seed(draw(st.integers(0, 2**31)))
    dimensions = draw(st.sampled_from([1, 2]))
    channels = draw(st.integers(1, 3))
    network = scaled_network(
        dimensions=dimensions,
        channels=channels,
        width=draw(st.integers(1, 5)),
        recall_relu=draw(st.booleans()),
        scale=draw(st.floats(0.5, 3.0)),
        kind=draw(st.sampled_from([RecallNetwork, MixingNetwork])),
    )
    size = (5,) if dimensions == 1 else (4, 3)
    count = draw(st.integers(1, 3))
    x = torch.rand(count, channels, *size, dtype=torch.float64)
    counted = None
    if draw(st.booleans()):
        counted = torch.rand(count, *size) < 0.6
        counted.view(-1)[0] = True
    criterion = Criterion(targets=torch.randint(2, (count, *size)), counted=counted)
    return network, x, criterion, draw(st.integers(2, 7))


def scaled_network(
    *,
    dimensions: int,
    channels: int,
    width: int,
    recall_relu: bool = True,
    scale: float,
    kind: type[RecallNetwork] = RecallNetwork,
) -> RecallNetwork:
    """A network in float64 whose random weights are multiplied by `scale`."""
    network = kind(
        dimensions=dimensions,
        channels=channels,
        width=width,
        head=(3, 2),
        recall_relu=recall_relu,
    ).double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(scale)
    return network


def gradient(network: RecallNetwork) -> Tensor:
    """All gradients as one vector; zero where a parameter has none."""
    parts = [torch.zeros_like(p) if p.grad is None else p.grad for p in network.parameters()]
    return torch.cat([part.flatten() for part in parts])


def check_loss(problem: Problem, loss: Loss, plain: Tensor, *drawn: int) -> None:
    """Compare value, gradient and last answers of a loss with its plain form, a scalar graph."""
    network, x, criterion, steps = problem
    network.zero_grad()
    plain.backward()
    wanted = gradient(network)
    network.zero_grad()
    outcome = loss(network, x, criterion, *drawn)
    torch.testing.assert_close(outcome.loss, plain.detach(), rtol=1e-9, atol=1e-9)
    scale = max(1.0, float(wanted.abs().max()))
    torch.testing.assert_close(gradient(network) / scale, wanted / scale, rtol=0, atol=1e-9)
    with torch.no_grad():
        logits = network(x, steps)
        torch.testing.assert_close(outcome.final_logits, logits)
        torch.testing.assert_close(outcome.final_loss, criterion(logits))
