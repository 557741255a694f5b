"""Make chess positions with exactly one mating move."""

from pathlib import Path
from typing import Any

from deltaloss.datasets.mates import generate_mates
from deltaloss.datasets.store import cut_rows, save_chunks
from deltaloss.jobs import job_log


def main(job: Any) -> None:
    """Make the easier positions for training and the harder ones for the test."""
    chosen = job.params.job
    cut = chosen["train_count"]
    mates = generate_mates(cut + chosen["test_count"], seed=chosen["seed"], workers=job.threads)
    card = {"task": "chess", "source": "generated", **chosen, "mates": mates.statistics()}
    for split, rows in (("train", range(cut)), ("test", range(cut, cut + chosen["test_count"]))):
        chunks = (mates.examples(part, chosen["orientation"]) for part in cut_rows(rows))
        save_chunks(Path(job.output[split]), chunks, card={**card, "split": split})


if __name__ == "__main__":
    with job_log(snakemake.log[0], "chess data"):
        main(snakemake)
