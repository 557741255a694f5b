"""Test which differences between the runs of one puzzle are more than chance."""

from pathlib import Path
from typing import Any

from deltaloss.files import write_json, write_text
from deltaloss.gathering import gather
from deltaloss.jobs import job_log
from deltaloss.provenance import describe_job
from deltaloss.records import load_evaluation
from deltaloss.statistics import compare_runs


def main(job: Any) -> None:
    """Compare every two runs, seed by seed."""
    chosen = job.params.job
    evaluations = {
        files.run.name: {seed: load_evaluation(path) for seed, path in files.by_seed.items()}
        for files in gather([chosen], job.input)
    }
    frame = compare_runs(evaluations, task=chosen["task"], train_steps=chosen["train_steps"])
    write_text(Path(job.output.table), frame.to_csv(index=False))
    write_json(Path(job.output.provenance), describe_job(job.params.job, job.input))


if __name__ == "__main__":
    with job_log(snakemake.log[0], f"compare {snakemake.wildcards.task}"):
        main(snakemake)
