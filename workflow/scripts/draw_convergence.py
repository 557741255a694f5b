"""Draw the change of the state against the step, for one puzzle."""

from pathlib import Path
from typing import Any

from deltaloss.core.log import job_log
from deltaloss.evidence.convergence_figure import draw_convergence
from deltaloss.evidence.provenance import load_table, read_runs, save_provenance


def main(job: Any) -> None:
    """Draw the plotted runs of the puzzle."""
    results = read_runs(map(Path, job.input.results), load_table)
    draw_convergence(results, job.params.job["panel"], [Path(path) for path in job.output.figures])
    save_provenance(
        Path(job.output.provenance),
        job.params.job,
        inputs=job.input.results,
        outputs=job.output.figures,
    )


if __name__ == "__main__":
    with job_log(snakemake.log[0], f"convergence of {snakemake.wildcards.task}"):
        main(snakemake)
