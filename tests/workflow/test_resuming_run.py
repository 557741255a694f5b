"""A training under Snakemake that is stopped, refused with other settings, and resumed."""

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

from ..runtime.events import read_scalars
from ..training.jobs import DEADLINE_SECONDS, assert_same_end
from .conftest import TINY, Project, copy_project

EPOCHS = 150
MODEL = "results/tiny/models/prefix_sums/delta/seed42.safetensors"
CHECKPOINTS = "results/tiny/checkpoints/prefix_sums/delta/seed42"
LOG = "results/tiny/logs/train/prefix_sums/delta/seed42.log"


def prepare(folder: Path) -> Project:
    project = copy_project(folder)
    project.overlay({"tensorboard": True, "training": {"tiny": {"epochs": EPOCHS}}})
    return project


def stop_training(project: Project) -> tuple[int, str]:
    """Run Snakemake, and send its training SIGTERM after a few epochs."""
    runner = subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--cores", "1", MODEL, "--configfile", TINY],
        cwd=project.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    folder, deadline = project.folder / CHECKPOINTS, time.monotonic() + DEADLINE_SECONDS
    while not list(folder.glob("epoch-*.state")):
        if runner.poll() is not None or time.monotonic() > deadline:
            runner.kill()
            pytest.fail(f"no checkpoint was written: {runner.communicate()[1]}")
        time.sleep(0.005)
    trainers = [
        child
        for child in psutil.Process(runner.pid).children(recursive=True)
        if str(folder / "lock") in [file.path for file in child.open_files()]
    ]
    assert len(trainers) == 1
    trainers[0].send_signal(signal.SIGTERM)
    _, said = runner.communicate(timeout=DEADLINE_SECONDS)
    return runner.returncode, said


def outputs(project: Project) -> Any:
    history = MODEL.replace("models", "histories").replace("safetensors", "csv")
    output = {"model": project.folder / MODEL, "history": project.folder / history}
    return SimpleNamespace(output=SimpleNamespace(**output))


def set_width(project: Project, width: int) -> None:
    project.overlay({"tasks": {"prefix_sums": {"network": {"width": width}}}})


def test_a_stopped_training_is_refused_with_other_settings_and_resumed_with_its_own(tmp_path):
    project = prepare(tmp_path / "project")
    code, said = stop_training(project)
    assert code != 0
    assert "told to stop: saved at epoch" in said
    assert not (project.folder / MODEL).exists()

    set_width(project, 7)
    done = project.snakemake(MODEL)
    assert done.returncode != 0
    (line,) = [line for line in done.stderr.splitlines() if "other settings, code" in line]
    assert f"{CHECKPOINTS}: the checkpoint there" in line
    assert "settings.network.width was 6, is now 7" in line
    assert "Traceback" not in done.stderr

    set_width(project, 6)
    done = project.snakemake(MODEL)
    assert done.returncode == 0, done.stderr
    assert re.search(r"resuming at epoch \d+, batch \d+", (project.folder / LOG).read_text())
    assert not (project.folder / CHECKPOINTS).exists()
    losses = read_scalars(project.folder / CHECKPOINTS.replace("checkpoints", "tensorboard"))
    assert [step for step, _ in losses["train_loss"]] == list(range(1, EPOCHS + 1))

    whole = prepare(tmp_path / "whole")
    done = whole.snakemake(MODEL)
    assert done.returncode == 0, done.stderr
    assert_same_end(outputs(project), outputs(whole))
