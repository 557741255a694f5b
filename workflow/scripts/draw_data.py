"""Draw an example of each puzzle at its training and its test size."""

from pathlib import Path
from typing import Any

from deltaloss.core.log import job_log
from deltaloss.data.store import load_examples, load_manifest
from deltaloss.evidence.figures import draw_data
from deltaloss.evidence.provenance import save_provenance


def main(job: Any) -> None:
    """Draw the first example of each file, in the order of the files."""
    files = [Path(path) for path in job.input.results]
    draw_data(
        [load_examples(path) for path in files],
        [load_manifest(path) for path in files],
        [Path(path) for path in job.output.figures],
    )
    save_provenance(
        Path(job.output.provenance),
        job.params.job,
        inputs=job.input.results,
        outputs=job.output.figures,
    )


if __name__ == "__main__":
    with job_log(snakemake.log[0], "data figure"):
        main(snakemake)
