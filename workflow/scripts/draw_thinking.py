"""Draw the recorded answers of the compared runs, as a strip of steps and as an animation."""

from pathlib import Path
from typing import Any

from deltaloss.core.log import job_log
from deltaloss.data.store import load_manifest
from deltaloss.evaluation.thinking import load_recording
from deltaloss.evidence.provenance import read_runs, save_provenance
from deltaloss.evidence.thinking import Thinking, draw_animation, draw_strip


def main(job: Any) -> None:
    """Draw both, and write their provenance."""
    thinking = Thinking(
        task=job.wildcards.task,
        train_steps=job.params.job["train_steps"],
        facts=load_manifest(Path(job.input.manifest[0])),
        results=read_runs(map(Path, job.input.recordings), load_recording),
    )
    draw_strip(thinking, [Path(path) for path in job.output.figures])
    draw_animation(thinking, Path(job.output.animation))
    save_provenance(
        Path(job.output.provenance),
        job.params.job,
        inputs=job.input.recordings,
        outputs=[*job.output.figures, job.output.animation],
    )


if __name__ == "__main__":
    with job_log(snakemake.log[0], f"thinking of {snakemake.wildcards.task}"):
        main(snakemake)
