"""Who watches a training: lines in a log, a bar on a terminal."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from deltaloss.jobs import LINE_SECONDS, logger
from deltaloss.records import Row

BAR_SECONDS = 1.0
FORMAT = "{desc}: {percentage:3.0f}%|{bar:8}| {n_fmt}/{total_fmt} [{remaining} left{postfix}]"


class Watcher:
    """Is told how far a training is; does nothing with it."""

    def begin(self, history: Sequence[Row], *, done: int, epochs: int, batches: int) -> None:
        """Hear where the training begins or goes on.

        Args:
            history: the epochs that are done.
            done: batches that are done, over all epochs.
            epochs: how many there will be.
            batches: of each epoch.
        """

    def due(self) -> bool:
        """Tell whether `batch` is wanted now; asked after every batch."""
        return False

    def batch(self, row: Row, batch: int) -> None:
        """Hear of the present epoch after `batch` batches: a history's row, as far as known."""

    def epoch(self, row: Row) -> None:
        """Hear of a finished epoch: its row of the history."""

    def end(self) -> None:
        """Let go of what is open."""


def describe(row: Row) -> str:
    """Write loss, accuracies, gradient norm and rate; validation is that of the last epoch."""
    validation = row.get("validation_accuracy_percent")
    said = "" if validation is None else f"validation {validation:.2f} %, "
    return (
        f"loss {row['train_loss']:.4f}, training {row['train_accuracy_percent']:.2f} %, {said}"
        f"gradient norm {row['gradient_norm']:.3g}, rate {row['learning_rate']:.3g}"
    )


def describe_short(row: Row) -> str:
    """Write the same as `describe` for a bar, which shares its line."""
    accuracies = [
        f"{row[name]:.1f}"
        for name in ("train_accuracy_percent", "validation_accuracy_percent")
        if name in row
    ]
    return (
        f"loss {row['train_loss']:.4f}, right {'/'.join(accuracies)} %, "
        f"norm {row['gradient_norm']:.3g}, rate {row['learning_rate']:.3g}"
    )


class Lines(Watcher):
    """A line every few seconds, within epochs too, and one at the end."""

    def __init__(self, seconds: float = LINE_SECONDS) -> None:
        self._seconds = seconds

    def begin(self, history: Sequence[Row], *, done: int, epochs: int, batches: int) -> None:
        """Start the clock that tells the time left."""
        self._before, self._epochs, self._batches = done, epochs, batches
        self._started = self._last = time.monotonic()

    def due(self) -> bool:
        """Tell whether the last line is old."""
        return time.monotonic() - self._last >= self._seconds

    def batch(self, row: Row, batch: int) -> None:
        """Log a line."""
        self._last = time.monotonic()
        epoch = int(row["epoch"])
        done = (epoch - 1) * self._batches + batch
        seconds = (self._last - self._started) / max(done - self._before, 1)
        logger.info(
            "epoch %d/%d, batch %d/%d, %s, %.0f s left",
            *(epoch, self._epochs, batch, self._batches, describe(row)),
            seconds * (self._epochs * self._batches - done),
        )

    def epoch(self, row: Row) -> None:
        """Log a line if one is due; the last epoch has its line always."""
        if self.due() or row["epoch"] == self._epochs:
            self.batch(row, self._batches)


class Bar(Watcher):
    """A bar that fills with the batches of all epochs; warnings appear above it.

    Lines go on into the job's log, but not to the terminal.

    Args:
        name: stands before the bar.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._last = 0.0
        self._open = ExitStack()

    def begin(self, history: Sequence[Row], *, done: int, epochs: int, batches: int) -> None:
        """Draw the bar."""
        self._epochs, self._batches = epochs, batches
        self._open.enter_context(logging_redirect_tqdm([logger]))
        logger.handlers[-1].setLevel(logging.WARNING)  # the one that writes above the bar
        self._bar = self._open.enter_context(
            tqdm(desc=self._name, initial=done, total=epochs * batches, bar_format=FORMAT)
        )

    def due(self) -> bool:
        """Tell whether the bar is old."""
        return time.monotonic() - self._last >= BAR_SECONDS

    def batch(self, row: Row, batch: int) -> None:
        """Move the bar."""
        self._last = time.monotonic()
        epoch = int(row["epoch"])
        self._bar.set_postfix_str(
            f"epoch {epoch}/{self._epochs}, {describe_short(row)}", refresh=False
        )
        self._bar.update((epoch - 1) * self._batches + batch - self._bar.n)

    def epoch(self, row: Row) -> None:
        """Move the bar."""
        self.batch(row, self._batches)

    def end(self) -> None:
        """Leave the bar as it is, and give the terminal back to the lines."""
        self._open.close()


def make_watchers(name: str) -> list[Watcher]:
    """Give lines, and on a terminal a bar of that name."""
    return [Bar(name), Lines()] if sys.stderr.isatty() else [Lines()]
