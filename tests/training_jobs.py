"""The real training job, with a stand-in for what Snakemake hands it, in many processes.

They are forked from one that has imported everything; `torch._dynamo` is what the first step of an
optimizer imports, for more than a second.
"""

from __future__ import annotations

import multiprocessing
import resource
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import torch
import yaml
from safetensors.torch import load_file

import train_model
from deltaloss.datasets.store import Examples, save_examples
from deltaloss.jobs import job_log

ROOT = Path(__file__).resolve().parents[1]
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.training_jobs", "torch._dynamo"])

TRAINING: dict[str, Any] = {
    "optimizer": "adam",
    "learning_rate": 0.005,
    "milestones": [4],
    "decay_factor": 0.5,
    "warmup_epochs": 2,
    "epochs": 40,
    "clip_norm": 1.0,
    "throttle": True,
    "batch_size": 10,
    "weight_decay": 0.0,
}


def make_job(folder: Path, *, loss: str = "progressive", bits: int = 5, **training: Any) -> Any:
    """Give what Snakemake would hand to the script for a small training under `folder`."""
    inputs = np.random.default_rng(3).integers(2, size=(150, 1, bits), dtype=np.uint8)
    examples = folder / "train.npz"
    targets = np.bitwise_xor.accumulate(inputs[:, 0], axis=1)
    save_examples(examples, Examples(inputs=inputs, targets=targets), card={})
    settings = {
        "alpha": 0.5 if loss == "progressive" else None,
        "code": "abc",
        "loss": loss,
        "precision": "fp32",
        "network": {"width": 48, "head": [8, 4], "recall_relu": True},
        "seed": 42,
        "split_seed": 42,
        "task": "prefix_sums",
        "train_steps": 4,
        "training": {**TRAINING, **training},
        "validation_fraction": 0.2,
    }
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    place = f"prefix_sums/{loss}-0.5/seed42"
    return SimpleNamespace(
        params=SimpleNamespace(job=settings),
        threads=1,
        config={**config, "device": "cpu", "recompute": "none"},
        input=SimpleNamespace(examples=str(examples)),
        output=SimpleNamespace(
            model=str(folder / "models" / f"{place}.safetensors"),
            history=str(folder / "histories" / f"{place}.csv"),
            summary=str(folder / "histories" / f"{place}.json"),
        ),
        log=[str(folder / "logs" / f"{place}.log")],
        wildcards=["trial", *place.split("/")],
    )


def checkpoints(job: Any) -> Path:
    """Give the folder of the job's checkpoints, which no rule declares."""
    models = Path(job.output.model).parents[2]
    return (
        models.parent / "checkpoints" / Path(job.output.model).relative_to(models).with_suffix("")
    )


def work(job: Any, file_bytes: int | None = None) -> None:
    """Do the job as Snakemake's process does, with files of at most `file_bytes`."""
    if file_bytes is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    with job_log(job.log[0], " ".join(job.wildcards[1:])):
        train_model.main(job)


def start(job: Any, file_bytes: int | None = None) -> ForkServerProcess:
    """Start the job in a process of its own."""
    process = FORKS.Process(target=work, args=(job, file_bytes))
    process.start()
    return process


def finish(job: Any) -> None:
    """Do the job in a process of its own, to its end."""
    process = start(job)
    process.join()
    assert process.exitcode == 0, Path(job.log[0]).read_text()


def log(job: Any) -> str:
    """Give the log of the last attempt."""
    return Path(job.log[0]).read_text()


def assert_same_end(job: Any, other: Any) -> None:
    """Compare weights bit for bit, and histories but for their clocks."""
    ours, theirs = load_file(job.output.model), load_file(other.output.model)
    assert ours.keys() == theirs.keys()
    for name, weights in ours.items():
        assert torch.equal(weights, theirs[name]), name
    frames = [pd.read_csv(one.output.history) for one in (job, other)]
    clocks = [name for name in frames[0].columns if name.endswith("_seconds")]
    assert len(clocks) == 4
    pd.testing.assert_frame_equal(*(f.drop(columns=clocks) for f in frames), check_exact=True)
