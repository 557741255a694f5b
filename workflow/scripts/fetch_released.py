"""Fetch a checkpoint that others trained from a Hugging Face data set."""

from pathlib import Path
from typing import Any

from deltaloss.core.log import job_log
from deltaloss.data.hub import fetch_from_hub


def main(job: Any) -> None:
    """Fetch the output; what the rule does not declare, partial files and digests, stays."""
    path, file = Path(job.output[0]), job.wildcards.file
    fetch_from_hub(
        path.parents[len(Path(file).parts) - 1],
        repository=job.wildcards.repository.replace("--", "/"),
        revision=job.wildcards.revision,
        file=file,
    )


if __name__ == "__main__":
    with job_log(snakemake.log[0], "fetch"):
        main(snakemake)
