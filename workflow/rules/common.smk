# Helpers of the rules: paths of files, and params that rerun jobs. Those of single stages follow.
from functools import cache

from deltaloss.config import published
from deltaloss.core.files import digest_files
from deltaloss.core.fingerprint import canonical, code_digest
from deltaloss.core.runs import LAST, RELEASED, run_pattern, weights_name, weights_seed
from deltaloss.data.archives import FOLDER, fetched_path
from deltaloss.puzzles.card import puzzle_modules, puzzle_names

TASKS = list(experiment.tasks)  # in the order of their tables
TABLES = {task: str(experiment.tasks[task].card.table) for task in TASKS}
TASK_OF_TABLE = {number: task for task, number in TABLES.items()}
CLAIMS_FORMATS = ("csv", "md", "html")
TABLE_FORMATS, FIGURE_FORMATS = ("csv", "md", "tex", "html"), ("pdf", "svg", "png")
GPUS = 0 if experiment.device == "cpu" else 1  # of a job with a network
SELECTED = ("", LAST) if experiment.select == "both" else ("",)  # behind the names of runs

examples_path = experiment.examples_path
code_digest = cache(code_digest)  # once per process: many jobs share a script


def job(script, settings, *modules):
    """Return what decides whether a job runs again; `modules` are those imported by a name."""
    path = SCRIPTS / script if SCRIPTS else Path(workflow.source_path(f"../scripts/{script}"))
    code = code_digest(path, *(f"deltaloss.{module}" for module in modules))
    return canonical({"code": code, **settings})


def runtime(rule):
    """Return the limit in minutes of a rule's jobs; each attempt, which resumes, gets more."""
    return lambda wildcards, attempt: attempt * experiment.minutes(rule, wildcards.task)


def more_memory(wildcards, attempt):
    return attempt * 16000


def job_priority(wildcards):
    return experiment.priority(wildcards.task)


def model_files(task, pattern, runs=None):
    """Return the files of every run and seed of a puzzle, in the config's order."""
    return expand(
        f"results/{experiment.name}/{pattern}",
        task=task,
        run=[run.name for run in runs or experiment.evaluated_runs(task)],
        weights=[weights_name(seed) for seed in experiment.tasks[task].seeds],
    )


def answer_files(task, folder="evaluations", runs=None):
    return model_files(task, f"{folder}/{{task}}/{{run}}/{{weights}}.npz", runs)


def released_files(task, pattern="evaluations/{task}/{run}/{weights}.npz"):
    """Return the files of every checkpoint of a puzzle that others trained."""
    return expand(
        f"results/{experiment.name}/{pattern}",
        task=task,
        run=list(experiment.tasks[task].released),
        weights=RELEASED,
    )


def audit_files(tasks):
    return [f"results/{experiment.name}/data/{task}.json" for task in tasks]


def table_files(number):
    return [f"results/{experiment.name}/tables/table_{number}.{kind}" for kind in TABLE_FORMATS]


def figure_files(name):
    return [f"results/{experiment.name}/figures/{name}.{kind}" for kind in FIGURE_FORMATS]


def claims_files(name, formats=CLAIMS_FORMATS):
    return [f"results/{experiment.name}/{name}.{kind}" for kind in formats]


def reported(paths, **place):
    """Flag the pages and pictures among `paths` for the report, which shows no other formats."""
    return [report(path, **place) if path.endswith((".html", ".svg")) else path for path in paths]


def manifest_files(task, *splits):
    """Return the manifests of files of examples, whose changes alone rerun nothing."""
    return [ancient(path) for path in digest_files(examples_path(task, one) for one in splits)]


def examples_file(wildcards):
    """Return the file that examples are read from: an archive, a user's file, or none."""
    chosen = examples_experiment(wildcards).tasks[wildcards.task]
    archive = chosen.card.archive(chosen.data, wildcards.get("split", "train"))
    file = f"{FOLDER}/{archive}" if archive else fetched_path(chosen.card.file(chosen.data) or "")
    return ancient(file) if file else []


def examples_job(wildcards):
    chosen = examples_experiment(wildcards)
    settings = chosen.make_settings(wildcards.task, wildcards.get("split", "train"))
    return job("make_examples.py", settings, settings["module"])


def train_settings(wildcards):
    settings = experiment.train_settings(wildcards.task, wildcards.run, wildcards.weights)
    modules = (f"losses.{settings['loss']}", f"puzzles.{wildcards.task}.task")
    return job("train_model.py", settings, *modules)


def evaluate_settings(wildcards, *, steps=None, script="evaluate_model.py", **settings):
    task, run = wildcards.task, getattr(wildcards, "run", "untrained")
    common = experiment.evaluate_settings(task, run, wildcards.weights, steps=steps)
    return job(script, common | settings, f"puzzles.{task}.task")


def statistic_files(statistic, tasks):
    """Return the parts of a statistic, by puzzle; of untrained networks by seed too."""
    patterns = {"untrained": "evaluations/{task}/untrained/{weights}.csv"}
    pattern = patterns.get(statistic, f"statistics/{statistic}_{{task}}.csv")
    return list(dict.fromkeys(path for task in tasks for path in model_files(task, pattern)))


def test_files(task):
    """Return the tests between the runs of a puzzle that stand in its table."""
    return [path for name in ("mcnemar", "over_seeds") for path in statistic_files(name, [task])]


def task_files(task):
    """Return the results of one puzzle: claims, table, panel of figure 1, statistics."""
    if task not in experiment.tasks:
        raise WorkflowError(f"{task}: not among the tasks of the config ({', '.join(TASKS)})")
    tables = claims_files(f"claims_{task}", ["csv"]) + table_files(TABLES[task])
    tables += figure_files(f"figure_1_{task}")
    return tables + [path for name in STATISTICS for path in statistic_files(name, [task])]


def table_job(kind, tasks):
    settings = experiment.table_settings(kind, tasks)
    return job("tabulate_results.py", settings, *puzzle_modules(tasks, "card"))


def figure_job(tasks):
    panels = [experiment.panel_settings(task) for task in tasks]
    return job("draw_figure_1.py", {"panels": panels}, *puzzle_modules(tasks, "card"))


include: "stages.smk"
