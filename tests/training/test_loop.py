"""A training in this process: what it learns, selects, records, and how it stops and resumes."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from deltaloss.core.files import write_json
from deltaloss.core.log import StopFlag, logger
from deltaloss.evaluation.loop import accuracy_percent
from deltaloss.losses.base import make_loss
from deltaloss.model.make import make_network
from deltaloss.runtime.callbacks import Callback
from deltaloss.training.history import HISTORY_COLUMNS, load_history, save_history
from deltaloss.training.state import Clock

from .small import (
    BATCHES,
    NETWORK,
    TASK,
    StoppingLoss,
    StoppingTask,
    assert_same,
    checkpointer,
    names,
    resume,
    run,
    split,
    stop,
)


class TestTraining:
    @pytest.mark.parametrize("loss", ["delta", "progressive"])
    def test_learns(self, loss):
        trained = run(loss, epochs=60, milestones=(50,), throttle=False)
        assert trained.history[-1]["train_loss"] < 0.5 * trained.history[0]["train_loss"]
        assert max(row["validation_accuracy_percent"] for row in trained.history) >= 50

    @pytest.mark.parametrize("select", ["first_best", "last"])
    def test_selects_the_first_best_or_the_last_epoch(self, select):
        trained = run(epochs=12, milestones=(), around={"select": select})
        accuracies = [row["validation_accuracy_percent"] for row in trained.history]
        best = accuracies.index(max(accuracies)) + 1
        assert best < 12, "this training does not tell the two apart"
        assert trained.best_epoch == (best if select == "first_best" else 12)
        network = make_network(TASK, NETWORK)
        network.load_state_dict(trained.weights)
        accuracy = accuracy_percent(network, split()[1], task=TASK, steps=3)
        assert accuracy == accuracies[trained.best_epoch - 1]

    @pytest.fixture
    def perfect_in_the_second(self, monkeypatch):
        """Validation accuracies of 50, 100, 75 and 100 %, each training anew."""

        def scripted(network, examples, *, task, steps):
            return [50.0, 100.0, 75.0, 100.0][self.epoch_of(network)]

        self.seen: dict[int, int] = {}
        monkeypatch.setattr("deltaloss.training.loop.accuracy_percent", scripted)

    def epoch_of(self, network):
        self.seen[id(network)] = self.seen.get(id(network), -1) + 1
        return self.seen[id(network)]

    @pytest.mark.usefixtures("perfect_in_the_second")
    def test_nothing_after_perfection_changes_the_selected_weights(self):
        whole = run(epochs=4)
        ended = run(epochs=4, around={"stop_at_perfect_validation": True})
        assert (len(whole.history), len(ended.history)) == (4, 2)
        assert ended.best_epoch == whole.best_epoch == 2
        assert all(torch.equal(ended.weights[name], w) for name, w in whole.weights.items())
        assert not any(torch.equal(whole.last_weights[n], w) for n, w in whole.weights.items())
        assert all(torch.equal(ended.last_weights[n], w) for n, w in ended.weights.items())

    @pytest.mark.usefixtures("perfect_in_the_second")
    def test_a_perfect_training_that_is_resumed_is_finished(self, tmp_path):
        results = []
        for _ in range(2):
            with checkpointer(tmp_path) as saved:
                around = {"checkpointer": saved, "stop_at_perfect_validation": True}
                results.append(run(epochs=4, around=around))
        assert_same(*results)
        assert len(results[1].history) == 2

    def test_same_seed_same_weights_whatever_happened_before(self):
        first = run()
        torch.rand(99)
        again, other = run(), run(seed=4)
        assert_same(again, first)
        assert not any(torch.equal(first.weights[name], w) for name, w in other.weights.items())

    def test_gradient_norm_is_recorded_before_clipping(self):
        free, clipped = run(epochs=1, clip_norm=None), run(epochs=1, clip_norm=1e9)
        tight = run(epochs=1, clip_norm=1e-9, optimizer="sgd", learning_rate=1e-9)
        norm = free.history[0]["gradient_norm"]
        assert norm == clipped.history[0]["gradient_norm"] > 0.01
        assert tight.history[0]["gradient_norm"] == pytest.approx(norm, rel=0.5)

    def test_history_has_one_row_per_epoch_and_survives_its_file(self, tmp_path):
        history = run().history
        assert [row["epoch"] for row in history] == [1, 2, 3]
        assert all(tuple(row) == HISTORY_COLUMNS for row in history)
        assert all(row["train_seconds"] > 0 for row in history)
        path = tmp_path / "history.csv"
        save_history(path, history)
        write_json(path.with_suffix(".json"), {}, files=[path])
        loaded = load_history(path)
        np.testing.assert_allclose(loaded, pd.DataFrame(history), rtol=1e-6)


class PoisonedLoss:
    """A loss that is not finite in its nth batch."""

    def __init__(self, number: int) -> None:
        self.plain, self.left = make_loss("delta", steps=3), number

    def draw(self, generator: torch.Generator) -> tuple[int, ...]:
        return ()

    def __call__(self, network: Any, x: torch.Tensor, criterion: Any, *drawn: int) -> Any:
        self.left -= 1
        return self.plain(network, x * float("nan") if self.left == 0 else x, criterion)


class PoisonedGradient(PoisonedLoss):
    """A finite loss whose gradient is not finite in its nth batch."""

    def __call__(self, network: Any, x: torch.Tensor, criterion: Any, *drawn: int) -> Any:
        self.left -= 1
        outcome = self.plain(network, x, criterion)
        if self.left == 0:
            network.recall.weight.grad[0, 0] = float("inf")
        return outcome


class FailingLoss(PoisonedLoss):
    """A loss that raises an error in its nth batch."""

    def __call__(self, *arguments: Any) -> Any:
        self.left -= 1
        if self.left == 0:
            raise ZeroDivisionError
        return self.plain(*arguments)


class TestWeightsThatAreNotFinite:
    """A training that diverges has a result, which counts as any other."""

    @pytest.mark.parametrize("loss", [PoisonedLoss, PoisonedGradient])
    @pytest.mark.parametrize("batch", [BATCHES + 3, 2 * BATCHES])
    def test_end_the_training_and_leave_the_best_weights_so_far(self, loss, batch):
        ended, whole = run(loss(batch)), run(loss(1000), epochs=1, milestones=())
        assert [row["epoch"] for row in ended.history] == [1, 2]
        assert ended.history[1]["validation_accuracy_percent"] == 0
        assert ended.best_epoch == 1
        torch.testing.assert_close(ended.weights, whole.weights, rtol=0, atol=0)
        assert any(not weight.isfinite().all() for weight in ended.last_weights.values())

    def test_are_selected_where_the_last_ones_are_wanted(self):
        ended = run(PoisonedGradient(2 * BATCHES), around={"select": "last"})
        assert ended.best_epoch == 2
        weights = (ended.weights, ended.last_weights)
        torch.testing.assert_close(*weights, rtol=0, atol=0, equal_nan=True)

    def test_may_be_those_of_the_first_epoch(self):
        ended = run(learning_rate=1e20, clip_norm=None)
        assert (len(ended.history), ended.best_epoch) == (1, 1)
        assert not np.isfinite(ended.history[0]["train_loss"])


class TestStop:
    @pytest.mark.parametrize("optimizer", ["adam", "sgd"])
    @pytest.mark.parametrize("number", [1, BATCHES, BATCHES + 1, 3 * BATCHES])
    def test_in_a_batch_saves_after_that_batch_and_resumes_bit_for_bit(
        self, tmp_path, optimizer, number
    ):
        stop(tmp_path, loss=StoppingLoss(number), optimizer=optimizer)
        epoch, batch = divmod(number - 1, BATCHES)
        assert names(tmp_path)[-1] == f"epoch-{epoch:06d}-batch-{batch + 1:08d}"
        assert_same(resume(tmp_path, optimizer=optimizer), run(optimizer=optimizer))

    def test_in_a_validation_saves_after_that_epoch(self, tmp_path, caplog):
        with caplog.at_level(logging.INFO, logger.name):
            stop(tmp_path, task=StoppingTask(BATCHES + 1))
            assert names(tmp_path) == ["epoch-000001-batch-00000000"]
            assert_same(resume(tmp_path), run())
        assert caplog.messages == [
            "told to stop: saved at epoch 2, batch 0",
            "resuming at epoch 2, batch 0",
        ]

    def test_after_the_last_batch_of_all_does_not_stop(self):
        with StopFlag() as flag:
            last_validation = 3 * BATCHES + 3
            finished = run(task=StoppingTask(last_validation), around={"stop": flag})
            assert flag.requested
        assert_same(finished, run())

    def test_without_a_checkpointer_says_that_nothing_is_saved(self, caplog):
        with (
            caplog.at_level(logging.INFO, logger.name),
            pytest.raises(SystemExit),
            StopFlag() as flag,
        ):
            run(StoppingLoss(2), around={"stop": flag})
        assert caplog.messages == ["told to stop: not saved at epoch 1, batch 2"]

    def test_a_finished_training_trains_nothing_when_resumed(self, tmp_path):
        ended = resume(tmp_path)
        again = resume(tmp_path, loss=PoisonedLoss(1))
        assert_same(again, ended)
        assert again.history == ended.history
        assert names(tmp_path) == [f"epoch-{epoch:06d}-batch-00000000" for epoch in (2, 3)]

    def test_seconds_of_the_stopped_epoch_are_kept(self, tmp_path, monkeypatch):
        clock = iter(range(10**6))
        monkeypatch.setattr("time.perf_counter", lambda: float(next(clock)))
        stop(tmp_path, loss=StoppingLoss(2))
        resumed, whole = resume(tmp_path).history, run().history
        assert resumed[0]["train_seconds"] == whole[0]["train_seconds"] + 1
        assert resumed[1]["train_seconds"] == whole[1]["train_seconds"]


class Recorder(Callback):
    """Writes down what it is called with."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def on_start(self, history: Any, **where: int) -> None:
        self.calls.append(("start", len(history), where))

    def due(self) -> bool:
        return True

    def on_batch(self, row: Any, batch: int) -> None:
        self.calls.append((int(row["epoch"]), batch, "validation_accuracy_percent" in row))

    def on_epoch(self, row: Any) -> None:
        self.calls.append(dict(row))

    def on_end(self) -> None:
        self.calls.append("end")


