"""Make chess positions with exactly one mating move."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deltaloss.datasets.mates import make_mates
from deltaloss.datasets.store import save_examples

from deltaloss.jobs import job_log


def main(job: Any) -> None:
    """Make the easier positions for training and the harder ones for the test."""
    chosen = {key: value for key, value in job.params.job.items() if key != "code"}
    train, test = make_mates(**chosen, workers=job.threads)
    card = {"task": "chess", "source": "generated", **job.params.job}
    save_examples(Path(job.output.train), train, card={**card, "split": "train"})
    save_examples(Path(job.output.test), test, card={**card, "split": "test"})


if __name__ == "__main__":
    with job_log(snakemake.log[0], "chess data"):
        main(snakemake)
