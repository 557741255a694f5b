"""What is said of a training while it runs, and what its seconds are booked to."""

from __future__ import annotations

import io
import logging
import re
import sys
import time
from typing import Any

import pytest
import torch

from deltaloss.clocks import CLOCKS, Clocks
from deltaloss.event_files import EventFiles
from deltaloss.jobs import job_log, logger
from deltaloss.losses import make_loss
from deltaloss.records import HISTORY_COLUMNS
from deltaloss.watchers import Bar, Lines, Watcher, make_watchers

from .events import read_scalars
from .test_resuming import BATCHES, StopAt, keep, run, stop
from .test_resuming import folder as folder  # noqa: PLC0414 - a fixture

LINE = re.compile(
    r"epoch (\d)/3, batch (\d)/6, loss [\d.]+, training [\d.]+ %, (validation [\d.]+ %, )?"
    r"gradient norm [\d.e-]+, rate [\d.]+, \d+ s left"
)


class TestLines:
    def test_within_epochs_and_at_their_ends(self, caplog):
        with caplog.at_level(logging.INFO, logger.name):
            run(watchers=(Lines(seconds=0),))
        lines = [LINE.fullmatch(message) for message in caplog.messages]
        assert all(lines), caplog.messages
        assert [(int(one[1]), int(one[2])) for one in lines if one] == [
            (epoch, batch) for epoch in (1, 2, 3) for batch in (1, 2, 3, 4, 5, 6, 6)
        ]
        assert [bool(one[3]) for one in lines if one][:8] == [False] * 6 + [True] * 2

    def test_seldom_else_and_always_at_the_end(self, caplog):
        with caplog.at_level(logging.INFO, logger.name):
            run(watchers=(Lines(seconds=60),))
        (line,) = caplog.messages
        assert line.startswith("epoch 3/3, batch 6/6, ")

    def test_time_left_counts_from_where_the_training_went_on(self, monkeypatch, caplog):
        clock = iter([100.0, 110.0])
        monkeypatch.setattr(time, "monotonic", lambda: next(clock))
        lines = Lines()
        lines.begin([], done=600, epochs=10, batches=100)
        names = ("train_loss", "train_accuracy_percent", "gradient_norm", "learning_rate")
        with caplog.at_level(logging.INFO, logger.name):
            lines.batch({"epoch": 7, **dict.fromkeys(names, 1.0)}, 50)
        assert caplog.messages[0].endswith(", 70 s left")  # 10 s for 50 of the 400


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class TestBar:
    def test_only_a_terminal_has_one(self, monkeypatch):
        monkeypatch.setattr(sys, "stderr", Terminal())
        assert [type(one) for one in make_watchers("x")] == [Bar, Lines]
        monkeypatch.setattr(sys, "stderr", io.StringIO())
        assert [type(one) for one in make_watchers("x")] == [Lines]

    def test_it_fills_while_lines_go_to_the_log_and_warnings_above_it(self, monkeypatch, tmp_path):
        terminal = Terminal()
        monkeypatch.setattr(sys, "stderr", terminal)
        with job_log(str(tmp_path / "log"), "mazes"):
            run(watchers=(Bar("mazes delta"), Lines(seconds=0), Warner()))
            logger.info("done")
        shown = terminal.getvalue()
        assert re.search(
            r"mazes delta: 100%\|.*18/18 \[00:00 left, epoch 3/3, "
            r"loss [\d.]+, right [\d.]+/[\d.]+ %, norm [\d.]+, rate [\d.]+\]",
            shown,
        )
        assert "[mazes] warning: above\n" in shown
        assert "s left" not in shown
        assert shown.endswith("[mazes] done\n")
        assert (tmp_path / "log").read_text().count("s left") == 3 * (BATCHES + 1)


class Warner(Watcher):
    def epoch(self, row: dict[str, float]) -> None:
        logger.warning("warning: above")


class TestEventFiles:
    def test_they_hold_the_history_and_after_a_break_nothing_twice(self, folder, tmp_path):
        events = tmp_path / "tensorboard"
        stop(folder, watchers=(EventFiles(events), StopAt(BATCHES + 2)))
        assert [step for step, _ in read_scalars(events)["train_loss"]] == [1]
        (first,) = events.iterdir()  # named by the second: this one is to be an older one
        first.rename(events / f"{first.name}.before")
        history = run(keep(folder), watchers=(EventFiles(events),)).history
        scalars = read_scalars(events)
        assert scalars.keys() == set(HISTORY_COLUMNS) - {"epoch"}
        for name, points in scalars.items():
            assert [step for step, _ in points] == [1, 2, 3]
            values = [value for _, value in points]
            assert values == pytest.approx([row[name] for row in history], rel=1e-6)


class TestClocks:
    def test_one_runs_at_a_time(self):
        clocks = Clocks(torch.device("cpu"), {"train": 5.0})
        with clocks.on("train"):
            time.sleep(0.02)
            with clocks.on("pause"):
                time.sleep(0.05)
            time.sleep(0.02)
        with clocks.on("validation"):
            time.sleep(0.03)
        seconds = clocks.read()
        assert tuple(seconds) == CLOCKS
        assert seconds == pytest.approx(
            {"train": 5.04, "validation": 0.03, "compile": 0, "pause": 0.05}, abs=0.02
        )
        clocks.reset()
        assert sum(clocks.read().values()) < 0.01

    def test_what_a_loss_prepares_is_booked_to_its_clock_alone(self):
        history = run(loss=Preparing()).history
        assert history[0]["compile_seconds"] > 0.2
        assert history[1]["compile_seconds"] == 0
        assert all(0 < row["train_seconds"] < 0.2 for row in history)
        assert without_seconds(history) == without_seconds(run().history)


def without_seconds(history: list[dict[str, float]]) -> list[dict[str, float]]:
    return [{k: v for k, v in row.items() if not k.endswith("_seconds")} for row in history]


class Preparing:
    """A loss that takes its time before the first batch, and leaves gradients behind."""

    def __init__(self) -> None:
        self.plain = make_loss("progressive", steps=3, alpha=0.5)

    def prepare(self, network: Any, x: torch.Tensor, criterion: Any) -> None:
        assert x.shape == (8, 1, 4)
        self.plain(network, x, criterion, 0, 1)
        time.sleep(0.25)

    def draw(self, generator: torch.Generator) -> tuple[int, ...]:
        return self.plain.draw(generator)

    def __call__(self, *arguments: Any) -> Any:
        return self.plain(*arguments)
