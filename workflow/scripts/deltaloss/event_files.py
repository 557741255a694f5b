"""A training's history as TensorBoard reads it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from deltaloss.records import Row
from deltaloss.watchers import Watcher


class EventFiles(Watcher):
    """Writes each epoch's row into a folder, a scalar a column.

    A training that goes on writes the rows of its history anew: TensorBoard would show those of
    epochs that were lost, and done again, twice.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open = ExitStack()

    def begin(self, history: Sequence[Row], *, done: int, epochs: int, batches: int) -> None:
        """Empty the folder and write the rows that are there."""
        from tensorboardX import SummaryWriter  # noqa: PLC0415 - only who asks for it needs it

        shutil.rmtree(self._folder, ignore_errors=True)
        self._writer = self._open.enter_context(SummaryWriter(str(self._folder)))
        for row in history:
            self.epoch(row)

    def epoch(self, row: Row) -> None:
        """Write a row; TensorBoard sees it at once."""
        for name, value in row.items():
            if name != "epoch":
                self._writer.add_scalar(name, value, int(row["epoch"]))
        self._writer.flush()

    def end(self) -> None:
        """Close the file."""
        self._open.close()
