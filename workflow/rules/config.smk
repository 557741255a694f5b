# The library's place, and the checked experiment.
import re
import sys
from os import PathLike
from pathlib import Path

HERE = workflow.current_basedir  # a folder, or a place in a git repository
SCRIPTS = Path(HERE).parent / "scripts" if isinstance(HERE, PathLike) else None
if SCRIPTS:  # else the library comes by pip
    sys.path.insert(0, str(SCRIPTS))

from deltaloss.config.reading import read_experiment
from deltaloss.config.user_files import (
    check_dates,
    check_fetched,
    check_keys,
    check_results_folders,
)
from deltaloss.core.errors import UserError
from deltaloss.core.runs import LAST, WEIGHTS_PATTERN, run_pattern
from deltaloss.data.archives import FOLDER

try:
    check_keys(workflow.configfiles)
    experiment = read_experiment(
        config,
        Path(workflow.source_path("../schemas/config.schema.yaml")),
        memory=Path(".snakemake/deltaloss"),
    )
    check_fetched(experiment.archives["sha256"], Path(FOLDER))
    results = (Path(f"results/{experiment.name}"), Path("results/data"))
    notes = (Path(".snakemake/locks"), Path(".snakemake/metadata"))  # of Snakemake
    check_results_folders(*results, *notes)
    if workflow.is_main_process:
        check_dates(*results)
except UserError as error:
    sys.exit(f"config: {error}")


wildcard_constraints:
    experiment=re.escape(experiment.name),
    task="|".join(experiment.tasks),
    run=rf"(?:{run_pattern()})(?:{LAST})?",
    weights=WEIGHTS_PATTERN,
    split="train|test",
    key="[^/]+",
