"""Say which published results the present settings and code would not make alike."""

from typing import Any

from deltaloss.config.published import path_of
from deltaloss.core.log import job_log, logger
from deltaloss.evidence.published import SAME, list_changes


def main(job: Any) -> None:
    """Write one line for each group of results and change, and a summary."""
    groups = list_changes(job.params.summaries, job.params.job["expected"])
    for group, states in groups.items():
        for state, count in states.items():
            if state != SAME:
                logger.info("%s: %d: %s", path_of(group), count, state)
    same = sum(states[SAME] for states in groups.values())
    total = sum(states.total() for states in groups.values())
    logger.info("%d of %d results are of the present settings and code", same, total)


if __name__ == "__main__":
    with job_log(snakemake.log[0], "published"):
        main(snakemake)
