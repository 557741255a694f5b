"""Make mazes with their shortest paths."""

from pathlib import Path
from typing import Any

from deltaloss.datasets.mazes import iterate_mazes
from deltaloss.datasets.store import save_chunks
from deltaloss.jobs import job_log


def main(job: Any) -> None:
    """Make what the output's name says."""
    size, count, seed = (int(job.wildcards[key]) for key in ("size", "examples", "seed"))
    split = job.wildcards.split
    chunks = iterate_mazes(size=size, count=count, seed=seed, split=split)
    card = {"task": "mazes", "source": "generated", "split": split, "size": size}
    provenance = {"seed": seed, "code": job.params.job["code"]}
    save_chunks(Path(job.output.examples), chunks, card=card | provenance)


if __name__ == "__main__":
    with job_log(snakemake.log[0], "mazes data"):
        main(snakemake)
