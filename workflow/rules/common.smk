# Helpers of the rules: the checked experiment and the paths of its files.
import re
import sys
from pathlib import Path

SCRIPTS = Path(workflow.basedir) / "workflow" / "scripts"
if str(SCRIPTS) not in sys.path:
    sys.path.insert(0, str(SCRIPTS))

from deltaloss.configuration import check_fetched, check_results_folder, read_experiment
from deltaloss.errors import UserError
from deltaloss.runs import parse_run, run_pattern

try:
    experiment = read_experiment(
        config,
        Path(workflow.basedir) / "workflow" / "schemas" / "config.schema.yaml",
        memory=Path(".snakemake/deltaloss/puzzle_files"),
    )
    check_fetched(experiment.archives, Path("results/data/archives"))
    for folder in (experiment.name, "data"):
        check_results_folder(Path("results") / folder)
except UserError as error:
    sys.exit(f"config: {error}")


wildcard_constraints:
    experiment=re.escape(experiment.name),
    task="|".join(experiment.tasks),
    run=run_pattern(),
    seed="[0-9]+",
    split="train|test",


# In the paper's order; each puzzle has its table there.
TABLES = {"chess": "5", "mazes": "6", "prefix_sums": "7"}
TASKS = [task for task in TABLES if task in experiment.tasks]
if unknown := set(experiment.tasks) - set(TABLES):
    sys.exit(f"config: {unknown.pop()} has no table; give it a number in workflow/rules/common.smk")
TASK_OF_TABLE = {number: task for task, number in TABLES.items()}
TABLE_FORMATS = ("csv", "md", "tex")
FIGURE_FORMATS = ("pdf", "svg", "png")


def data_file(task, split):
    """Path of a puzzle's examples; it says what they are, so experiments can share them."""
    if task == "chess":
        return f"results/data/chess/{experiment.chess_key()}/{split}.npz"
    data = experiment.tasks[task].data
    chosen = f"size{data[split]['size']}_count{data[split]['count']}"
    if data["source"] == "archive":
        start = experiment.tasks[task].archive_start(split)
        return f"results/data/{task}/archive_{split}_{chosen}_from{start}.npz"
    return f"results/data/{task}/{split}_{chosen}_seed{experiment.data_seed}.npz"


def model_files(task, pattern, runs=None):
    """Files of every run and seed of a puzzle, in the config's order."""
    return expand(
        f"results/{experiment.name}/{pattern}",
        task=task,
        run=[run.name for run in runs or experiment.tasks[task].runs],
        seed=experiment.seeds,
    )


def plotted_curves(task):
    """Accuracy curves of the runs that figure 1 shows."""
    return model_files(
        task, "evaluations/{task}/{run}/seed{seed}.csv", experiment.tasks[task].plotted
    )


def published(path):
    """Where a small result goes to be committed."""
    return f"results/published/{Path(path).relative_to('results')}"


def table_files(number):
    return [f"results/{experiment.name}/tables/table_{number}.{kind}" for kind in TABLE_FORMATS]


def figure_files(name):
    return [f"results/{experiment.name}/figures/{name}.{kind}" for kind in FIGURE_FORMATS]


TABLE_FILES = [
    path for number in ("2", "4", *map(TABLES.get, TASKS)) for path in table_files(number)
]
STATISTICS_FILES = [
    f"results/{experiment.name}/statistics/{name}.csv" for name in ("mcnemar", "untrained")
]


def statistic_files(statistic, tasks):
    """The parts of a statistic, by puzzle; of untrained networks by seed too."""
    pattern = {
        "mcnemar": "results/{experiment}/statistics/mcnemar_{task}.csv",
        "untrained": "results/{experiment}/evaluations/{task}/untrained/seed{seed}.csv",
    }[statistic]
    every = expand(pattern, experiment=experiment.name, task=tasks, seed=experiment.seeds)
    return list(dict.fromkeys(every))


def task_files(task):
    """All that one puzzle gives: its table, its panel of figure 1, its statistics."""
    if task not in experiment.tasks:
        raise WorkflowError(f"{task}: not among the tasks of the config ({', '.join(TASKS)})")
    return [
        *table_files(TABLES[task]),
        *figure_files(f"figure_1_{task}"),
        *statistic_files("mcnemar", [task]),
        *statistic_files("untrained", [task]),
    ]
