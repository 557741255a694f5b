"""Checkpoints that are not what was written, or not of this training."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from deltaloss.checkpoint_folder import (
    Checkpoint,
    DamagedError,
    hold_folder,
    read_checkpoint,
    write_checkpoint,
)
from deltaloss.errors import TrainingError
from deltaloss.files import beside
from deltaloss.jobs import logger

from .small_trainings import BATCHES, IDENTITY, MACHINE, StopAt, assert_same, keep, names, run, stop
from .small_trainings import folder as folder  # noqa: PLC0414 - a fixture


class TestFolder:
    def damage(self, path: Path, how: str) -> None:
        content = bytearray(path.read_bytes())
        if how == "flipped":
            content[len(content) // 2] ^= 1
        path.write_bytes({"flipped": content, "cut": content[:-1], "empty": b""}[how])

    @pytest.mark.parametrize("how", ["flipped", "cut", "empty"])
    def test_a_damaged_newest_falls_back_to_the_one_before(self, folder, how, caplog):
        stop(folder, watchers=(StopAt(2 * BATCHES + 3),))
        before, newest = sorted(folder.path.glob("epoch-*"))
        self.damage(newest, how)
        with caplog.at_level(logging.INFO, logger.name):
            went_on = run(keep(folder))
        (line,) = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
        assert line.startswith(f"warning: {newest}: this checkpoint is damaged")
        assert line.endswith("going on from the one before")
        assert f"going on from epoch {int(before.name[6:12]) + 1}, batch 0" in caplog.messages
        assert_same(went_on, run())

    def test_both_damaged_begin_anew(self, folder, caplog):
        stop(folder, watchers=(StopAt(2 * BATCHES + 3),))
        for path in folder.path.glob("epoch-*"):
            self.damage(path, "cut")
        with caplog.at_level(logging.WARNING, logger.name):
            went_on = run(keep(folder))
        assert [line.rpartition(", ")[2] for line in caplog.messages] == [
            "going on from the one before",
            "going on from the beginning",
        ]
        assert_same(went_on, run())

    def test_the_newest_two_are_kept(self, folder):
        run(keep(folder))
        assert names(folder) == [f"epoch-{epoch:06d}-batch-00000000.ckpt" for epoch in (2, 3)]

    def test_temporary_files_of_killed_writers_are_removed(self, tmp_path):
        stale = tmp_path / ".epoch-000001-batch-00000000.99999.tmp.ckpt"
        stale.write_bytes(b"half")
        with hold_folder(tmp_path):
            assert not stale.exists()

    def test_a_folder_is_held_once(self, folder):
        with pytest.raises(TrainingError, match="another job is at work there; wait"):
            hold_folder(folder.path).__enter__()

    def test_it_is_removed_whole(self, folder):
        run(keep(folder))
        folder.remove()
        assert not folder.path.exists()

    def test_it_lies_beside_the_models(self):
        model = Path("results/a/models/mazes/progressive-0.5/seed42.safetensors")
        place = Path("results/a/checkpoints/mazes/progressive-0.5/seed42")
        assert beside(model, "checkpoints") == place


class TestIdentity:
    @pytest.mark.parametrize(
        ("identity", "said"),
        [
            (
                {"settings": {"training": {"epochs": 4}, "code": "abc"}, "data_digest": "d"},
                "settings.training.epochs was 3, is now 4. Put",
            ),
            ({"settings": IDENTITY["settings"], "data_digest": "e"}, "data_digest was d, is now e"),
            (
                {"settings": {"training": {}, "code": "abc"}, "data_digest": "d"},
                "settings.training.epochs was 3, is now not there",
            ),
        ],
    )
    def test_another_one_refuses_and_says_what_differs(self, folder, identity, said):
        stop(folder, watchers=(StopAt(2),))
        before = names(folder)
        with pytest.raises(TrainingError) as refused:
            run(keep(folder, identity))
        assert said in str(refused.value)
        assert "\n" not in str(refused.value)
        assert names(folder) == before

    def test_another_machine_goes_on_with_a_warning(self, folder, caplog):
        stop(folder, watchers=(StopAt(2),))
        with caplog.at_level(logging.WARNING, logger.name):
            run(keep(folder, machine={**MACHINE, "threads": 2, "torch": "3", "python": "4"}))
        (line,) = caplog.messages
        assert "torch 2 (now 3), threads 1 (now 2): the result may differ in the last" in line


@given(place=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_no_flipped_bit_goes_unseen(tmp_path_factory, place, bit):
    path = tmp_path_factory.getbasetemp() / "one.ckpt"
    tensors = {"weights/a": torch.arange(40.0)}
    write_checkpoint(path, Checkpoint(tensors=tensors, facts={"epoch": 3, "loss": 0.1}))
    whole = read_checkpoint(path)
    assert whole.facts == {"epoch": 3, "loss": 0.1}
    assert torch.equal(whole.tensors["weights/a"], tensors["weights/a"])
    content = bytearray(path.read_bytes())
    content[place % len(content)] ^= 1 << bit
    path.write_bytes(content)
    with pytest.raises(DamagedError):
        read_checkpoint(path)
