"""Evaluate one trained network after every step, on the test set or on validation examples."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from deltaloss.config.settings import NetworkSettings
from deltaloss.core.files import file_sha256, result_name, write_csv, write_json
from deltaloss.core.log import StopFlag, job_log, logger
from deltaloss.data.store import load_audited
from deltaloss.evaluation.answers import save_answers
from deltaloss.evaluation.batch_size import choose_batch_size
from deltaloss.evaluation.batches import Batch, split_training, to_device
from deltaloss.evaluation.loop import evaluate
from deltaloss.model.make import make_network
from deltaloss.model.precision import set_precision
from deltaloss.model.weights import load_weights
from deltaloss.puzzles.base import load_task
from deltaloss.runtime.checkpoints import Checkpointer
from deltaloss.runtime.devices import choose_device, describe_machine
from deltaloss.runtime.memory import evaluation_remedies, memory_shortage


def main(job: Any) -> None:
    """Evaluate, or resume it; write answers and accuracy curve; then remove the checkpoints."""
    settings = job.params.job
    torch.set_num_threads(job.threads)
    device = choose_device(job.config["device"])
    task = load_task(settings["task"])
    network = make_network(task, NetworkSettings(**settings["network"]))
    network.compute_dtype = set_precision(settings["precision"], device)
    trained = load_weights(Path(job.input.model), network)
    network = network.to(device).eval()
    examples = load_audited(Path(job.input.examples), strict=job.config["strict"])
    evaluated = select_examples(to_device(examples, torch.device("cpu")), settings)
    batch_size = choose_batch_size(
        job.config["tasks"][settings["task"]]["evaluation"]["batch_size"],
        network,
        evaluated,
        task=task,
        memory_mb=job.resources.get("mem_mb"),
    )
    name = result_name(Path(job.output.answers))
    origin = {"name": name, "settings": settings, "data_digest": examples.digest()}
    machine = describe_machine(device, settings["precision"])
    weights = {"weights": file_sha256(Path(job.input.model)), "device": device.type}
    with (
        StopFlag() as stop,
        Checkpointer(
            Path(job.params.checkpoints),
            identity=origin | weights,
            machine=machine,
            on_mismatch="restart",
        ) as saved,
    ):
        answers = evaluate(
            network,
            evaluated,
            task=task,
            steps=settings["steps"],
            batch_size=batch_size,
            provenance={**origin, "trained": trained, "machine": machine},
            show_progress=True,
            checkpointer=saved,
            stop=stop,
        )
        curve = answers.curve()
        save_answers(Path(job.output.answers), answers)
        write_csv(Path(job.output.curve), curve)
        write_json(Path(job.output.summary), answers.provenance, files=[Path(job.output.curve)])
        saved.remove()
    best = curve.loc[curve["accuracy_percent"].idxmax()]
    logger.info("best %.2f %% after %d steps", best["accuracy_percent"], best["step"])


def select_examples(examples: Batch, settings: Mapping[str, Any]) -> Batch:
    """Return all examples or, of a training file, the first of its validation part."""
    if "validation" not in settings:
        return examples
    split = settings["validation"]
    _, validation = split_training(examples, fraction=split["fraction"], seed=split["seed"])
    return validation.take(slice(split["examples"]))


if __name__ == "__main__":
    name = "evaluate " + " ".join(snakemake.wildcards[1:])
    remedies = evaluation_remedies(snakemake.wildcards.task)
    with job_log(snakemake.log[0], name), memory_shortage(remedies):
        main(snakemake)
