"""The network against its description in appendix A.3."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from deltaloss.config.settings import NetworkSettings
from deltaloss.model.make import make_network
from deltaloss.model.network import RECOMPUTE, RecallNetwork
from deltaloss.puzzles.base import load_task

PAPER_PARAMETERS = {
    "prefix_sums": (400, (400, 200), 3_123_600),
    "mazes": (128, (32, 8), 783_504),
    "chess": (512, (32, 8), 12_056_976),
}


def small(dimensions: int = 2, *, recall_relu: bool = True) -> RecallNetwork:
    torch.manual_seed(0)
    return RecallNetwork(
        dimensions=dimensions, channels=3, width=5, head=(4, 3), recall_relu=recall_relu
    )


@pytest.mark.parametrize("name", PAPER_PARAMETERS)
def test_networks_of_table_1_have_the_released_number_of_parameters(name: str) -> None:
    width, head, count = PAPER_PARAMETERS[name]
    task = load_task(name)
    network = RecallNetwork(
        dimensions=task.dimensions, channels=task.channels, width=width, head=head
    )
    assert sum(p.numel() for p in network.parameters()) == count


@pytest.mark.parametrize("relu", [True, False], ids=["recall_relu", "no_recall_relu"])
def test_one_dimensional_network_equals_one_of_one_dimensional_convolutions(relu: bool) -> None:
    network, x = small(1, recall_relu=relu), torch.rand(2, 3, 7)
    w = {name: p.squeeze(2) for name, p in network.state_dict().items()}

    def conv(image: torch.Tensor, name: str) -> torch.Tensor:
        return F.conv1d(image, w[f"{name}.weight"], padding=1)

    state = F.relu(conv(x, "projection"))
    for _ in range(3):
        state = conv(torch.cat([state, x], 1), "recall")
        state = F.relu(state) if relu else state
        for block in ("blocks.0", "blocks.1"):
            inner = F.relu(conv(state, f"{block}.conv1"))
            state = F.relu(conv(inner, f"{block}.conv2") + state)
    logits = conv(F.relu(conv(F.relu(conv(state, "head.0")), "head.1")), "head.2")
    assert torch.allclose(network(x, 3), logits, atol=1e-6)


def test_unroll_yields_the_embedding_then_the_states_that_forward_reads_out() -> None:
    network, x = small(), torch.rand(2, 3, 6, 6)
    embedded, *states = network.unroll(x, 4)
    assert torch.equal(embedded, network.embed(x)[0])
    assert len(states) == 4
    for steps, state in enumerate(states, start=1):
        assert torch.equal(network.readout(state), network(x, steps))


@pytest.mark.parametrize("relu", [True, False], ids=["recall_relu", "no_recall_relu"])
def test_recomputation_changes_no_bit_of_states_and_gradients(relu: bool) -> None:
    results = {}
    for mode in RECOMPUTE:
        network = small(recall_relu=relu)
        *_, state = network.unroll(torch.ones(2, 3, 6, 6), 4, recompute=mode)
        network.readout(state).square().sum().backward()
        results[mode] = [state, *(p.grad for p in network.parameters())]
    for mode in ("blocks", "steps"):
        pairs = zip(results["none"], results[mode], strict=True)
        assert all(torch.equal(kept, again) for kept, again in pairs)


def test_recomputation_keeps_fewer_activations() -> None:
    kept = {}
    for mode in RECOMPUTE:
        sizes: list[int] = []
        with torch.autograd.graph.saved_tensors_hooks(
            lambda tensor, sizes=sizes: (sizes.append(tensor.numel()), tensor)[1], lambda t: t
        ):
            for _ in small().unroll(torch.rand(4, 3, 16, 16), 8, recompute=mode):
                pass
        kept[mode] = sum(sizes)
    assert kept["steps"] < kept["blocks"] < kept["none"]


@pytest.mark.parametrize("layer", ["projection", "recall", "blocks.0.conv1", "blocks.1.conv2"])
def test_nan_is_not_turned_into_a_number_behind_a_relu(layer: str) -> None:
    network = small()
    with torch.no_grad():
        network.get_submodule(layer).weight[0].fill_(torch.nan)
        assert network(torch.rand(1, 3, 4, 4), 2).isnan().any()


def test_weights_come_from_the_seed_alone() -> None:
    task, settings = load_task("mazes"), NetworkSettings(width=4, head=(3, 2), recall_relu=True)
    first = make_network(task, settings, seed=1).state_dict()
    torch.rand(7)
    again = make_network(task, settings, seed=1).state_dict()
    other = make_network(task, settings, seed=2).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not any(torch.equal(first[name], other[name]) for name in first)


def test_throttled_parameters_are_those_of_recall_and_blocks() -> None:
    network = small()
    slowed = {id(p) for p in network.recurrent_parameters()}
    names = {name.split(".")[0] for name, p in network.named_parameters() if id(p) in slowed}
    assert names == {"recall", "blocks"}
