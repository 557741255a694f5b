"""Train one network on one puzzle with one loss."""

from pathlib import Path
from typing import Any

import torch

from deltaloss.config.settings import NetworkSettings, TrainingSettings
from deltaloss.core.files import result_name, write_json
from deltaloss.core.log import StopFlag, job_log, logger
from deltaloss.data.store import load_audited
from deltaloss.evaluation.batches import split_training, to_device
from deltaloss.losses.base import make_loss
from deltaloss.model.make import make_network
from deltaloss.model.precision import choose_algorithms, set_precision
from deltaloss.model.weights import save_weights
from deltaloss.puzzles.base import load_task
from deltaloss.runtime.callbacks import Callback, ProgressCallback, TensorBoardCallback
from deltaloss.runtime.checkpoints import Checkpointer
from deltaloss.runtime.devices import choose_device, describe_machine
from deltaloss.runtime.memory import memory_shortage, training_remedies
from deltaloss.training.history import save_history
from deltaloss.training.loop import train


def main(job: Any) -> None:
    """Train, or resume it; write weights, history and summary; then remove the checkpoints."""
    settings = job.params.job
    torch.set_num_threads(job.threads)
    device = choose_device(job.config["device"])
    task = load_task(settings["task"])
    examples = load_audited(Path(job.input.examples), strict=job.config["strict"])
    train_set, validation_set = split_training(
        to_device(examples, device),
        fraction=settings["validation_fraction"],
        seed=settings["split_seed"],
    )
    network = make_network(task, NetworkSettings(**settings["network"]), seed=settings["seed"])
    network.compute_dtype = set_precision(settings["precision"], device)
    choose_algorithms(device, deterministic=settings["deterministic"])
    facts = {
        "parameters": sum(p.numel() for p in network.parameters()),
        "train_examples": len(train_set),
        "validation_examples": len(validation_set),
    }
    logger.info("%d parameters on %s", facts["parameters"], device)
    identity = {"settings": settings, "data_digest": examples.digest()}
    machine = describe_machine(device, settings["precision"])
    folder = Path(job.params.checkpoints)
    with StopFlag() as stop, Checkpointer(folder, identity=identity, machine=machine) as saved:
        result = train(
            network.to(device),
            make_loss(
                settings["loss"],
                steps=settings["train_steps"],
                value=settings["value"],
                recompute=job.config["recompute"],
            ),
            train_set,
            validation_set,
            task=task,
            settings=TrainingSettings(**settings["training"]),
            steps=settings["train_steps"],
            seed=settings["seed"],
            select="last" if settings["select"] == "last" else "first_best",
            stop_at_perfect_validation=settings["stop_at_perfect_validation"],
            checkpointer=saved,
            callbacks=make_callbacks(job),
            stop=stop,
        )
        summary = {
            "name": result_name(Path(job.output.history)),
            "best_epoch": result.best_epoch,
            **facts,
            **identity,
            "machine": machine,
        }
        save_history(Path(job.output.history), result.history)
        write_json(Path(job.output.summary), summary, files=[Path(job.output.history)])
        kept = (result.weights, result.last_weights)
        for path, weights in zip(job.output.models, kept, strict=False):
            own = {**summary, "name": result_name(Path(path))}
            save_weights(Path(path), weights, provenance=own)
        saved.remove()


def make_callbacks(job: Any) -> list[Callback]:
    """Progress and, if the config asks for it, TensorBoard."""
    progress = ProgressCallback(" ".join(job.wildcards[1:]))
    if job.config["tensorboard"]:
        return [progress, TensorBoardCallback(Path(job.params.tensorboard))]
    return [progress]


if __name__ == "__main__":
    remedies = training_remedies(snakemake.wildcards.task, snakemake.config)
    with job_log(snakemake.log[0], " ".join(snakemake.wildcards[1:])), memory_shortage(remedies):
        main(snakemake)
