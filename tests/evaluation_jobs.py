"""The real evaluation job, with a stand-in for what Snakemake hands it, in processes to kill."""

from __future__ import annotations

import multiprocessing
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import yaml

import evaluate_model
from deltaloss import partial_results
from deltaloss.checkpoints import save_weights
from deltaloss.datasets.store import Examples, save_examples
from deltaloss.jobs import job_log
from deltaloss.network import make_network
from deltaloss.settings import NetworkSettings
from deltaloss.tasks import load_task

ROOT = Path(__file__).resolve().parents[1]
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.evaluation_jobs"])
NETWORK = {"width": 24, "head": [8, 4], "recall_relu": True}


def make_job(folder: Path, *, steps: int = 400, batch_size: int | str = 8, seed: int = 1) -> Any:
    """Give what Snakemake would hand to the script for a small evaluation under `folder`."""
    inputs = np.random.default_rng(3).integers(2, size=(40, 1, 24), dtype=np.uint8)
    examples = folder / "test.npz"
    targets = np.bitwise_xor.accumulate(inputs[:, 0], axis=1)
    save_examples(examples, Examples(inputs=inputs, targets=targets), card={})
    network = make_network(load_task("prefix_sums"), NetworkSettings(**NETWORK), seed=seed)
    model = folder / "model.safetensors"
    save_weights(model, network.state_dict(), provenance={})
    settings = {
        "code": "abc",
        "network": NETWORK,
        "precision": "fp32",
        "steps": steps,
        "task": "prefix_sums",
    }
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    config["tasks"]["prefix_sums"]["evaluation"]["batch_size"] = batch_size
    return SimpleNamespace(
        params=SimpleNamespace(job=settings, partial=str(folder / "partial")),
        threads=1,
        resources={"mem_mb": 16000},
        config={**config, "device": "cpu"},
        input=SimpleNamespace(examples=str(examples), model=str(model)),
        output=SimpleNamespace(bits=str(folder / "bits.npz"), curve=str(folder / "curve.csv")),
        log=[str(folder / "log")],
    )


def start(job: Any, *, save_seconds: float = 0.02) -> ForkServerProcess:
    """Start the job in a process of its own."""
    process = FORKS.Process(target=run, args=(job, save_seconds))
    process.start()
    return process


def run(job: Any, save_seconds: float) -> None:
    """Do what Snakemake's own process for the job does."""
    partial_results.SAVE_SECONDS = save_seconds
    with job_log(job.log[0], "evaluate"):
        evaluate_model.main(job)
