"""Check all results of a run, and bundle them for an archive."""

import json
from pathlib import Path
from typing import Any

from deltaloss.core.files import write_json, write_text
from deltaloss.core.log import job_log, logger
from deltaloss.evidence.bundle import make_bundle
from deltaloss.evidence.provenance import describe_run
from deltaloss.evidence.published import check_results


def main(job: Any) -> None:
    """Write merged config and origin, then the bundle of both with the results."""
    settings = job.params.job
    files = list(dict.fromkeys([*job.input.files, *job.input.summaries]))
    check_results(files, settings["expected"])
    config, run = Path(job.output.config), Path(job.output.run)
    write_text(config, json.dumps(job.config, indent=2) + "\n")  # JSON is YAML
    described = describe_run(settings["experiment"])
    write_json(run, described)
    beside = {"config.yaml": config, "run.json": run}
    beside |= {Path(path).name: Path(path) for path in job.input.documents}
    paths = map(Path, [*files, *job.input.models])
    count = make_bundle(Path(job.output.bundle), paths, beside, described)
    logger.info("%d files in %s", count, job.output.bundle)


if __name__ == "__main__":
    with job_log(snakemake.log[0], "bundle"):
        main(snakemake)
