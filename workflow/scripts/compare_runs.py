"""Test which differences between the runs of one puzzle are more than chance."""

from pathlib import Path
from typing import Any

from deltaloss.core.files import write_csv
from deltaloss.core.log import job_log
from deltaloss.evaluation.answers import load_answers
from deltaloss.evidence.over_seeds import compare_over_seeds, tabulate_seeds
from deltaloss.evidence.provenance import read_runs, save_provenance
from deltaloss.evidence.statistics import choose_steps, compare_runs


def main(job: Any) -> None:
    """Compare every two runs, seed by seed and over seeds, beside a table of every seed."""
    results = read_runs(map(Path, job.input.results), load_answers)
    validations = read_runs(map(Path, job.input.validations), load_answers)
    steps = choose_steps(results, validations, train_steps=job.params.job["train_steps"])
    frames = {
        job.output.mcnemar: compare_runs(results, steps),
        job.output.seeds: tabulate_seeds(results, steps),
        job.output.over_seeds: compare_over_seeds(results, steps),
    }
    for table, frame in frames.items():
        write_csv(Path(table), frame)
        save_provenance(
            Path(table).with_suffix(".json"),
            job.params.job,
            inputs=[*job.input.results, *job.input.validations],
            outputs=[table],
        )


if __name__ == "__main__":
    with job_log(snakemake.log[0], f"compare {snakemake.wildcards.task}"):
        main(snakemake)
