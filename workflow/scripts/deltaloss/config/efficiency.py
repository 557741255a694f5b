"""Settings of the measurement of efficiency."""

from __future__ import annotations

from typing import Any

from deltaloss.config.experiment import Experiment
from deltaloss.core.runs import PAPER_LOSSES, parse_run


def efficiency_modules(experiment: Experiment, task: str) -> list[str]:
    """Modules that the measurement of a puzzle imports by names in its settings."""
    runs = efficiency_settings(experiment, task)["runs"]
    losses = sorted({f"losses.{parse_run(run).loss}" for run in runs})
    return [*losses, f"puzzles.{task}.task"]


def efficiency_settings(experiment: Experiment, task: str) -> dict[str, Any]:
    """Everything beside code and machine that decides times and memory of a puzzle's losses.

    All losses are measured at the training batch size of the Delta Loss, beside which stand the
    puzzle's plotted progressive runs and its runs of losses that are not the paper's. Products
    are fp32, the only precision of the paper's card.
    """
    chosen = experiment.tasks[task]
    progressive = [run.name for run in chosen.plotted if run.loss == "progressive"]
    others = [run.name for run in chosen.runs if run.loss not in PAPER_LOSSES]
    return {
        "batch_size": chosen.training["delta"]["batch_size"],
        "device": experiment.device,
        "network": chosen.network,
        "runs": ["delta", *progressive, *others],
        "seed": chosen.seeds[0],
        "shape": chosen.card.shape(chosen.data, "train"),
        "task": task,
        "threads": experiment.threads,
        "train_steps": chosen.train_steps,
    }
