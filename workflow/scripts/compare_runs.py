"""Test which differences between the runs of one puzzle are more than chance."""

from pathlib import Path
from typing import Any

from deltaloss.core.files import write_csv
from deltaloss.core.log import job_log
from deltaloss.evaluation.answers import load_answers
from deltaloss.evidence.provenance import read_runs, save_provenance
from deltaloss.evidence.statistics import compare_runs


def main(job: Any) -> None:
    """Compare every two runs, seed by seed."""
    results = read_runs(map(Path, job.input.results), load_answers)
    frame = compare_runs(results, train_steps=job.params.job["train_steps"])
    write_csv(Path(job.output.table), frame)
    save_provenance(
        Path(job.output.provenance),
        job.params.job,
        inputs=job.input.results,
        outputs=[job.output.table],
    )


if __name__ == "__main__":
    with job_log(snakemake.log[0], f"compare {snakemake.wildcards.task}"):
        main(snakemake)
