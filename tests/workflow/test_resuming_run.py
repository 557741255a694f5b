"""A training under Snakemake that is stopped, refused with other settings, and resumed."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil

from ..runtime.events import read_scalars
from ..training.jobs import assert_same_end
from .projects import DEADLINE_SECONDS, Project, finish, kill

EPOCHS = 150
MODEL = "results/tiny/models/prefix_sums/delta/seed42.safetensors"
CHECKPOINTS = "results/tiny/checkpoints/prefix_sums/delta/seed42"
LOG = "results/tiny/logs/train/prefix_sums/delta/seed42.log"
SETTINGS = {"tensorboard": True, "training": {"tiny": {"epochs": EPOCHS}}}
WIDER = {**SETTINGS, "tasks": {"prefix_sums": {"network": {"width": 7}}}}


def training_of(project: Project, runner: subprocess.Popen[str]) -> psutil.Process:
    """Wait for the first checkpoint, and return the process that trains."""
    folder, deadline = project.folder / CHECKPOINTS, time.monotonic() + DEADLINE_SECONDS
    before = set(folder.glob("epoch-*.state"))
    while not set(folder.glob("epoch-*.state")) - before:
        if runner.poll() is not None or time.monotonic() > deadline:
            kill(runner, "no checkpoint was written")
        time.sleep(0.005)
    trainers = [
        child
        for child in psutil.Process(runner.pid).children(recursive=True)
        if str(folder / "lock") in [file.path for file in child.open_files()]
    ]
    if len(trainers) != 1:
        kill(runner, f"{len(trainers)} processes hold the folder of checkpoints")
    return trainers[0]


def stop_training(project: Project) -> tuple[int, str]:
    """Run Snakemake, and send its training SIGTERM after a few epochs."""
    runner = project.start(MODEL, settings=SETTINGS)
    training_of(project, runner).send_signal(signal.SIGTERM)
    done = finish(runner)
    return done.returncode, done.stderr


def outputs(results: Path) -> Any:
    """Weights and history of the training below a results folder."""
    model = results / MODEL.removeprefix("results/tiny/")
    history = results / "histories" / "prefix_sums" / "delta" / "seed42.csv"
    return SimpleNamespace(output=SimpleNamespace(models=[model], history=history))


def test_a_stopped_training_is_refused_with_other_settings_and_resumed_with_its_own(project):
    code, said = stop_training(project)
    assert code != 0
    assert "told to stop: saved at epoch" in said
    assert not (project.folder / MODEL).exists()

    done = project.snakemake(MODEL, settings=WIDER)
    assert done.returncode != 0
    line, again = [line for line in done.stderr.splitlines() if "other settings, code" in line]
    assert again.strip() in line  # at the end, among the last lines of the log
    assert f"{CHECKPOINTS}: the checkpoint there" in line
    assert "settings.network.width was 6, is now 7" in line
    assert "Traceback" not in done.stderr

    project.make(MODEL, settings=SETTINGS)
    assert re.search(r"resuming at epoch \d+, batch \d+", (project.folder / LOG).read_text())
    assert not (project.folder / CHECKPOINTS).exists()
    losses = read_scalars(project.folder / CHECKPOINTS.replace("checkpoints", "tensorboard"))
    assert [step for step, _ in losses["train_loss"]] == list(range(1, EPOCHS + 1))

    results, resumed = project.folder / "results" / "tiny", project.folder / "resumed"
    shutil.copytree(results, resumed)
    project.make(MODEL, "--forcerun", "train_model", settings=SETTINGS)
    assert "resuming" not in (project.folder / LOG).read_text()
    assert_same_end(outputs(resumed), outputs(results))
