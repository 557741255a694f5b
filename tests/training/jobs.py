"""The real training job, with a stand-in for Snakemake's job object, in processes to be killed."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

import train_model
from deltaloss.core.log import job_log
from deltaloss.data.store import mark_audited, save_examples
from deltaloss.puzzles.base import Examples
from tests.forks import FORKS

DEADLINE_SECONDS = 300.0  # of every wait

TRAINING: dict[str, Any] = {
    "optimizer": "adam",
    "learning_rate": 0.005,
    "milestones": [4],
    "decay_factor": 0.5,
    "warmup_epochs": 2,
    "epochs": 30,
    "clip_norm": 1.0,
    "throttle": True,
    "batch_size": 10,
    "weight_decay": 0.0,
}


def make_job(folder: Path, *, code: str = "abc", bits: int = 5, **training: Any) -> Any:
    """Snakemake's job object for a small training in `folder`."""
    inputs = np.random.default_rng(3).integers(2, size=(150, 1, bits), dtype=np.uint8)
    examples = folder / "train.npz"
    targets = np.bitwise_xor.accumulate(inputs[:, 0], axis=1)
    save_examples(examples, Examples(inputs=inputs, targets=targets), manifest={})
    mark_audited(examples, [])
    settings = {
        "code": code,
        "loss": "progressive",
        "deterministic": False,
        "precision": "fp32",
        "network": {"width": 48, "head": [8, 4], "recall_relu": True},
        "seed": 42,
        "select": "first_best",
        "stop_at_perfect_validation": False,
        "split_seed": 42,
        "task": "prefix_sums",
        "train_steps": 4,
        "training": {**TRAINING, **training},
        "validation_fraction": 0.2,
        "value": 0.5,
    }
    return SimpleNamespace(
        params=SimpleNamespace(job=settings, checkpoints=str(folder / "checkpoints")),
        threads=1,
        config={"device": "cpu", "recompute": "none", "tensorboard": False, "strict": False},
        input=SimpleNamespace(examples=str(examples)),
        output=SimpleNamespace(
            models=[str(folder / "seed42.safetensors")],
            history=str(folder / "seed42.csv"),
            summary=str(folder / "seed42.json"),
        ),
        log=[str(folder / "seed42.log")],
        wildcards=["trial", "prefix_sums", "progressive-0.5", "seed42"],
    )


def work(job: Any, sync_seconds: float, file_bytes: int | None) -> None:
    """Run the script as Snakemake's process for the job does."""
    if file_bytes is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    if sync_seconds:
        os.fsync = lambda handle: time.sleep(sync_seconds)
    with job_log(job.log[0], " ".join(job.wildcards[1:])):
        train_model.main(job)


class RunningJob:
    """The job in a process of its own.

    Args:
        job: from `make_job`.
        sync_seconds: of a slow disk: how long each file takes to be written.
        file_bytes: of a full disk: the largest file that can be written.
    """

    def __init__(
        self, job: Any, *, sync_seconds: float = 0.0, file_bytes: int | None = None
    ) -> None:
        self.job = job
        self.folder = Path(job.params.checkpoints)
        self._before = set(self.states())
        Path(job.log[0]).unlink(missing_ok=True)
        arguments = (job, sync_seconds, file_bytes)
        self.process: ForkServerProcess = FORKS.Process(target=work, args=arguments)
        self.process.start()

    def states(self) -> list[Path]:
        """Checkpoints, the oldest first."""
        return sorted(self.folder.glob("[!.]*.state"))

    def half_written(self) -> list[Path]:
        """Files that this process has begun to write."""
        return list(self.folder.glob(f".*.{self.process.pid}.*"))

    def log(self) -> str:
        path = Path(self.job.log[0])
        return path.read_text() if path.exists() else ""

    def wait_for(self, condition: Callable[[], object]) -> None:
        """Wait until a condition holds or the job has ended."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while self.process.is_alive() and not condition():
            if time.monotonic() > deadline:
                self.process.kill()
                pytest.fail(f"waited in vain for {condition}; the log:\n{self.log()}")
            time.sleep(0.002)

    def wait_for_checkpoint(self) -> None:
        """Wait until this process has written a checkpoint or ended."""
        self.wait_for(lambda: set(self.states()) - self._before)

    def end(self, number: int | None = None) -> int:
        """Wait for the exit status, after a signal if one is given."""
        if number is not None and self.process.is_alive():
            os.kill(self.process.pid, number)
        self.process.join(DEADLINE_SECONDS)
        if self.process.exitcode is None:
            self.process.kill()
            pytest.fail(f"the job does not end; the log:\n{self.log()}")
        return self.process.exitcode

    def finish(self) -> None:
        """Wait for its success."""
        assert self.end() == 0, self.log()


def assert_same_end(job: Any, other: Any) -> None:
    """Compare weights bit for bit, and histories apart from their clocks."""
    ours, theirs = load_file(job.output.models[0]), load_file(other.output.models[0])
    assert ours.keys() == theirs.keys()
    for name, weights in ours.items():
        assert torch.equal(weights, theirs[name]), name
    frames = [pd.read_csv(one.output.history) for one in (job, other)]
    clocks = [name for name in frames[0].columns if name.endswith("_seconds")]
    assert len(clocks) == 3
    pd.testing.assert_frame_equal(*(f.drop(columns=clocks) for f in frames), check_exact=True)
