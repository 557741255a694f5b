"""Train one network on one puzzle with one loss."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from deltaloss.batches import split_training, to_device
from deltaloss.checkpoints import save_weights
from deltaloss.datasets.store import load_examples
from deltaloss.devices import (
    choose_device,
    describe_machine,
    set_precision,
    tune_convolutions,
)
from deltaloss.files import write_json, write_text
from deltaloss.jobs import Progress, job_log, logger
from deltaloss.losses import make_loss
from deltaloss.memory import memory_shortage, training_remedies
from deltaloss.network import make_network
from deltaloss.settings import NetworkSettings, TrainingSettings
from deltaloss.tasks import load_task
from deltaloss.training import Row, train


def main(job: Any) -> None:
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
    settings = TrainingSettings(**chosen["training"])
    trained = train(
        network.to(device),
        make_loss(chosen["loss"], steps=chosen["train_steps"], alpha=chosen["alpha"]),
        train_set,
        validation_set,
        task=task,
        settings=settings,
        steps=chosen["train_steps"],
        seed=chosen["seed"],
        progress=lines(settings.epochs),
    )
    summary = {
        "best_epoch": trained.best_epoch,
        "parameters": parameters,
        "train_examples": len(train_set),
        "validation_examples": len(validation_set),
        "settings": chosen,
        "data_digest": examples.digest(),
        "machine": describe_machine(device, chosen["precision"]),
    }
    write_text(Path(job.output.history), pd.DataFrame(trained.history).to_csv(index=False))
    write_json(Path(job.output.summary), summary)
    save_weights(Path(job.output.model), trained.weights, provenance=summary)


def lines(epochs: int) -> Callable[[Row], None]:
    """Give what tells the terminal and the log of each epoch."""
    progress = Progress()
    text = (
        "epochs, loss {train_loss:.4f}, training {train_accuracy_percent:.2f} %, "
        "validation {validation_accuracy_percent:.2f} %,"
    )
    return lambda row: progress(int(row["epoch"]), epochs, text.format(**row))


if __name__ == "__main__":
    remedies = training_remedies(snakemake.wildcards.task, snakemake.config)
    with job_log(snakemake.log[0], " ".join(snakemake.wildcards[1:])), memory_shortage(remedies):
        main(snakemake)
