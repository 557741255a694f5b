"""Audit the examples of one puzzle, those for training and those for the test."""

from pathlib import Path
from typing import Any

from deltaloss.core.files import write_json
from deltaloss.core.log import job_log, logger
from deltaloss.data.audit import audit_split, join_audits, refuse
from deltaloss.data.store import load_examples, load_manifest
from deltaloss.evaluation.batches import split_order


def main(job: Any) -> None:
    """Write the report, or refuse the examples; each error and warning is a line in the log."""
    chosen = job.params.job
    train, test = (
        audit_split(load_examples(path), load_manifest(path))
        for path in (Path(job.input.train), Path(job.input.test))
    )
    _, validation = split_order(
        train.report["count"], fraction=chosen["validation_fraction"], seed=chosen["split_seed"]
    )
    report = join_audits(train, test, validation=validation.numpy())
    for kind in ("errors", "warnings"):
        for line in report[kind]:
            logger.warning("%s: %s", kind.removesuffix("s"), line)
    refuse(f"{report['task']} data", report["errors"], report["warnings"], strict=chosen["strict"])
    write_json(Path(job.output[0]), {**report, "code": chosen["code"]})


if __name__ == "__main__":
    with job_log(snakemake.log[0], f"{snakemake.wildcards.task} audit"):
        main(snakemake)
