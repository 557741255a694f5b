"""Settings of the measurement of efficiency."""

from __future__ import annotations

from typing import Any

from deltaloss.config.experiment import Experiment


def efficiency_settings(experiment: Experiment, task: str) -> dict[str, Any]:
    """Everything beside code and machine that decides times and memory of a puzzle's losses.

    All losses are measured at the training batch size of the Delta Loss, beside which stand the
    puzzle's plotted progressive runs. Products are fp32, the only precision of the paper's card.
    The network does not mix states, which the published forms cannot.
    """
    chosen = experiment.tasks[task]
    progressive = [run.name for run in chosen.plotted if run.loss == "progressive"]
    return {
        "batch_size": chosen.training["delta"]["batch_size"],
        "device": experiment.device,
        "network": chosen.published_network,
        "runs": ["delta", *progressive],
        "seed": chosen.seeds[0],
        "shape": chosen.card.shape(chosen.data, "train"),
        "task": task,
        "threads": experiment.threads,
        "train_steps": chosen.train_steps,
    }
