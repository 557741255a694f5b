"""Evaluate networks as they are before training, for something to compare the trained with."""

from pathlib import Path
from typing import Any

import pandas as pd
import torch

from deltaloss.batches import to_device
from deltaloss.datasets.store import load_examples
from deltaloss.devices import choose_device
from deltaloss.evaluation import evaluate
from deltaloss.files import write_text
from deltaloss.jobs import job_log
from deltaloss.network import make_network
from deltaloss.settings import NetworkSettings
from deltaloss.tasks import load_task


def main(job: Any) -> None:
    """Write the accuracy on the test set after the training steps, a row a seed."""
    chosen = job.params.job
    torch.set_num_threads(job.threads)
    device = choose_device(job.config["device"])
    task = load_task(chosen["task"])
    examples = to_device(load_examples(Path(job.input.examples)), device)
    rows = []
    for seed in chosen["seeds"]:
        network = make_network(task, NetworkSettings(**chosen["network"]), seed=seed)
        evaluation = evaluate(
            network.to(device).eval(),
            examples,
            task=task,
            steps=chosen["steps"],
            batch_size=job.config["tasks"][task.name]["evaluation"]["batch_size"],
            provenance={},
        )
        last = evaluation.curve().iloc[-1].to_dict()
        rows.append({"task": task.name, "seed": seed, **last})
    frame = pd.DataFrame(rows).astype({"step": int, "correct": int, "examples": int})
    write_text(Path(job.output[0]), frame.to_csv(index=False))


if __name__ == "__main__":
    with job_log(snakemake.log[0], f"untrained {snakemake.wildcards.task}"):
        main(snakemake)
