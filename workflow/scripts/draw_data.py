"""Draw an example of each puzzle at its training and its test size."""

from pathlib import Path
from typing import Any

from deltaloss.data_figure import draw_data, take_example
from deltaloss.datasets.store import load_card, load_examples
from deltaloss.files import write_json
from deltaloss.jobs import job_log
from deltaloss.provenance import describe_job


def main(job: Any) -> None:
    """Draw the first example of each file, in the order of the files."""
    examples = [
        take_example(load_examples(path), load_card(path.with_suffix(".json")))
        for path in map(Path, job.input)
    ]
    draw_data(examples, [Path(path) for path in job.output.figures])
    write_json(Path(job.output.provenance), describe_job(job.params.job, job.input))


if __name__ == "__main__":
    with job_log(snakemake.log[0], "data figure"):
        main(snakemake)
