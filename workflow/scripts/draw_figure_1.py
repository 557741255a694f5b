"""Draw figure 1, or one panel of it."""

from pathlib import Path
from typing import Any

from deltaloss.core.log import job_log
from deltaloss.evaluation.answers import load_curve
from deltaloss.evidence.figure_1 import draw_figure_1, make_panel
from deltaloss.evidence.provenance import read_runs, save_provenance


def main(job: Any) -> None:
    """Draw the runs of each puzzle in a panel."""
    results = read_runs(map(Path, job.input.results), load_curve)
    panels = [make_panel(summary, results) for summary in job.params.job["panels"]]
    draw_figure_1(panels, [Path(path) for path in job.output.figures])
    save_provenance(
        Path(job.output.provenance),
        job.params.job,
        inputs=job.input.results,
        outputs=job.output.figures,
    )


if __name__ == "__main__":
    with job_log(snakemake.log[0], "figure 1"):
        main(snakemake)
