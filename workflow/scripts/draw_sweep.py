"""Draw accuracy and steps against alpha, for one puzzle."""

from pathlib import Path
from typing import Any

from deltaloss.core.log import job_log
from deltaloss.evidence.provenance import load_table, save_provenance
from deltaloss.evidence.sweep import draw_sweep


def main(job: Any) -> None:
    """Read the table of every seed and draw it."""
    seeds = load_table(Path(job.input.seeds))
    draw_sweep(seeds, job.wildcards.task, [Path(path) for path in job.output.figures])
    save_provenance(
        Path(job.output.provenance),
        job.params.job,
        inputs=[job.input.seeds],
        outputs=job.output.figures,
    )


if __name__ == "__main__":
    with job_log(snakemake.log[0], f"sweep of {snakemake.wildcards.task}"):
        main(snakemake)
