"""Record a network's answers to a solved and to a failing test example, step by step."""

from pathlib import Path
from typing import Any

import torch

from deltaloss.core.files import file_sha256, result_name, write_json
from deltaloss.core.log import job_log, logger
from deltaloss.data.store import load_audited
from deltaloss.evaluation.answers import load_answers
from deltaloss.evaluation.batches import to_device
from deltaloss.evaluation.recording import record_answers
from deltaloss.evaluation.thinking import (
    choose_examples,
    frame_steps,
    save_recording,
    strip_steps,
)
from deltaloss.evaluation.trained import load_trained
from deltaloss.puzzles.base import load_task
from deltaloss.runtime.devices import choose_device, describe_machine
from deltaloss.runtime.memory import evaluation_remedies, memory_shortage


def main(job: Any) -> None:
    """Choose the examples from the compared runs' answers, and record this run's on them."""
    settings = job.params.job
    torch.set_num_threads(job.threads)
    device = choose_device(job.config["device"])
    task = load_task(settings["task"])
    network, trained = load_trained(Path(job.input.model), task, settings, device)
    examples = load_audited(Path(job.input.examples), strict=job.config["strict"])
    compared = {path: load_answers(Path(path)) for path in job.input.compared}
    last = settings["steps"]
    recording = record_answers(
        network,
        to_device(examples, torch.device("cpu")),
        task=task,
        numbers=choose_examples(list(compared.values())),
        steps=sorted({*strip_steps(last), *frame_steps(last)}),
    )
    differing = recording.differing(load_answers(Path(job.input.evaluation)))
    if differing:
        logger.warning(
            "warning: %d of %d recorded answers are right in the evaluation and wrong here, or "
            "reverse: rounded otherwise by this device",
            differing,
            recording.correct.size,
        )
    save_recording(Path(job.output.recording), recording)
    origin = {
        "name": result_name(Path(job.output.recording)),
        "settings": settings,
        "data_digest": examples.digest(),
        "inputs": {path: file_sha256(Path(path)) for path in compared},
        "trained": trained,
        "machine": describe_machine(device, settings["precision"]),
    }
    write_json(Path(job.output.provenance), origin, files=[Path(job.output.recording)])


if __name__ == "__main__":
    name = "record " + " ".join(snakemake.wildcards[1:])
    remedies = evaluation_remedies(snakemake.wildcards.task)
    with job_log(snakemake.log[0], name), memory_shortage(remedies):
        main(snakemake)
