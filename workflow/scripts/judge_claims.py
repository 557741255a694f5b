"""Judge the paper's claims from the statistics of an experiment."""

from pathlib import Path
from typing import Any

import pandas as pd

from deltaloss.core.log import job_log
from deltaloss.evidence.judges import Evidence
from deltaloss.evidence.ledger import tabulate_claims
from deltaloss.evidence.provenance import load_table, save_provenance
from deltaloss.evidence.typeset import save_table


def main(job: Any) -> None:
    """Write the ledger in every format, and its provenance."""
    read = [*job.input.statistics, *job.input.efficiency]
    seeds, over_seeds, mcnemar, *efficiency = (load_table(Path(path)) for path in read)
    evidence = Evidence(
        seeds=seeds,
        over_seeds=over_seeds,
        mcnemar=mcnemar,
        efficiency=pd.concat(efficiency),
        summaries=job.params.job["summaries"],
    )
    table = tabulate_claims(evidence, experiment=job.params.job["experiment"])
    save_table(table, [Path(path) for path in job.output.tables])
    save_provenance(
        Path(job.output.provenance),
        job.params.job,
        inputs=read,
        outputs=job.output.tables,
    )


if __name__ == "__main__":
    with job_log(snakemake.log[0], "claims"):
        main(snakemake)
