"""The mixing of past states against attention over a list of them."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from deltaloss.config.settings import NetworkSettings
from deltaloss.model.make import make_network
from deltaloss.model.mixing import MixingNetwork
from deltaloss.model.network import RECOMPUTE, RecallNetwork
from deltaloss.puzzles.base import load_task


def networks(dimensions: int, *, recency: float) -> tuple[MixingNetwork, RecallNetwork]:
    """A network in float64, and one without mixing that shares its weights."""
    sizes = {"dimensions": dimensions, "channels": 2, "width": 4, "head": (3, 2)}
    mixing, plain = MixingNetwork(**sizes).double(), RecallNetwork(**sizes).double()
    with torch.no_grad():
        mixing.recency.fill_(recency)
        mixing.score.weight.mul_(5.0)
    for name in ("projection", "recall", "blocks", "head"):
        setattr(plain, name, getattr(mixing, name))
    return mixing, plain


def with_a_list(mixing: MixingNetwork, plain: RecallNetwork, x: Tensor, steps: int) -> Tensor:
    """Logits after `steps` steps, with all past states at hand."""
    state, recall = plain.embed(x)
    past, beta = [state], F.softplus(mixing.recency)
    for step in range(steps):
        ages = beta * torch.arange(step, -1, -1, dtype=x.dtype)
        scores = torch.stack([mixing.score(one) for one in past])
        shares = torch.softmax(scores - ages.view(-1, 1, 1, 1, 1), 0)
        past.append(plain.step((shares * torch.stack(past)).sum(0), recall))
    return plain.readout(past[-1])


def gradients(network: MixingNetwork, logits: Tensor) -> list[Tensor]:
    return list(torch.autograd.grad(logits.square().sum(), list(network.parameters())))


@given(st.sampled_from([1, 2]), st.integers(1, 8), st.floats(-3, 3), st.integers(0, 1000))
def test_it_is_attention_over_all_past_states(
    dimensions: int, steps: int, recency: float, seed: int
) -> None:
    torch.manual_seed(seed)
    mixing, plain = networks(dimensions, recency=recency)
    x = torch.rand(2, 2, *[(5,), (4, 3)][dimensions - 1], dtype=torch.float64)
    ours, wanted = mixing(x, steps), with_a_list(mixing, plain, x, steps)
    torch.testing.assert_close(ours, wanted, rtol=1e-9, atol=1e-12)
    assert ours.requires_grad
    if steps > 1:  # one step has one past state: nothing to attend to
        pairs = zip(gradients(mixing, ours), gradients(mixing, wanted), strict=True)
        for found, expected in pairs:
            torch.testing.assert_close(found, expected, rtol=1e-7, atol=1e-10)


def test_of_one_past_state_it_is_the_network_without() -> None:
    mixing, plain = networks(2, recency=0.0)
    x = torch.rand(2, 2, 4, 3, dtype=torch.float64)
    torch.testing.assert_close(mixing(x, 1), plain(x, 1))
    assert not torch.allclose(mixing(x, 3), plain(x, 3))


def test_with_a_strong_preference_for_the_last_state_it_is_the_network_without() -> None:
    mixing, plain = networks(2, recency=1000.0)
    x = torch.rand(2, 2, 4, 3, dtype=torch.float64)
    torch.testing.assert_close(mixing(x, 9), plain(x, 9))


def test_the_state_does_not_grow_with_the_steps() -> None:
    mixing, _ = networks(2, recency=0.0)
    shapes = {state.shape for state in mixing.unroll(torch.rand(2, 2, 4, 3).double(), 30)}
    assert shapes == {(2, 2 * 4 + 1, 4, 3)}


def test_recomputation_changes_no_bit() -> None:
    results = {}
    for mode in RECOMPUTE:
        torch.manual_seed(0)
        network, _ = networks(2, recency=0.5)
        *_, state = network.unroll(torch.ones(2, 2, 6, 6).double(), 4, recompute=mode)
        logits = network.readout(state)
        results[mode] = [logits, *gradients(network, logits)]
    for mode in ("blocks", "steps"):
        pairs = zip(results["none"], results[mode], strict=True)
        assert all(torch.equal(kept, again) for kept, again in pairs)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_states_have_the_dtype_of_the_precision(dtype: torch.dtype) -> None:
    network = MixingNetwork(dimensions=1, channels=1, width=4, head=(3, 2))
    network.compute_dtype = dtype
    states = list(network.unroll(torch.rand(2, 1, 6), 3))
    assert {state.dtype for state in states} == {dtype}
    assert network.readout(states[-1]).dtype == torch.float32


def test_settings_choose_it_and_shared_weights_start_alike() -> None:
    task = load_task("prefix_sums")
    sizes = {"width": 4, "head": (3, 2), "recall_relu": True}
    plain = make_network(task, NetworkSettings(**sizes), seed=3)
    mixing = make_network(task, NetworkSettings(**sizes, mixing=True), seed=3)
    assert type(plain) is RecallNetwork
    assert type(mixing) is MixingNetwork
    own = mixing.state_dict()
    assert set(own) - set(plain.state_dict()) == {"score.weight", "recency"}
    assert all(torch.equal(own[name], value) for name, value in plain.state_dict().items())
    slowed = {id(parameter) for parameter in mixing.recurrent_parameters()}
    assert {id(mixing.score.weight), id(mixing.recency)} < slowed
