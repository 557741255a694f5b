"""Reports of a training: log lines and TensorBoard's files."""

from __future__ import annotations

import itertools
import logging
import re
from types import SimpleNamespace

import pytest

from deltaloss.core import progress
from deltaloss.core.log import logger
from deltaloss.runtime.callbacks import Callback, ProgressCallback, TensorBoardCallback

from .events import read_scalars

NAMES = ("train_loss", "train_accuracy_percent", "gradient_norm", "learning_rate")
LINE = r"epoch (\d)/3, loss [\d.]+, (training|validation) [\d.]+ %, (in )?[^,]*"


def row(epoch: int, *, validation: bool = True) -> dict[str, float]:
    values = {"epoch": float(epoch), **dict.fromkeys(NAMES, 0.5 * epoch)}
    return {**values, "validation_accuracy_percent": 90.0} if validation else values


def train(callback: Callback) -> None:
    """Call it as a training of 3 epochs of 2 batches does."""
    callback.on_start([], done=0, epochs=3, batches=2)
    for epoch in (1, 2, 3):
        if callback.due():
            callback.on_batch(row(epoch, validation=epoch > 1), 1)
        callback.on_epoch(row(epoch))
    callback.on_end()


def test_progress_within_epochs_and_at_their_ends_if_due(caplog, monkeypatch):
    clock = itertools.count(step=700.0)  # longer than between any two lines
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    with caplog.at_level(logging.INFO, logger.name):
        train(ProgressCallback("mazes"))
    lines = [re.fullmatch(rf"((\d+) %, )?{LINE}", message) for message in caplog.messages]
    assert all(lines), caplog.messages
    assert [line[2] for line in lines if line] == ["16", "33", "50", "66", "83", None]
    assert [line[4] for line in lines if line] == ["training", *["validation"] * 5]


def test_progress_of_a_quick_training_is_one_line(caplog):
    with caplog.at_level(logging.INFO, logger.name):
        train(ProgressCallback("mazes"))
    assert [message.split(",")[0] for message in caplog.messages] == ["epoch 3/3"]


def test_event_files_of_a_resumed_training_repeat_no_epoch(tmp_path):
    folder = tmp_path / "tensorboard"
    callback = TensorBoardCallback(folder)
    callback.on_start([], done=0, epochs=3, batches=2)
    callback.on_epoch(row(1))
    callback.on_epoch(row(2))  # lost with the checkpoint of its epoch
    callback.on_end()
    (first,) = folder.iterdir()  # named by the second
    first.rename(folder / f"{first.name}.before")
    resumed = TensorBoardCallback(folder)
    resumed.on_start([row(1)], done=3, epochs=3, batches=2)
    for epoch in (2, 3):
        resumed.on_epoch(row(epoch))
    resumed.on_end()
    scalars = read_scalars(folder)
    assert scalars.keys() == row(1).keys() - {"epoch"}
    for name, points in scalars.items():
        assert points == [(epoch, pytest.approx(row(epoch)[name])) for epoch in (1, 2, 3)]
