"""A training told to stop at each of its places, and checkpoints that are not what was written."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from deltaloss import resuming, training
from deltaloss.batches import Batch, split_training
from deltaloss.checkpoint_folder import (
    Checkpoint,
    CheckpointFolder,
    DamagedError,
    hold_folder,
    read_checkpoint,
    write_checkpoint,
)
from deltaloss.errors import TrainingError
from deltaloss.files import beside
from deltaloss.interruption import Interrupted, Interruption
from deltaloss.jobs import logger
from deltaloss.losses import make_loss
from deltaloss.network import make_network
from deltaloss.resuming import Checkpoints
from deltaloss.settings import NetworkSettings, TrainingSettings
from deltaloss.tasks import load_task
from deltaloss.training import Surroundings, Trained, train
from deltaloss.watchers import Watcher

TASK = load_task("prefix_sums")
NETWORK = NetworkSettings(width=8, head=(8, 4), recall_relu=True)
IDENTITY = {"settings": {"training": {"epochs": 3}, "code": "abc"}, "data_digest": "d"}
MACHINE = {"device": "cpu (x)", "torch": "2", "threads": 1, "python": "3"}
BATCHES = 6
SCRIPTS = Path(__file__).resolve().parents[1] / "workflow" / "scripts"


class StopAt(Watcher):
    """Sends a signal after a batch: at `due` the state is whole, and nothing is held."""

    def __init__(self, number: int) -> None:
        self.left = number

    def due(self) -> bool:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGTERM)
        return False


class StoppingLoss:
    """A loss that gets a signal within its batch, its gradients half made."""

    def __init__(self, number: int) -> None:
        self.plain, self.left = make_loss("progressive", steps=3, alpha=0.5), number

    def draw(self, generator: torch.Generator) -> tuple[int, ...]:
        return self.plain.draw(generator)

    def __call__(self, *arguments: Any) -> Any:
        outcome = self.plain(*arguments)
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGTERM)
        return outcome


def run(
    keeper: Checkpoints | None = None,
    *,
    optimizer: str = "adam",
    loss: Any = None,
    watchers: tuple[Watcher, ...] = (),
    task: Any = TASK,
) -> Trained:
    inputs = torch.randint(2, (60, 1, 4), generator=torch.Generator().manual_seed(1))
    examples = Batch(
        inputs=inputs.to(torch.uint8), targets=(inputs[:, 0].cumsum(1) % 2).to(torch.uint8)
    )
    train_set, validation_set = split_training(examples, fraction=0.2, seed=42)
    kept = {} if keeper is None else {"keeper": keeper}
    return train(
        make_network(TASK, NETWORK, seed=3),
        loss or make_loss("progressive", steps=3, alpha=0.5),
        train_set,
        validation_set,
        task=task,
        settings=TrainingSettings(
            optimizer=optimizer,
            learning_rate=0.01,
            milestones=(2,),
            decay_factor=0.1,
            warmup_epochs=0,
            epochs=3,
            clip_norm=None if optimizer == "sgd" else 1.0,
            throttle=False,
            batch_size=8,
            weight_decay=0.001,
        ),
        steps=3,
        seed=3,
        surroundings=Surroundings(**kept, watchers=watchers),
    )


def keep(folder: CheckpointFolder, identity: Any = IDENTITY, machine: Any = MACHINE) -> Checkpoints:
    return Checkpoints(folder, identity=identity, machine=machine)


def without_clocks(trained: Trained) -> list[dict[str, float]]:
    return [
        {name: value for name, value in row.items() if not name.endswith("_seconds")}
        for row in trained.history
    ]


def assert_same(one: Trained, other: Trained) -> None:
    assert without_clocks(one) == without_clocks(other)
    assert one.best_epoch == other.best_epoch
    assert all(torch.equal(value, other.weights[name]) for name, value in one.weights.items())


@pytest.fixture
def folder(tmp_path: Path) -> Any:
    with hold_folder(tmp_path / "checkpoints") as held:
        yield held


def names(folder: CheckpointFolder) -> list[str]:
    return sorted(path.name for path in folder.path.glob("epoch-*"))


def stop(folder: CheckpointFolder, **where: Any) -> None:
    with pytest.raises(Interrupted) as stopped:
        run(keep(folder), **where)
    assert stopped.value.code == 143
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


class TestStopped:
    @pytest.mark.parametrize("optimizer", ["adam", "sgd"])
    @pytest.mark.parametrize("number", [1, BATCHES - 1, BATCHES, BATCHES + 1, 3 * BATCHES])
    def test_between_batches(self, folder, optimizer, number):
        stop(folder, optimizer=optimizer, watchers=(StopAt(number),))
        epoch, batch = divmod(number, BATCHES)
        if not batch:  # validation is still to do
            epoch, batch = epoch - 1, BATCHES
        assert names(folder)[-1] == f"epoch-{epoch:06d}-batch-{batch:08d}.ckpt"
        assert_same(run(keep(folder), optimizer=optimizer), run(optimizer=optimizer))

    @pytest.mark.parametrize("number", [1, 4, BATCHES + 2])
    def test_within_a_batch_that_batch_is_done_again(self, folder, number):
        stop(folder, loss=StoppingLoss(number))
        epoch, batch = divmod(number - 1, BATCHES)
        assert names(folder)[-1] == f"epoch-{epoch:06d}-batch-{batch:08d}.ckpt"
        assert_same(run(keep(folder)), run())

    @pytest.mark.parametrize(
        "place",
        [
            (torch.optim.Adam, "step"),
            (training, "snapshot"),
            (resuming, "pack"),
            (CheckpointFolder, "write"),
        ],
    )
    def test_where_weights_or_files_change_it_waits(self, folder, place, monkeypatch):
        """With half of such a section done, the same training could not follow."""
        holder, name = place
        plain: Callable[..., Any] = getattr(holder, name)
        sent = []

        def with_signal(*arguments: Any, **named: Any) -> Any:
            if not sent:
                sent.append(os.kill(os.getpid(), signal.SIGTERM))
            return plain(*arguments, **named)

        with monkeypatch.context() as patch:
            patch.setattr(holder, name, with_signal)
            stop(folder)
        assert sent
        batch = "epoch-000000-batch-00000001" if name == "step" else "epoch-000001-batch-00000000"
        assert names(folder) == [f"{batch}.ckpt"]
        assert_same(run(keep(folder)), run())

    def test_while_validating_the_trained_epoch_is_kept(self, folder):
        stop(folder, task=StoppingTask(BATCHES + 1))
        assert names(folder) == [f"epoch-000000-batch-{BATCHES:08d}.ckpt"]
        assert_same(run(keep(folder)), run())

    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
    def test_swallowed_by_a_destructor_it_stops_at_the_next_batch(self, folder):
        stop(folder, watchers=(StopInDestructor(),))
        assert names(folder) == ["epoch-000000-batch-00000002.ckpt"]
        assert_same(run(keep(folder)), run())

    def test_clocks_go_on(self, folder):
        stop(folder, watchers=(Dawdler(), StopAt(4)))
        went_on = run(keep(folder)).history
        assert went_on[0]["pause_seconds"] > 0.2
        assert went_on[1]["pause_seconds"] < 0.2

    def test_after_the_last_epoch_nothing_is_trained(self, folder):
        ended = run(keep(folder))
        again = run(keep(folder), loss=StoppingLoss(1))
        assert_same(again, ended)
        assert again.history == ended.history


class StoppingTask:
    """A puzzle that sends a signal when it is asked how many are right for the nth time."""

    def __init__(self, number: int) -> None:
        self.left = number

    def __getattr__(self, name: str) -> Any:
        return getattr(TASK, name)

    def correct(self, *arguments: Any) -> Any:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGTERM)
        return TASK.correct(*arguments)


class StopInDestructor(Watcher):
    """Sends a signal after the first batch where an exception is printed and forgotten."""

    class Doomed:
        def __del__(self) -> None:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0)

    def __init__(self) -> None:
        self.doomed: object = self.Doomed()

    def due(self) -> bool:
        self.doomed = None
        return False


class Dawdler(Watcher):
    """Takes its time after the third batch."""

    def __init__(self) -> None:
        self.batches = 0

    def due(self) -> bool:
        self.batches += 1
        return self.batches == 3

    def batch(self, row: dict[str, float], batch: int) -> None:
        assert (row["epoch"], batch) == (1, 3)
        time.sleep(0.25)


STUCK = """
import ctypes, os, signal, sys, threading
from deltaloss.interruption import Interruption

lock, libc = ctypes.create_string_buffer(64), ctypes.CDLL(None)
interruption = Interruption()
threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()
with interruption.guard(lambda: print("saved", flush=True)):
    libc.pthread_mutex_lock(lock)
    libc.pthread_mutex_lock(lock)  # for ever, and signals do not wake it
"""


class TestInterruption:
    def test_in_a_long_operation_of_a_library_the_other_thread_saves(self):
        done = subprocess.run(
            [sys.executable, "-c", STUCK],
            env={**os.environ, "PYTHONPATH": str(SCRIPTS)},
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        assert (done.returncode, done.stdout) == (143, "saved\n"), done.stderr

    def test_it_saves_once_however_many_signals_come(self):
        saved = []

        def save() -> None:
            os.kill(os.getpid(), signal.SIGTERM)
            saved.append(True)

        def guarded() -> None:
            with Interruption().guard(save):
                os.kill(os.getpid(), signal.SIGINT)
                os.kill(os.getpid(), signal.SIGTERM)

        with pytest.raises(Interrupted) as stopped:
            guarded()
        assert saved == [True]
        assert stopped.value.code == 130


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
        with pytest.raises(TrainingError, match="another job is training there; wait"):
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
