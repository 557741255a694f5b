"""Fetch an original archive and take prefix sums or mazes out of it."""

from pathlib import Path
from typing import Any

from deltaloss.datasets.archive_source import choose_archives
from deltaloss.datasets.original_sets import load_sized
from deltaloss.datasets.store import save_examples
from deltaloss.jobs import job_log, logger


def main(job: Any) -> None:
    """Take what the output's name says; a test as long as its training set takes the rows after."""
    task, split = job.wildcards.task, job.wildcards.split
    size, count = int(job.wildcards.size), int(job.wildcards.examples)
    archives = choose_archives(job.config["archives"], logger.info)
    examples, source = load_sized(
        archives, task=task, split=split, size=size, count=count, start=int(job.wildcards.start)
    )
    card = {"task": task, "split": split, "size": size, "start": int(job.wildcards.start)}
    provenance = {"code": job.params.job["code"]}
    save_examples(Path(job.output.examples), examples, card={**card, **source, **provenance})


if __name__ == "__main__":
    with job_log(snakemake.log[0], f"{snakemake.wildcards.task} data"):
        main(snakemake)
