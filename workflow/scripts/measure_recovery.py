"""Measure whether the answers of one trained network come back after its states are disturbed."""

from pathlib import Path
from typing import Any

import torch

from deltaloss.convergence.recovery import measure_recovery
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
    """Write one row per example and disturbance, with its provenance."""
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
    rows = measure_recovery(
        network,
        test_set,
        task=task,
        steps=settings["steps"],
        batch_size=batch_size,
        show_progress=True,
    )
    path = Path(job.output.examples)
    write_csv(path, rows)
    origin = {
        "name": result_name(path),
        "settings": settings,
        "data_digest": examples.digest(),
        "trained": trained,
        "machine": describe_machine(device, settings["precision"]),
    }
    write_json(Path(job.output.provenance), origin, files=[path])
    right = rows[rows["undisturbed_correct"]].groupby("disturbance", sort=False)["correct"]
    for disturbance, share in right.mean().items():
        logger.info("%s: %.0f %% of the right answers come back", disturbance, 100 * share)


if __name__ == "__main__":
    name = "recovery " + " ".join(snakemake.wildcards[1:])
    remedies = evaluation_remedies(snakemake.wildcards.task)
    with job_log(snakemake.log[0], name), memory_shortage(remedies):
        main(snakemake)
