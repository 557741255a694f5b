"""Train one network on one puzzle with one loss."""

from pathlib import Path
from typing import Any

import pandas as pd
import torch

from deltaloss.batches import split_training, to_device
from deltaloss.captured import captured
from deltaloss.checkpoint_folder import CheckpointFolder, hold_folder
from deltaloss.checkpoints import save_weights
from deltaloss.datasets.store import load_examples
from deltaloss.devices import (
    choose_device,
    describe_machine,
    set_precision,
    tune_convolutions,
)
from deltaloss.event_files import EventFiles
from deltaloss.files import beside, write_json, write_text
from deltaloss.interruption import ignore_signals
from deltaloss.jobs import job_log, logger
from deltaloss.losses import make_loss
from deltaloss.memory import memory_shortage, training_remedies
from deltaloss.network import make_network
from deltaloss.resuming import Checkpoints
from deltaloss.settings import NetworkSettings, TrainingSettings
from deltaloss.tasks import load_task
from deltaloss.training import Surroundings, train
from deltaloss.watchers import Watcher, make_watchers


def main(job: Any) -> None:
    """Train, or go on with it, in a folder of checkpoints; remove that when all is written."""
    with hold_folder(beside(Path(job.output.model), "checkpoints")) as folder:
        train_and_write(job, folder)
        ignore_signals()
        folder.remove()


def train_and_write(job: Any, folder: CheckpointFolder) -> None:
    """Read the examples, train, write weights, history and their summary."""
    chosen = job.params.job
    torch.set_num_threads(job.threads)
    device = choose_device(job.config["device"])
    task = load_task(chosen["task"])
    examples = load_examples(Path(job.input.examples))
    train_set, validation_set = split_training(
        to_device(examples, device),
        fraction=chosen["validation_fraction"],
        seed=chosen["split_seed"],
    )
    network = make_network(task, NetworkSettings(**chosen["network"]), seed=chosen["seed"])
    network.compute_dtype = set_precision(chosen["precision"], device)
    tune_convolutions(device)
    parameters = sum(p.numel() for p in network.parameters())
    logger.info("%d parameters on %s", parameters, device)
    loss = make_loss(
        chosen["loss"],
        steps=chosen["train_steps"],
        alpha=chosen["alpha"],
        recompute=job.config["recompute"],
    )
    origin = {"settings": chosen, "data_digest": examples.digest()}
    machine = describe_machine(device, chosen["precision"])
    keeper = Checkpoints(folder, identity=origin, machine=machine)
    trained = train(
        network.to(device),
        captured(loss, device),
        train_set,
        validation_set,
        task=task,
        settings=TrainingSettings(**chosen["training"]),
        steps=chosen["train_steps"],
        seed=chosen["seed"],
        surroundings=Surroundings(keeper=keeper, watchers=watchers(job)),
    )
    summary = {
        "best_epoch": trained.best_epoch,
        "parameters": parameters,
        "train_examples": len(train_set),
        "validation_examples": len(validation_set),
        **origin,
        "machine": machine,
    }
    write_text(Path(job.output.history), pd.DataFrame(trained.history).to_csv(index=False))
    write_json(Path(job.output.summary), summary)
    save_weights(Path(job.output.model), trained.weights, provenance=summary)


def watchers(job: Any) -> list[Watcher]:
    """Give lines or a bar, and TensorBoard's files if the config asks."""
    shown = make_watchers(" ".join(job.wildcards[1:]))
    if job.config["tensorboard"]:
        return [*shown, EventFiles(beside(Path(job.output.model), "tensorboard"))]
    return shown


if __name__ == "__main__":
    remedies = training_remedies(snakemake.wildcards.task, snakemake.config)
    with job_log(snakemake.log[0], " ".join(snakemake.wildcards[1:])), memory_shortage(remedies):
        main(snakemake)
