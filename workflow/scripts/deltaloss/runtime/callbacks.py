"""Callbacks of a training: progress and TensorBoard. They only report; no result depends on them.

A row has an epoch's values by the names of the history's columns.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from deltaloss.core.progress import Progress

Row = Mapping[str, float]


class Callback:
    """Hooks of a training, in the order of their calls; each does nothing unless overridden."""

    def on_start(self, history: Sequence[Row], *, done: int, epochs: int, batches: int) -> None:
        """Run once, before training starts or resumes.

        Args:
            history: rows of the finished epochs.
            done: finished batches, over all epochs.
            epochs: number of epochs.
            batches: number of batches per epoch.
        """

    def due(self) -> bool:
        """Whether `on_batch` should be called now; asked after each batch but an epoch's last."""
        return False

    def on_batch(self, row: Row, batch: int) -> None:
        """Run after a batch, if due.

        Args:
            row: means of the epoch's batches so far, and the validation accuracy of the epoch
                before, if there is one.
            batch: number of these batches.
        """

    def on_epoch(self, row: Row) -> None:
        """Run after each epoch, with its row of the history."""

    def on_end(self) -> None:
        """Run once, however the training ends."""


class ProgressCallback(Callback):
    """Reports epoch, loss, accuracy and the time left.

    Attributes:
        name: of the training, for other ways to report.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def on_start(self, history: Sequence[Row], *, done: int, epochs: int, batches: int) -> None:
        """Start the clock that estimates the time left."""
        self._epochs, self._batches = epochs, batches
        self._progress = Progress(epochs * batches, unit="batches", done=done)

    def due(self) -> bool:
        """Whether the last report is old."""
        return self._progress.due()

    def on_batch(self, row: Row, batch: int) -> None:
        """Report, if the last report is old."""
        done = (int(row["epoch"]) - 1) * self._batches + batch
        text = f"epoch {row['epoch']:.0f}/{self._epochs}, {describe(row)}"
        self._progress.update(done, text)

    def on_epoch(self, row: Row) -> None:
        """Report, if the last report is old or this is the last epoch."""
        self.on_batch(row, self._batches)


def describe(row: Row) -> str:
    """Loss and accuracy in one line: on validation examples where it is known."""
    known = "validation" if "validation_accuracy_percent" in row else "train"
    accuracy = row[f"{known}_accuracy_percent"]
    return f"loss {row['train_loss']:.4f}, {known.replace('train', 'training')} {accuracy:.2f} %"


class TensorBoardCallback(Callback):
    """Writes the history as event files, one scalar per column.

    A resumed training writes the rows of its history again into an empty folder: otherwise
    TensorBoard would show repeated epochs twice.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def on_start(self, history: Sequence[Row], *, done: int, epochs: int, batches: int) -> None:
        """Empty the folder and write the rows of the finished epochs."""
        from tensorboardX import SummaryWriter  # noqa: PLC0415 - needed only if asked for

        shutil.rmtree(self._folder, ignore_errors=True)
        self._writer = SummaryWriter(str(self._folder))
        for row in history:
            self.on_epoch(row)

    def on_epoch(self, row: Row) -> None:
        """Write a row; TensorBoard sees it at once."""
        for name, value in row.items():
            if name != "epoch":
                self._writer.add_scalar(name, value, int(row["epoch"]))
        self._writer.flush()

    def on_end(self) -> None:
        """Close the file."""
        self._writer.close()
