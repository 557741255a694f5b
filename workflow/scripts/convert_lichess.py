"""Convert Lichess puzzles to boards and moves."""

from pathlib import Path
from typing import Any

from deltaloss.datasets.archive_source import choose_archives, fetch_puzzles
from deltaloss.datasets.downloads import read_record
from deltaloss.datasets.lichess import cut_puzzles, read_puzzles
from deltaloss.datasets.store import save_examples
from deltaloss.files import file_sha256
from deltaloss.jobs import job_log, logger


def main(job: Any) -> None:
    """Convert the easiest puzzles for training and the hardest for the test."""
    chosen = job.params.job
    given = job.config["tasks"]["chess"]["data"]["puzzles"]  # of a path, params hold the content
    path = fetch_puzzles(choose_archives(job.config["archives"], logger.info), given)
    puzzles = read_puzzles(path)
    train, test = cut_puzzles(
        puzzles,
        path,
        train_count=chosen["train_count"],
        test_count=chosen["test_count"],
        orientation=chosen["orientation"],
    )
    card = {"task": "chess", "source": "lichess", **chosen, "file": puzzles.statistics()}
    record = read_record(path)
    card |= {"name": path.name, "address": record.address if record else None}
    card |= {"sha256": record.sha256 if record else file_sha256(path)}
    save_examples(Path(job.output.train), train, card={**card, "split": "train"})
    save_examples(Path(job.output.test), test, card={**card, "split": "test"})


if __name__ == "__main__":
    with job_log(snakemake.log[0], "chess data"):
        main(snakemake)
