"""Weights on disk and in the published form."""

from __future__ import annotations

import pytest
import torch

from deltaloss.core.errors import DataError
from deltaloss.model.network import RecallNetwork
from deltaloss.model.weights import from_published, load_weights, save_weights, to_published


def small(dimensions: int = 2) -> RecallNetwork:
    torch.manual_seed(0)
    return RecallNetwork(dimensions=dimensions, channels=3, width=5, head=(4, 3))


def test_saved_weights_and_provenance_are_loaded_and_nothing_else_stays(tmp_path):
    network, x = small(), torch.rand(1, 3, 4, 4)
    save_weights(tmp_path / "a.safetensors", network.state_dict(), provenance={"seed": 1})
    other = RecallNetwork(dimensions=2, channels=3, width=5, head=(4, 3))
    assert load_weights(tmp_path / "a.safetensors", other) == {"seed": 1}
    assert torch.equal(network(x, 2), other(x, 2))
    assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors"]


def test_weights_in_the_place_of_others_are_refused(tmp_path):
    path = tmp_path / "mazes" / "delta" / "seed1.safetensors"
    save_weights(path, small().state_dict(), provenance={"name": "mazes/delta/seed1"})
    load_weights(path, small())
    path = path.rename(path.with_name("seed2.safetensors"))
    with pytest.raises(DataError, match=r"seed2\.safetensors: is that of mazes/delta/seed1;"):
        load_weights(path, small())


def test_weights_of_another_shape_are_refused_in_one_line(tmp_path):
    save_weights(tmp_path / "a.safetensors", small().state_dict(), provenance={})
    other = RecallNetwork(dimensions=2, channels=3, width=6, head=(4, 3))
    with pytest.raises(DataError, match=r"a\.safetensors: these weights") as caught:
        load_weights(tmp_path / "a.safetensors", other)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [b"", b"not weights", b"\x08\0\0\0\0\0\0\0{}      "],
    ids=["empty", "text", "no_tensors"],
)
def test_a_file_without_weights_is_refused_by_name(tmp_path, content):
    (tmp_path / "a.safetensors").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.safetensors"):
        load_weights(tmp_path / "a.safetensors", small())


def test_every_flipped_byte_is_noticed_or_changes_no_weight(tmp_path):
    path, network = tmp_path / "a.safetensors", small()
    save_weights(path, network.state_dict(), provenance={"seed": 1})
    content, refused, other = path.read_bytes(), 0, small()
    places = range(0, len(content), 3)
    for place in places:
        changed = bytearray(content)
        changed[place] ^= 1 << place % 8
        path.write_bytes(changed)
        try:
            provenance = load_weights(path, other)
        except DataError as error:
            refused += "damaged or changed" in str(error)
        else:
            assert provenance == {"seed": 1}
            for name, weight in network.state_dict().items():
                assert torch.equal(other.state_dict()[name], weight)
    assert refused > 0.95 * len(places)


def test_weights_are_as_readable_as_other_files(tmp_path):
    save_weights(tmp_path / "a.safetensors", small().state_dict(), provenance={})
    (tmp_path / "plain").write_text("")
    modes = {path.stat().st_mode for path in tmp_path.iterdir()}
    assert len(modes) == 1


@pytest.mark.parametrize("dimensions", [1, 2])
def test_published_names_are_converted_and_back(dimensions):
    weights = dict(small(dimensions).state_dict())
    published = to_published(weights, dimensions=dimensions)
    parallel = {f"module.{name}": value for name, value in published.items()}
    for given in (published, parallel):
        back = from_published(given)
        assert all(torch.equal(back[name], weights[name]) for name in weights)


def test_a_checkpoint_without_a_published_name_is_refused_by_that_name():
    with pytest.raises(DataError, match=r"projection\.0\.weight"):
        from_published({"other": torch.zeros(1)})