class TestCallbacks:
    def test_are_called_for_batches_and_epochs(self):
        recorder = Recorder()
        history = run(epochs=2, milestones=(), around={"callbacks": [recorder]}).history
        first, second = ([(epoch, b, epoch > 1) for b in range(1, BATCHES)] for epoch in (1, 2))
        start = ("start", 0, {"done": 0, "epochs": 2, "batches": BATCHES})
        assert recorder.calls == [start, *first, history[0], *second, history[1], "end"]

    def test_start_where_the_training_resumes_and_end_when_it_fails(self, tmp_path):
        stop(tmp_path, loss=StoppingLoss(BATCHES + 2))
        recorder = Recorder()
        with pytest.raises(ZeroDivisionError):
            resume(tmp_path, loss=FailingLoss(4), callbacks=[recorder])
        start = ("start", 1, {"done": BATCHES + 2, "epochs": 3, "batches": BATCHES})
        assert recorder.calls == [start, *((2, b, True) for b in (3, 4, 5)), "end"]

    def test_change_no_result(self):
        assert_same(run(around={"callbacks": [Recorder()]}), run())


def test_clock_books_each_activity_alone(monkeypatch):
    times = iter([0.0, 1.0, 3.0, 7.0, 15.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(times))
    clock = Clock(torch.device("cpu"))
    for activity in ("train", "validation", "train", "pause"):
        clock.switch(activity)
    assert clock.seconds == {"pause": 1.0, "train": 2.0 + 8.0, "validation": 4.0}
    clock.start_epoch()
    assert sum(clock.seconds.values()) == 0
