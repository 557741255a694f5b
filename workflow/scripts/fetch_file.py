"""Fetch an archive of the published sets, or a file that the config names by its address."""

from functools import partial
from pathlib import Path
from typing import Any

from deltaloss.core.log import job_log
from deltaloss.data.archives import find_addresses
from deltaloss.data.fetch import fetch
from deltaloss.data.published_sets import check_fetched
from deltaloss.puzzles.card import load_card


def main(job: Any) -> None:
    """Fetch the output; what the rule does not declare, partial files and digests, stays."""
    path, archives = Path(job.output[0]), job.config["archives"]
    max_bytes = int(archives["max_gigabytes"] * 10**9)
    files = [load_card(task).file(given["data"]) for task, given in job.config["tasks"].items()]
    fetch(
        path,
        find_addresses(job.wildcards.file, mirrors=archives["mirrors"], files=files),
        sha256=archives["sha256"].get(path.name),
        verify=partial(check_fetched, name=path.name, max_bytes=max_bytes),
        max_bytes=max_bytes,
    )


if __name__ == "__main__":
    with job_log(snakemake.log[0], "fetch"):
        main(snakemake)
