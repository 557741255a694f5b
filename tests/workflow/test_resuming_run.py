"""A training under Snakemake that is killed, started again, and refused with other settings."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from ..events import read_scalars
from ..training_jobs import assert_same_end
from .conftest import TINY, Project, copy_project

EPOCHS = 150
MODEL = "results/tiny/models/prefix_sums/delta/seed42.safetensors"
CHECKPOINTS = "results/tiny/checkpoints/prefix_sums/delta/seed42"
LOG = "results/tiny/logs/train/prefix_sums/delta/seed42.log"


def prepare(folder: Path) -> Project:
    project = copy_project(folder)
    longer = {"tiny": {"delta": {"epochs": EPOCHS}}}
    project.overlay({"tensorboard": True, "tasks": {"prefix_sums": {"training": longer}}})
    return project


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = prepare(tmp_path_factory.mktemp("whole") / "project")
    done = project.snakemake(MODEL)
    assert done.returncode == 0, done.stderr
    return project


def signal_training(project: Project, number: signal.Signals) -> tuple[int, str]:
    """Run Snakemake and send its training a signal behind its first epochs."""
    runner = subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--cores", "1", MODEL, "--configfile", TINY],
        cwd=project.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    folder = project.folder / CHECKPOINTS
    before = set(folder.glob("epoch-*"))
    while not set(folder.glob("epoch-00[0-9][0-9][1-9]?-*")) - before:
        assert runner.poll() is None, runner.stderr.read()
        time.sleep(0.005)
    (trainer,) = [
        child
        for child in psutil.Process(runner.pid).children(recursive=True)
        if str(folder / "lock") in [file.path for file in child.open_files()]
    ]
    trainer.send_signal(number)
    _, said = runner.communicate(timeout=60)
    return runner.returncode, said


def outputs(project: Project) -> Any:
    history = MODEL.replace("models", "histories").replace("safetensors", "csv")
    output = {"model": project.folder / MODEL, "history": project.folder / history}
    return SimpleNamespace(output=SimpleNamespace(**output))


def test_a_training_that_is_stopped_and_killed_goes_on_to_the_same_end(tmp_path, whole):
    project = prepare(tmp_path / "project")
    code, said = signal_training(project, signal.SIGTERM)
    assert code != 0
    assert "told to stop: kept at epoch" in said
    code, said = signal_training(project, signal.SIGKILL)
    assert code != 0
    assert not (project.folder / MODEL).exists()

    with_other_width(project, 7)
    done = project.snakemake(MODEL)
    assert done.returncode != 0
    (line,) = [line for line in done.stderr.splitlines() if "another training" in line]
    assert f"{CHECKPOINTS}: the checkpoint there" in line
    assert "settings.network.width was 6, is now 7" in line
    assert "Traceback" not in done.stderr

    with_other_width(project, 6)
    done = project.snakemake(MODEL)
    assert done.returncode == 0, done.stderr
    assert re.search(r"going on from epoch \d\d+", (project.folder / LOG).read_text())
    assert_same_end(outputs(project), outputs(whole))
    assert not (project.folder / CHECKPOINTS).exists()
    losses = read_scalars(project.folder / CHECKPOINTS.replace("checkpoints", "tensorboard"))
    assert [step for step, _ in losses["train_loss"]] == list(range(1, EPOCHS + 1))


def with_other_width(project: Project, width: int) -> None:
    project.overlay({"tasks": {"prefix_sums": {"network": {"width": width}}}})
