"""Evaluate one untrained network on the test set: the accuracy that is not due to training."""

from pathlib import Path
from typing import Any

import torch

from deltaloss.config.settings import NetworkSettings
from deltaloss.core.files import result_name, write_csv, write_json
from deltaloss.core.log import job_log
from deltaloss.data.store import load_audited
from deltaloss.evaluation.batch_size import choose_batch_size
from deltaloss.evaluation.batches import to_device
from deltaloss.evaluation.loop import evaluate
from deltaloss.model.make import make_network
from deltaloss.model.precision import set_precision
from deltaloss.puzzles.base import load_task
from deltaloss.runtime.devices import choose_device, describe_machine
from deltaloss.runtime.memory import evaluation_remedies, memory_shortage


def main(job: Any) -> None:
    """Write the accuracy after the training steps, as one row."""
    settings = job.params.job
    torch.set_num_threads(job.threads)
    device = choose_device(job.config["device"])
    task = load_task(settings["task"])
    network = make_network(task, NetworkSettings(**settings["network"]), seed=settings["seed"])
    network.compute_dtype = set_precision(settings["precision"], device)
    network = network.to(device).eval()
    examples = load_audited(Path(job.input.examples), strict=job.config["strict"])
    test_set = to_device(examples, torch.device("cpu"))
    batch_size = choose_batch_size(
        job.config["tasks"][settings["task"]]["evaluation"]["batch_size"],
        network,
        test_set,
        task=task,
        memory_mb=job.resources.get("mem_mb"),
    )
    answers = evaluate(network, test_set, task=task, steps=settings["steps"], batch_size=batch_size)
    row = answers.curve().tail(1)
    row.insert(0, "task", settings["task"])
    row.insert(1, "seed", settings["seed"])
    write_csv(Path(job.output.curve), row)
    name = result_name(Path(job.output.curve))
    origin = {"name": name, "settings": settings, "data_digest": examples.digest()}
    machine = describe_machine(device, settings["precision"])
    write_json(
        Path(job.output.summary), {**origin, "machine": machine}, files=[Path(job.output.curve)]
    )


if __name__ == "__main__":
    name = "untrained " + " ".join(snakemake.wildcards[1:])
    remedies = evaluation_remedies(snakemake.wildcards.task)
    with job_log(snakemake.log[0], name), memory_shortage(remedies):
        main(snakemake)
