"""Measure how the states and answers of one trained network settle on the test set."""

from pathlib import Path
from typing import Any

import torch

from deltaloss.convergence.behaviour import tabulate_examples, tabulate_steps
from deltaloss.convergence.measure import measure
from deltaloss.core.files import result_name, write_csv, write_json
from deltaloss.core.log import job_log, logger
from deltaloss.data.store import load_audited
from deltaloss.evaluation.batch_size import choose_batch_size
from deltaloss.evaluation.batches import to_device
from deltaloss.evaluation.trained import load_trained
from deltaloss.puzzles.base import load_task
from deltaloss.runtime.devices import choose_device, describe_machine
from deltaloss.runtime.memory import evaluation_remedies, memory_shortage


def main(job: Any) -> None:
    """Write one row per step and one row per example, each with its provenance."""
    settings = job.params.job
    torch.set_num_threads(job.threads)
    device = choose_device(job.config["device"])
    task = load_task(settings["task"])
    network, trained = load_trained(Path(job.input.model), task, settings, device)
    examples = load_audited(Path(job.input.examples), strict=job.config["strict"])
    test_set = to_device(examples, torch.device("cpu"))
    batch_size = choose_batch_size(
        job.config["tasks"][settings["task"]]["evaluation"]["batch_size"],
        network,
        test_set,
        task=task,
        memory_mb=job.resources.get("mem_mb"),
    )
    trace = measure(
        network,
        test_set,
        task=task,
        steps=settings["steps"],
        batch_size=batch_size,
        show_progress=True,
    )
    rows = tabulate_examples(trace)
    origin = {
        "settings": settings,
        "data_digest": examples.digest(),
        "trained": trained,
        "machine": describe_machine(device, settings["precision"]),
    }
    for path, frame in (
        (Path(job.output.steps), tabulate_steps(trace)),
        (Path(job.output.examples), rows),
    ):
        write_csv(path, frame)
        write_json(path.with_suffix(".json"), {"name": result_name(path), **origin}, files=[path])
    counts = rows["behaviour"].value_counts()
    logger.info("%s", ", ".join(f"{behaviour}: {count}" for behaviour, count in counts.items()))


if __name__ == "__main__":
    name = "convergence " + " ".join(snakemake.wildcards[1:])
    remedies = evaluation_remedies(snakemake.wildcards.task)
    with job_log(snakemake.log[0], name), memory_shortage(remedies):
        main(snakemake)
