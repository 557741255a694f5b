"""Draw figure 1, or one panel of it."""

from pathlib import Path
from typing import Any

from deltaloss.figures import draw_figure_1, make_panel
from deltaloss.files import write_json
from deltaloss.gathering import gather
from deltaloss.jobs import job_log
from deltaloss.provenance import describe_job


def main(job: Any) -> None:
    """Draw the plotted runs of each puzzle in a panel."""
    summaries = job.params.job["panels"]
    files = gather(summaries, job.input, of="plotted")
    panels = [
        make_panel(summary, [one for one in files if one.task == summary["task"]])
        for summary in summaries
    ]
    draw_figure_1(panels, [Path(path) for path in job.output.figures])
    write_json(Path(job.output.provenance), describe_job(job.params.job, job.input))


if __name__ == "__main__":
    with job_log(snakemake.log[0], "figure 1"):
        main(snakemake)
