# Helpers of the rules: the checked experiment, the paths of its files, the settings of its jobs.
import re
import sys
from pathlib import Path

SCRIPTS = Path(workflow.basedir) / "workflow" / "scripts"
if str(SCRIPTS) not in sys.path:
    sys.path.insert(0, str(SCRIPTS))

from deltaloss.configuration import check_results_folder, read_experiment
from deltaloss.datasets.lichess_check import check_puzzle_file
from deltaloss.errors import UserError
from deltaloss.fingerprint import canonical, code_digest
from deltaloss.runs import parse_run

try:
    experiment = read_experiment(
        config, Path(workflow.basedir) / "workflow" / "schemas" / "config.schema.yaml"
    )
    check_results_folder(Path("results") / experiment.name)
    if experiment.puzzle_file:
        check_puzzle_file(
            experiment.puzzle_file,
            **experiment.chess_counts(),
            memory=Path("results/data/chess/checked"),
        )
except UserError as error:
    sys.exit(f"config: {error}")


wildcard_constraints:
    experiment=re.escape(experiment.name),
    task="|".join(experiment.tasks),
    run="[a-z_]+(-[0-9.e-]+)?",
    seed="[0-9]+",
    split="train|test",


# In the paper's order; each puzzle has its table there.
TABLES = {"chess": "5", "mazes": "6", "prefix_sums": "7"}
TASKS = [task for task in TABLES if task in experiment.tasks]
TASK_OF_TABLE = {number: task for task, number in TABLES.items()}
TABLE_FORMATS = ("csv", "md", "tex")
FIGURE_FORMATS = ("pdf", "svg", "png")


def data_file(task, split):
    """Path of a puzzle's examples; it says what they are, so experiments can share them."""
    if task == "chess":
        return f"results/data/chess/{experiment.chess_key()}/{split}.npz"
    part = experiment.tasks[task].data[split]
    return (
        f"results/data/{task}/{split}_size{part['size']}_count{part['count']}"
        f"_seed{experiment.data_seed}.npz"
    )


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


def task_files(task):
    """All that one puzzle gives: its table, its panel of figure 1, its statistics."""
    if task not in experiment.tasks:
        raise WorkflowError(f"{task}: not among the tasks of the config ({', '.join(TASKS)})")
    return [
        *table_files(TABLES[task]),
        *figure_files(f"figure_1_{task}"),
        f"results/{experiment.name}/statistics/mcnemar_{task}.csv",
        f"results/{experiment.name}/statistics/untrained_{task}.csv",
    ]


def job(script, settings, *modules):
    """Give what decides whether a job runs again, as one sorted value: see README, "Reruns"."""
    code = code_digest(SCRIPTS / script, *(f"deltaloss.{module}" for module in modules))
    return canonical({"code": code, **settings})


def train_settings(wildcards):
    task, run = experiment.tasks[wildcards.task], parse_run(wildcards.run)
    settings = {
        "alpha": run.alpha,
        "loss": run.loss,
        "network": task.network,
        "seed": int(wildcards.seed),
        "split_seed": experiment.data_seed,
        "task": task.name,
        "train_steps": task.train_steps,
        "training": task.training[run.loss],
        "validation_fraction": task.data["validation_fraction"],
    }
    return job("train_model.py", settings, f"losses.{run.loss}", f"tasks.{task.name}")


def evaluate_settings(script, task, **settings):
    task = experiment.tasks[task]
    chosen = {"network": task.network, "task": task.name, **settings}
    return job(script, chosen, f"tasks.{task.name}")


def task_summary(task):
    """Give what tables, figures and tests need to know of a puzzle."""
    task = experiment.tasks[task]
    return {
        "plotted": [run.name for run in task.plotted],
        "runs": [run.name for run in task.runs],
        "seeds": list(experiment.seeds),
        "task": task.name,
        "test_size": task.data["test"].get("size"),
        "train_size": task.data["train"].get("size"),
        "train_steps": task.train_steps,
    }
