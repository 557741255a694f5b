"""Checkpoints of the published implementations become the same network, or one line."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import torch

from deltaloss.config.settings import NetworkSettings
from deltaloss.core.errors import DataError
from deltaloss.data.archives import write_pin
from deltaloss.efficiency.published import from_ours
from deltaloss.model.make import make_network
from deltaloss.model.released import convert_checkpoint, identify, read_checkpoint
from deltaloss.puzzles.base import load_task

from .published_checkpoints import published_weights, write_checkpoint

PUZZLES = ("chess", "mazes", "prefix_sums")


def network(task="mazes", *, recall_relu=True, width=4, seed=1):
    settings = NetworkSettings(width=width, head=(3, 2), recall_relu=recall_relu)
    return make_network(load_task(task), settings, seed=seed)


def convert(path: Path, target):
    weights, _ = read_checkpoint(path)
    return convert_checkpoint(path, weights, target)


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize(
    ("task", "recall_relu"),
    [*((task, True) for task in PUZZLES), *((task, False) for task in ("chess", "mazes"))],
)
def test_the_answers_are_those_of_the_checkpoint_s_network(tmp_path, task, recall_relu, prefix):
    path, original = tmp_path / "model_best.pth", network(task, recall_relu=recall_relu)
    write_checkpoint(path, original, prefix=prefix)
    found = network(task, recall_relu=recall_relu, seed=2)
    found.load_state_dict(convert(path, found))
    shape = (8,) if found.dimensions == 1 else (8, 8)
    x = torch.rand(3, load_task(task).channels, *shape)
    with torch.no_grad():
        assert torch.equal(found(x, 5), original(x, 5))
        published, _ = from_ours(original)(x, 5)
        torch.testing.assert_close(found(x, 5), published[-1])


def test_the_epoch_is_read_and_other_keys_are_not_needed(tmp_path):
    path, one = tmp_path / "a.pth", network()
    write_checkpoint(path, one)
    assert read_checkpoint(path)[1] == 7
    torch.save(published_weights(one), path)
    assert read_checkpoint(path)[1] is None
    assert torch.equal(convert(path, one)["recall.weight"], one.recall.weight)


def changed(**tensors):
    """Weights with some tensors changed; None removes one."""
    weights = {**published_weights(network()), **tensors}
    return {name: one for name, one in weights.items() if one is not None}


WRONG = {
    "missing and surplus": (
        changed(**{"head.4.weight": None, "head.4.bias": torch.zeros(2)}),
        r"missing: head\.4\.weight \[2, 2, 3, 3\]; too many: head\.4\.bias \[2\]; see network",
    ),
    "another shape": (
        changed(**{"head.0.weight": torch.zeros(5, 4, 3, 3)}),
        r"different: head\.0\.weight \[5, 4, 3, 3\] instead of \[3, 4, 3, 3\]",
    ),
    "another width": (
        published_weights(network(width=6)),
        r"different: projection\.0\.weight \[6, .* 4 more",
    ),
    "another puzzle": (
        published_weights(network("prefix_sums")),
        r"different: projection\.0\.weight \[4, 1, 3\] instead of \[4, 3, 3, 3\]",
    ),
    "another type": (
        {name: one.double() for name, one in changed().items()},
        r"different: projection\.0\.weight \[4, 3, 3, 3\] float64 instead of",
    ),
    "not finite": (
        changed(**{"head.4.weight": torch.full((2, 2, 3, 3), torch.nan)}),
        r"head\.4\.weight hold numbers that are not finite",
    ),
    "no tensors": ({"epoch": 3, "accuracy": 0.5}, r"epoch, accuracy should be tensors"),
    "no weights": ({"net": {}}, "it has no weights under 'net'"),
    "a list": ([1, 2], "it has no weights under 'net'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_other_weights_are_one_line(tmp_path, case):
    content, message = WRONG[case]
    path = tmp_path / "wrong.pth"
    torch.save(content, path)
    with pytest.raises(DataError, match=message) as error:
        convert(path, network())
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("has", "word"), [(True, "true"), (False, "false")])
def test_a_relu_on_one_side_only_is_refused(tmp_path, has, word):
    path = tmp_path / "a.pth"
    write_checkpoint(path, network(recall_relu=has))
    with pytest.raises(DataError, match=f"after the recall convolution; add recall_relu: {word}"):
        convert(path, network(recall_relu=not has))


class Harmful:
    def __reduce__(self):
        return subprocess.check_call, (["touch", "harm"],)


@pytest.mark.parametrize("content", [b"", b"<html>sorry</html>" * 99, b"PK\x03\x04" * 99, b"\x80"])
def test_a_file_that_is_no_checkpoint_is_one_line(tmp_path, content):
    path = tmp_path / "a.pth"
    path.write_bytes(content)
    with pytest.raises(DataError, match="not a checkpoint that holds data only: ") as error:
        read_checkpoint(path)
    assert "\n" not in str(error.value)


def test_a_cut_checkpoint_is_one_line(tmp_path):
    path = tmp_path / "a.pth"
    write_checkpoint(path, network())
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(DataError, match="not a checkpoint that holds data only: "):
        read_checkpoint(path)


def test_code_in_a_checkpoint_does_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_checkpoint(tmp_path / "a.pth", network(), hook=Harmful())
    with pytest.raises(
        DataError, match=r"Unsupported global: GLOBAL \w+\.check_call was not an allowed"
    ):
        read_checkpoint(tmp_path / "a.pth")
    assert not (tmp_path / "harm").exists()


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(DataError, match="there is no such file"):
        read_checkpoint(tmp_path / "no.pth")


def test_a_checkpoint_is_identified_by_the_config_or_by_its_pin(tmp_path):
    path = tmp_path / "a.pth"
    path.write_bytes(b"abc")
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert identify(path, {"file_name": "a.pth", "sha256": digest}) == (digest, None)
    write_pin(path, digest, "https://example.org/a.pth")
    assert identify(path, {"repository": "a/b"}) == (digest, "https://example.org/a.pth")
    path.write_bytes(b"abd")
    with pytest.raises(DataError, match="was changed since the config was read"):
        identify(path, {"file_name": "a.pth", "sha256": digest})
    with pytest.raises(DataError, match=r"a\.pth\.sha256 has"):
        identify(path, {"repository": "a/b"})
