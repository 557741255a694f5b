"""Measure time and memory of one puzzle's losses, in every form, at equal batch size."""

import os
from pathlib import Path
from typing import Any

import torch

from deltaloss.config.settings import NetworkSettings
from deltaloss.core.files import write_csv, write_json
from deltaloss.core.log import job_log
from deltaloss.core.seeds import derive_seed
from deltaloss.efficiency.measure import measure
from deltaloss.efficiency.ratios import tabulate_ratios
from deltaloss.model.make import make_network
from deltaloss.model.precision import choose_algorithms, set_precision
from deltaloss.puzzles.base import load_task
from deltaloss.runtime.devices import choose_device, describe_machine
from deltaloss.runtime.memory import memory_shortage


def main(job: Any) -> None:
    """Write a table, and beside it its provenance with every timed batch."""
    settings = job.params.job
    torch.set_num_threads(min(settings["threads"], job.threads))
    device = choose_device(settings["device"])
    set_precision("fp32", device)
    choose_algorithms(device)
    task = load_task(settings["task"])
    network = make_network(task, NetworkSettings(**settings["network"]), seed=settings["seed"])
    load_before = os.getloadavg()[0]
    measured = measure(
        network.to(device),
        task,
        settings["runs"],
        shape=settings["shape"],
        batch_size=settings["batch_size"],
        steps=settings["train_steps"],
        seed=derive_seed(settings["seed"], settings["task"]),
    )
    table = Path(job.output.table)
    write_csv(
        table,
        tabulate_ratios(
            measured.values,
            task=settings["task"],
            batch_size=settings["batch_size"],
            steps=settings["train_steps"],
        ),
    )
    machine = {
        **describe_machine(device),
        "load_average_before": load_before,  # from 1 on, other work disturbed the times
    }
    origin = {"settings": settings, "machine": machine, **measured.details}
    write_json(Path(job.output.provenance), origin, files=[table])


if __name__ == "__main__":
    task = snakemake.wildcards.task
    chosen = snakemake.config["hyperparameters"]
    remedies = f"Lower in the config tasks.{task}.training.{chosen}.batch_size"
    with job_log(snakemake.log[0], f"efficiency {task}"), memory_shortage(remedies):
        main(snakemake)
