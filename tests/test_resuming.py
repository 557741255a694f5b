"""A training that is told to stop, at each of its places, and then goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from deltaloss import resuming, training
from deltaloss.checkpoint_folder import CheckpointFolder
from deltaloss.interruption import Interrupted, Interruption

from .small_trainings import (
    BATCHES,
    Dawdler,
    StopAt,
    StopInDestructor,
    StoppingLoss,
    StoppingTask,
    assert_same,
    keep,
    names,
    run,
    stop,
)
from .small_trainings import folder as folder  # noqa: PLC0414 - a fixture

SCRIPTS = Path(__file__).resolve().parents[1] / "workflow" / "scripts"


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
