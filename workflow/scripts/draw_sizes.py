"""Draw accuracy and steps against the size, for one puzzle."""

from pathlib import Path
from typing import Any

from deltaloss.core.log import job_log
from deltaloss.evidence.provenance import load_table, save_provenance
from deltaloss.evidence.sizes_figure import draw_sizes


def main(job: Any) -> None:
    """Read the statistic of every seed and draw it."""
    summary = load_table(Path(job.input.statistic))
    draw_sizes(summary, job.params.job["panel"], [Path(path) for path in job.output.figures])
    save_provenance(
        Path(job.output.provenance),
        job.params.job,
        inputs=[job.input.statistic],
        outputs=job.output.figures,
    )


if __name__ == "__main__":
    with job_log(snakemake.log[0], f"sizes of {snakemake.wildcards.task}"):
        main(snakemake)
