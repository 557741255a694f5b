"""Make the report's pages of settings, data and statistics."""

from pathlib import Path
from typing import Any

from deltaloss.core.files import read_json
from deltaloss.core.log import job_log
from deltaloss.evidence.pages import data_page, settings_page, statistic_page
from deltaloss.evidence.provenance import load_table, save_provenance
from deltaloss.evidence.typeset import save_table


def main(job: Any) -> None:
    """Write every page, and their provenance."""
    audits = {Path(path).stem: read_json(Path(path)) for path in job.input.audits}
    pages = {"settings": settings_page(job.params.job), "examples": data_page(audits)}
    pages |= {
        Path(path).stem: statistic_page(Path(path).stem, load_table(Path(path)))
        for path in job.input.statistics
    }
    for path in map(Path, job.output.pages):
        save_table(pages[path.stem], [path])
    save_provenance(
        Path(job.output.provenance),
        job.params.job,
        inputs=[*job.input.audits, *job.input.statistics],
        outputs=job.output.pages,
    )


if __name__ == "__main__":
    with job_log(snakemake.log[0], "report"):
        main(snakemake)
