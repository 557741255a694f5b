"""Fetch the original chess archive and cut it as the published code does."""

from pathlib import Path
from typing import Any

from deltaloss.datasets.archive_source import choose_archives
from deltaloss.datasets.chess_orientation import detect_orientation
from deltaloss.datasets.original_sets import load_chess
from deltaloss.datasets.store import save_examples
from deltaloss.jobs import job_log, logger


def main(job: Any) -> None:
    """Take the easiest puzzles for training and harder ones for the test."""
    chosen = job.params.job
    archives = choose_archives(job.config["archives"], logger.info)
    train, test, source = load_chess(
        archives,
        train_count=chosen["train_count"],
        test_count=chosen["test_count"],
        orientation=chosen["orientation"],
    )
    for split, examples in (("train", train), ("test", test)):
        found = detect_orientation(examples.inputs, examples.targets)
        logger.info("%s: %s (%s)", split, found.name, found.describe())
        card = {"task": "chess", "split": split, **chosen, **source}
        said = {"orientation_found": found.name, "orientation_in_words": found.describe()}
        save_examples(Path(job.output[split]), examples, card={**card, **said})


if __name__ == "__main__":
    with job_log(snakemake.log[0], "chess data"):
        main(snakemake)
