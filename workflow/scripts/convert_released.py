"""Convert a checkpoint that others trained to weights as our trainings write them."""

from pathlib import Path
from typing import Any

from deltaloss.config.settings import NetworkSettings
from deltaloss.core.files import result_name
from deltaloss.core.log import job_log, logger
from deltaloss.model.make import make_network
from deltaloss.model.released import convert_checkpoint, identify, read_checkpoint
from deltaloss.model.weights import save_weights
from deltaloss.puzzles.base import load_task


def main(job: Any) -> None:
    """Write the weights with the source, the commit and the digest of the checkpoint."""
    settings, path = job.params.job, Path(job.input.checkpoint)
    sha256, address = identify(path, settings["source"])
    network = make_network(load_task(settings["task"]), NetworkSettings(**settings["network"]))
    weights, epoch = read_checkpoint(path)
    converted = convert_checkpoint(path, weights, network)
    model = Path(job.output.model)
    provenance = {
        "name": result_name(model),
        "settings": settings,
        "checkpoint": {"sha256": sha256, "address": address, "epoch": epoch},
    }
    save_weights(model, converted, provenance=provenance)
    logger.info("converted from %s, SHA-256 %s", path, sha256)


if __name__ == "__main__":
    name = "convert " + " ".join([*snakemake.wildcards[1:], "released"])
    with job_log(snakemake.log[0], name):
        main(snakemake)
