"""Evaluate one trained network on the test set, at every step."""

from pathlib import Path
from typing import Any

import torch

from deltaloss.batches import to_device
from deltaloss.checkpoints import load_weights
from deltaloss.datasets.store import load_examples
from deltaloss.devices import choose_device, describe_machine, set_precision
from deltaloss.evaluation import evaluate
from deltaloss.files import write_text
from deltaloss.jobs import Progress, job_log, logger
from deltaloss.memory import evaluation_remedies, memory_shortage
from deltaloss.network import make_network
from deltaloss.records import save_evaluation
from deltaloss.settings import NetworkSettings
from deltaloss.tasks import load_task


def main(job: Any) -> None:
    """Read weights and examples, write one bit an example and step, and the accuracy curve."""
    chosen = job.params.job
    torch.set_num_threads(job.threads)
    device = choose_device(job.config["device"])
    task = load_task(chosen["task"])
    network = make_network(task, NetworkSettings(**chosen["network"]))
    network.compute_dtype = set_precision(chosen["precision"], device)
    trained = load_weights(Path(job.input.model), network)
    examples = load_examples(Path(job.input.examples))
    progress = Progress()
    evaluation = evaluate(
        network.to(device).eval(),
        to_device(examples, device),
        task=task,
        steps=chosen["steps"],
        batch_size=job.config["tasks"][task.name]["evaluation"]["batch_size"],
        provenance={
            "settings": chosen,
            "trained": trained,
            "data_digest": examples.digest(),
            "machine": describe_machine(device, chosen["precision"]),
        },
        progress=lambda done, total: progress(done, total, "examples,"),
    )
    save_evaluation(Path(job.output.bits), evaluation)
    curve = evaluation.curve()
    write_text(Path(job.output.curve), curve.to_csv(index=False))
    best = curve.loc[curve["accuracy_percent"].idxmax()]
    logger.info("best %.2f %% after %d steps", best["accuracy_percent"], best["step"])


if __name__ == "__main__":
    name = "evaluate " + " ".join(snakemake.wildcards[1:])
    remedies = evaluation_remedies(snakemake.wildcards.task)
    with job_log(snakemake.log[0], name), memory_shortage(remedies):
        main(snakemake)
