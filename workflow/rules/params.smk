# The settings of each kind of job: what decides whether it runs again.
from deltaloss.fingerprint import canonical, code_digest


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
        "precision": experiment.result_precision,
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
    chosen = {
        "network": task.network,
        "precision": experiment.result_precision,
        "task": task.name,
        **settings,
    }
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
