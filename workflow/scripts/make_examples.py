"""Make the examples of one split of a puzzle, or of both, or read them from a file."""

from importlib import import_module
from pathlib import Path
from typing import Any

from deltaloss.core.log import job_log
from deltaloss.data.archives import describe_file, pin_file
from deltaloss.data.store import save_chunks


def main(job: Any) -> None:
    """Write each split with its manifest, and audit it.

    The module that makes it is named by the settings, so that a change of others counts not.
    """
    chosen, archives = job.params.job, job.config["archives"]
    file = Path(job.input.file) if job.input.file else None
    outputs = {Path(path).stem: Path(path) for path in job.output.examples}
    module = import_module(f"deltaloss.{chosen['module']}")
    if chosen["source"] == "archive":
        max_bytes = int(archives["max_gigabytes"] * 10**9)
        made = module.read_archive(file, chosen, list(outputs), max_bytes=max_bytes)
    else:
        maker = module.MAKERS[chosen["source"]]
        made = maker(chosen, list(outputs), file=file, workers=job.threads)
    origin = describe_file(file, archives["sha256"])
    for split, chunks, facts in made:
        manifest = {**chosen, "split": split, **origin, **facts}
        save_chunks(outputs[split], chunks, manifest=manifest)
    # Imported by a name, so that a change of the audit makes no examples again.
    audit = import_module("deltaloss.data.audit")
    audit.audit_made(outputs, source=file, strict=job.config["strict"])
    pin_file(file, archives["sha256"])


if __name__ == "__main__":
    with job_log(snakemake.log[0], f"{snakemake.wildcards.task} data"):
        main(snakemake)
