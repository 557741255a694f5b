"""Audit the examples of one puzzle, those for training and those for the test."""

from pathlib import Path
from typing import Any

from deltaloss.datasets.audit import audit_split, join_audits
from deltaloss.datasets.store import load_card, load_examples
from deltaloss.files import write_json
from deltaloss.jobs import job_log, logger


def main(job: Any) -> None:
    """Write the report; each warning is a line in the log and on the terminal."""
    chosen = job.params.job
    audits = [
        audit_split(load_examples(Path(examples)), load_card(Path(examples).with_suffix(".json")))
        for examples in (job.input.train, job.input.test)
    ]
    report = join_audits(
        *audits, validation_fraction=chosen["validation_fraction"], strict=chosen["strict"]
    )
    for line in report["warnings"]:
        logger.warning("warning: %s", line)
    write_json(Path(job.output[0]), {**report, "code": chosen["code"]})


if __name__ == "__main__":
    with job_log(snakemake.log[0], f"{snakemake.wildcards.task} audit"):
        main(snakemake)
