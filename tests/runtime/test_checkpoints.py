"""Checkpoints: what is loaded, what is damaged, what belongs to another job."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from deltaloss.core.errors import TrainingError
from deltaloss.core.log import logger
from deltaloss.runtime.checkpoints import Checkpointer

IDENTITY = {"settings": {"training": {"epochs": 3, "milestones": (1, 2)}}, "data_digest": "d"}
VERSION = torch.torch_version.TorchVersion("2")
MACHINE = {
    "device": "cpu (x)",
    "torch": VERSION,
    "threads": 1,
    "python": "3",
}
STATE = {
    "epoch": 7,
    "history": [{"loss": 0.1}],
    "weights": {"a": torch.arange(40.0).view(1, 2, 4, 5).to(memory_format=torch.channels_last)},
    "nothing": None,
}


def opened(folder: Path, identity: Mapping[str, Any] = IDENTITY, **more: Any) -> Checkpointer:
    return Checkpointer(folder, identity=identity, **{"machine": MACHINE, **more})


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """A folder with a state of epoch 6 and one of epoch 7."""
    with opened(tmp_path) as saved:
        for epoch in (5, 6, 7):
            assert saved.save({**STATE, "epoch": epoch}, name=f"epoch-{epoch}")
    return tmp_path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.state"))


def damage(path: Path, how: str) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes({"flipped": content, "cut": content[:-1], "empty": b""}[how])


class TestLoad:
    def test_returns_what_was_saved_with_its_memory_layout(self, tmp_path):
        with opened(tmp_path) as saved:
            assert saved.load() is None
            saved.save(STATE, name="a")
            loaded = saved.load()
        weights = loaded["weights"].pop("a")
        assert torch.equal(weights, STATE["weights"]["a"])
        assert weights.stride() == STATE["weights"]["a"].stride()
        assert loaded == {**STATE, "weights": {}}

    def test_takes_the_newest_of_the_two_that_are_kept(self, two):
        assert names(two) == ["epoch-6.state", "epoch-7.state"]
        with opened(two) as saved:
            assert saved.load()["epoch"] == 7

    @pytest.mark.parametrize("how", ["flipped", "cut", "empty"])
    def test_falls_back_to_the_one_before_a_damaged_newest(self, two, how, caplog):
        damage(two / "epoch-7.state", how)
        with opened(two) as saved, caplog.at_level(logging.WARNING, logger.name):
            assert saved.load()["epoch"] == 6
        assert caplog.messages == [
            f"warning: {two}/epoch-7.state: this checkpoint is damaged; it is deleted"
        ]
        assert names(two) == ["epoch-6.state"]

    def test_returns_none_if_all_are_damaged(self, two):
        for path in two.glob("*.state"):
            damage(path, "cut")
        with opened(two) as saved:
            assert saved.load() is None

    @given(place=st.integers(0, 10_000), bit=st.integers(0, 7))
    def test_notices_every_flipped_bit(self, tmp_path_factory, place, bit):
        folder = tmp_path_factory.getbasetemp() / "flipped"
        with opened(folder) as saved:
            saved.save(STATE, name="a")
            content = bytearray((folder / "a.state").read_bytes())
            content[place % len(content)] ^= 1 << bit
            (folder / "a.state").write_bytes(content)
            assert saved.load() is None


class TestIdentity:
    @pytest.mark.parametrize(
        ("identity", "said"),
        [
            (
                {"settings": {"training": {"epochs": 4, "milestones": [1, 2]}}, "data_digest": "d"},
                "code or data: settings.training.epochs was 3, is now 4. Change that back",
            ),
            ({**IDENTITY, "data_digest": "e"}, "data_digest was d, is now e"),
            (
                {"settings": {"training": {"milestones": [1, 2]}}, "data_digest": "d"},
                "settings.training.epochs was 3, is now not there",
            ),
        ],
        ids=["setting", "data", "missing-setting"],
    )
    def test_of_another_job_is_refused_by_name(self, two, identity, said):
        with opened(two, identity) as saved, pytest.raises(TrainingError) as refused:
            saved.load()
        assert str(refused.value).startswith(f"{two}: the checkpoint there has other settings")
        assert said in str(refused.value)
        assert "\n" not in str(refused.value)
        assert len(names(two)) == 2

    def test_of_another_job_is_deleted_where_that_is_asked_for(self, two, caplog):
        other = {**IDENTITY, "data_digest": "e"}
        with (
            opened(two, other, on_mismatch="restart") as saved,
            caplog.at_level(logging.INFO, logger.name),
        ):
            assert saved.load() is None
        assert names(two) == []
        assert "data_digest was d, is now e" in caplog.text

    def test_written_another_way_is_the_same(self, two):
        same = {"data_digest": "d", "settings": {"training": {"milestones": [1.0, 2], "epochs": 3}}}
        with opened(two, same) as saved:
            assert saved.load()["epoch"] == 7

    def test_of_the_earlier_version_is_refused_by_name(self, tmp_path):
        (tmp_path / "epoch-000003-batch-00000000.ckpt").write_bytes(b"old")
        with opened(tmp_path) as saved, pytest.raises(TrainingError) as refused:
            saved.load()
        assert "epoch-000003-batch-00000000.ckpt was written by an earlier ver" in str(
            refused.value
        )
        assert str(refused.value).endswith("or delete this folder to start from the beginning")
        with opened(tmp_path, on_mismatch="restart") as saved:
            assert saved.load() is None
        assert not list(tmp_path.glob("*.ckpt"))

    def test_another_machine_only_warns(self, two, caplog):
        machine = {**MACHINE, "threads": 2, "torch": "3", "python": "4"}
        with (
            opened(two, machine=machine) as saved,
            caplog.at_level(logging.WARNING, logger.name),
        ):
            assert saved.load()["epoch"] == 7
        assert caplog.messages == [
            "warning: the checkpoint was made with torch 2 (now 3), threads 1 (now 2): "
            "the result may differ in the last bits"
        ]


class TestFolder:
    def test_is_held_by_one_job(self, tmp_path):
        with opened(tmp_path), pytest.raises(TrainingError, match="another job is at work there"):
            opened(tmp_path).__enter__()
        with opened(tmp_path) as saved:
            assert saved.load() is None

    def test_loses_the_temporary_files_of_killed_writers(self, tmp_path):
        stale = tmp_path / ".epoch-000001-batch-00000000.99999.tmp.state"
        stale.write_bytes(b"half")
        with opened(tmp_path):
            assert not stale.exists()

    def test_is_removed_whole(self, two):
        with opened(two) as saved:
            saved.remove()
            assert not two.exists()

    def test_removes_the_folders_above_that_it_leaves_empty(self, tmp_path):
        root = tmp_path / "tiny" / "checkpoints"
        for weights in ("seed1", "seed2"):
            with opened(root / "mazes" / "delta" / weights) as saved:
                saved.save(STATE, name="epoch-1")
        for weights, left in (("seed1", True), ("seed2", False)):
            with opened(root / "mazes" / "delta" / weights) as saved:
                saved.remove()
            assert root.exists() == left
        assert list((tmp_path / "tiny").iterdir()) == []

    def test_makes_its_folder_though_another_job_removes_those_above(self, tmp_path, monkeypatch):
        folder, left = tmp_path / "checkpoints" / "mazes" / "seed1", [2]
        make = Path.mkdir

        def make_late(path: Path, *options: Any, **more: Any) -> None:
            make(path, *options, **more)
            if path == folder and left[0]:
                left[0] -= 1
                folder.rmdir()
                folder.parent.rmdir()

        monkeypatch.setattr(Path, "mkdir", make_late)
        with opened(folder) as saved:
            assert saved.save(STATE, name="epoch-1")
        assert left == [0]

    def test_keeps_its_states_if_a_write_fails(self, two, monkeypatch, caplog):
        def full(handle: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("os.fsync", full)
        with opened(two) as saved, caplog.at_level(logging.WARNING, logger.name):
            assert not saved.save(STATE, name="epoch-8")
        assert caplog.messages == [
            f"warning: {two}: no checkpoint was written ([Errno 28] No space left on device)"
        ]
        assert names(two) == ["epoch-6.state", "epoch-7.state"]
        assert not list(two.glob(".*"))
