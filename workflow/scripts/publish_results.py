"""Copy the small outputs of a run to results/published/, and describe their origin."""

import shutil
from pathlib import Path
from typing import Any

from deltaloss.core.files import atomic_path, check_file, write_json
from deltaloss.core.log import job_log
from deltaloss.evidence.provenance import describe_run


def main(job: Any) -> None:
    """Copy each file, then describe the run."""
    for source, target in zip(job.input.files, job.output.files, strict=True):
        check_file(Path(source))
        with atomic_path(Path(target)) as temporary:
            shutil.copyfile(source, temporary)
    summaries = [Path(path) for path in job.input.summaries]
    write_json(Path(job.output.run), describe_run(job.params.job["experiment"], summaries))


if __name__ == "__main__":
    with job_log(snakemake.log[0], "publish"):
        main(snakemake)
