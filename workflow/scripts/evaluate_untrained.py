"""Evaluate a network as it is before training, for something to compare the trained with."""

from pathlib import Path
from typing import Any

import torch

from deltaloss.batch_sizes import choose_batch_size
from deltaloss.batches import to_device
from deltaloss.datasets.store import load_examples
from deltaloss.devices import choose_device, set_precision
from deltaloss.evaluation import evaluate
from deltaloss.files import write_text
from deltaloss.inference import PreparedNetwork
from deltaloss.jobs import job_log
from deltaloss.memory import evaluation_remedies, memory_shortage
from deltaloss.network import make_network
from deltaloss.settings import NetworkSettings
from deltaloss.tasks import load_task


def main(job: Any) -> None:
    """Write the accuracy on the test set after the training steps, as one row."""
    chosen = job.params.job
    torch.set_num_threads(job.threads)
    device = choose_device(job.config["device"])
    task = load_task(chosen["task"])
    network = make_network(task, NetworkSettings(**chosen["network"]), seed=chosen["seed"])
    network.compute_dtype = set_precision(chosen["precision"], device)
    network = network.to(device).eval()
    examples = to_device(load_examples(Path(job.input.examples)), torch.device("cpu"))
    evaluation = evaluate(
        PreparedNetwork(network),
        examples,
        task=task,
        steps=chosen["steps"],
        batch_size=choose_batch_size(
            job.config["tasks"][task.name]["evaluation"]["batch_size"],
            network,
            examples,
            task=task,
            memory_mb=job.resources.get("mem_mb"),
        ),
        provenance={},
    )
    row = evaluation.curve().tail(1)
    row.insert(0, "task", task.name)
    row.insert(1, "seed", chosen["seed"])
    write_text(Path(job.output[0]), row.to_csv(index=False))


if __name__ == "__main__":
    name = "untrained " + " ".join(snakemake.wildcards[1:])
    remedies = evaluation_remedies(snakemake.wildcards.task)
    with job_log(snakemake.log[0], name), memory_shortage(remedies):
        main(snakemake)
