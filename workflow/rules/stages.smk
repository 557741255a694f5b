# Helpers of single stages: settings and inputs of their jobs.
from types import SimpleNamespace

AT_SIZES = {  # experiments whose test set is a further one, by the folder of its examples
    (task, one.examples_key(task, "test")): one
    for task in TASKS
    for one in (experiment.at_size(task, size["size"]) for size in experiment.tasks[task].sizes)
}


def examples_experiment(wildcards):
    """Return the experiment that examples are of: that of a size, or the config's."""
    return AT_SIZES.get((wildcards.task, wildcards.get("key")), experiment)


def at_size(wildcards):
    """Return the experiment whose test set has the size of a job."""
    return experiment.at_size(wildcards.task, int(wildcards.size))


def sizes_files(task, kind="npz"):
    """Return the answers of every run and seed at every size."""
    return [
        path
        for one in experiment.tasks[task].sizes
        for path in model_files(task, f"sizes/{one['size']}/{{task}}/{{run}}/{{weights}}.{kind}")
    ]


def wanted_sizes(wildcards):
    """Return the results of all puzzles with `sizes`."""
    if not SIZES_FILES:
        raise WorkflowError("no puzzle has sizes: add tasks.TASK.sizes, as in presets/sizes.yaml")
    return [path for paths in SIZES_FILES.values() for path in paths]


def drawn_files(task):
    """Return the answers in the panel of a puzzle."""
    return answer_files(task, runs=experiment.tasks[task].drawn) + released_files(task)


def released_checkpoint(wildcards):
    """Return the checkpoint of released weights; its content is among the job's settings."""
    task, run = wildcards.task, wildcards.run
    if run not in experiment.tasks[task].released:
        raise WorkflowError(f"there are no released weights: add tasks.{task}.released.{run}")
    return ancient(experiment.tasks[task].released[run].path)


def released_job(wildcards):
    settings = experiment.released_settings(wildcards.task, wildcards.run)
    return job("convert_released.py", settings, f"puzzles.{wildcards.task}.task")


def convergence_files(task, runs=None, part=""):
    """Return the changes at each step or, as part `_examples`, the ends of all examples."""
    return model_files(task, f"convergence/{{task}}/{{run}}/{{weights}}{part}.csv", runs)


def recovery_files(task):
    """Return the recoveries of all examples."""
    return model_files(task, "recovery/{task}/{run}/{weights}.csv")


def listed_summaries():
    """Return the digest files of what is published or would be: of analyses only where they are."""
    parts = [
        paths
        for part, paths in ANALYSES.items()
        if Path(f"results/published/{experiment.name}/run_{part}.json").is_file()
    ]
    return [*PUBLISHED_SUMMARIES, *(path for paths in parts for path in digest_files(paths))]


def plotted_convergence_files(task):
    return convergence_files(task, experiment.tasks[task].plotted)


def thinking_files(task):
    """Return the recordings of the compared runs with the first seed."""
    chosen = experiment.tasks[task]
    return [
        f"results/{experiment.name}/thinking/{task}/{run.name}/{weights_name(chosen.seeds[0])}.npz"
        for run in chosen.plotted
    ]


def asked_of(path):
    """Return what decides whether a result is made again: `job` of the rule that makes it."""
    maker = next(r for r in workflow.rules if "job" in r.params.keys() and r.is_producer(path))
    asked = maker.params.job
    return asked(SimpleNamespace(**maker.get_wildcards(path))) if callable(asked) else asked


def published_job(script, files, **settings):
    """Return the params of jobs that check results, which `files` have settings beside them."""
    expected = published.expected_settings(files, asked_of)
    return job(script, {"experiment": experiment.name, "expected": expected, **settings})
