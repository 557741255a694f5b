"""Evaluate one trained network on the test set, at every step."""

from pathlib import Path
from typing import Any

import torch

from deltaloss.batch_sizes import choose_batch_size
from deltaloss.batches import to_device
from deltaloss.checkpoint_folder import hold_folder
from deltaloss.checkpoints import load_weights
from deltaloss.datasets.store import load_examples
from deltaloss.devices import choose_device, describe_machine, set_precision
from deltaloss.evaluation import evaluate
from deltaloss.files import file_sha256, write_text
from deltaloss.inference import PreparedNetwork
from deltaloss.interruption import ignore_signals
from deltaloss.jobs import Progress, job_log, logger
from deltaloss.memory import evaluation_remedies, memory_shortage
from deltaloss.network import make_network
from deltaloss.partial_results import PartialResult
from deltaloss.records import Evaluation, save_evaluation
from deltaloss.settings import NetworkSettings
from deltaloss.tasks import load_task


def main(job: Any) -> None:
    """Evaluate, or go on with it, in a folder for what is found; remove that when all is written.

    Writes one bit an example and step, and the accuracy curve.
    """
    with hold_folder(Path(job.params.partial)) as folder:
        evaluation = evaluate_model(job, folder.path)
        save_evaluation(Path(job.output.bits), evaluation)
        curve = evaluation.curve()
        write_text(Path(job.output.curve), curve.to_csv(index=False))
        ignore_signals()
        folder.remove()
    best = curve.loc[curve["accuracy_percent"].idxmax()]
    repeated = (evaluation.period > 0).sum()
    logger.info("best %.2f %% after %d steps", best["accuracy_percent"], best["step"])
    logger.info("%d of %d examples came to repeat themselves", repeated, evaluation.examples)


def evaluate_model(job: Any, folder: Path) -> Evaluation:
    """Read weights and examples and evaluate; what is found is kept in the folder meanwhile."""
    chosen = job.params.job
    torch.set_num_threads(job.threads)
    device = choose_device(job.config["device"])
    task = load_task(chosen["task"])
    network = make_network(task, NetworkSettings(**chosen["network"]))
    network.compute_dtype = set_precision(chosen["precision"], device)
    trained = load_weights(Path(job.input.model), network)
    network = network.to(device).eval()
    stored = load_examples(Path(job.input.examples))
    examples = to_device(stored, torch.device("cpu"))
    origin = {"settings": chosen, "data_digest": stored.digest()}
    weights = file_sha256(Path(job.input.model))
    return evaluate(
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
        provenance={
            **origin,
            "trained": trained,
            "machine": describe_machine(device, chosen["precision"]),
        },
        progress=Progress(),
        keeper=PartialResult(
            folder, identity={**origin, "weights": weights, "device": device.type}
        ),
    )


if __name__ == "__main__":
    name = "evaluate " + " ".join(snakemake.wildcards[1:])
    remedies = evaluation_remedies(snakemake.wildcards.task)
    with job_log(snakemake.log[0], name), memory_shortage(remedies):
        main(snakemake)
