"""The network against its description in appendix A.3."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from deltaloss.checkpoints import from_published, load_weights, save_weights, to_published
from deltaloss.errors import DataError
from deltaloss.network import RecallNetwork, make_network
from deltaloss.settings import NetworkSettings
from deltaloss.tasks import load_task

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
def test_parameters_of_the_paper(name: str) -> None:
    width, head, count = PAPER_PARAMETERS[name]
    task = load_task(name)
    network = RecallNetwork(
        dimensions=task.dimensions, channels=task.channels, width=width, head=head
    )
    assert sum(p.numel() for p in network.parameters()) == count


@pytest.mark.parametrize("relu", [True, False])
def test_one_dimension_is_a_one_dimensional_convolution(relu: bool) -> None:
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


def test_unroll_gives_the_states_that_forward_reads() -> None:
    network, x = small(), torch.rand(2, 3, 6, 6)
    states = list(network.unroll(x, 4))
    assert len(states) == 4
    for steps, state in enumerate(states, start=1):
        assert torch.equal(network.readout(state), network(x, steps))


def test_weights_come_from_the_seed_alone() -> None:
    task, settings = load_task("mazes"), NetworkSettings(width=4, head=(3, 2), recall_relu=True)
    first = make_network(task, settings, seed=1).state_dict()
    torch.rand(7)
    again = make_network(task, settings, seed=1).state_dict()
    other = make_network(task, settings, seed=2).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not any(torch.equal(first[name], other[name]) for name in first)


def test_throttled_part_is_recall_and_block() -> None:
    network = small()
    slowed = {id(p) for p in network.recurrent_parameters()}
    names = {name.split(".")[0] for name, p in network.named_parameters() if id(p) in slowed}
    assert names == {"recall", "blocks"}


class TestWeightsOnDisk:
    def test_round_trip(self, tmp_path):
        network, x = small(), torch.rand(1, 3, 4, 4)
        save_weights(tmp_path / "a.safetensors", network.state_dict(), provenance={"seed": 1})
        other = RecallNetwork(dimensions=2, channels=3, width=5, head=(4, 3))
        assert load_weights(tmp_path / "a.safetensors", other) == {"seed": 1}
        assert torch.equal(network(x, 2), other(x, 2))
        assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors"]

    def test_other_shape_is_refused_in_one_line(self, tmp_path):
        save_weights(tmp_path / "a.safetensors", small().state_dict(), provenance={})
        other = RecallNetwork(dimensions=2, channels=3, width=6, head=(4, 3))
        with pytest.raises(DataError, match=r"a\.safetensors: these weights") as caught:
            load_weights(tmp_path / "a.safetensors", other)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("content", [b"", b"not weights", b"\x08\0\0\0\0\0\0\0{}      "])
    def test_broken_file_is_refused(self, tmp_path, content):
        (tmp_path / "a.safetensors").write_bytes(content)
        with pytest.raises(DataError, match=r"a\.safetensors"):
            load_weights(tmp_path / "a.safetensors", small())

    @pytest.mark.parametrize("dimensions", [1, 2])
    def test_published_names_and_back(self, dimensions):
        weights = dict(small(dimensions).state_dict())
        published = to_published(weights, dimensions=dimensions)
        parallel = {f"module.{name}": value for name, value in published.items()}
        for given in (published, parallel):
            back = from_published(given)
            assert all(torch.equal(back[name], weights[name]) for name in weights)

    def test_not_a_published_checkpoint(self):
        with pytest.raises(DataError, match=r"projection\.0\.weight"):
            from_published({"other": torch.zeros(1)})
