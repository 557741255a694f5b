"""The state of a training: everything that, with its settings and data, decides how it continues.

Random streams are functions of (seed, purpose, epoch), so epoch and batch say where they are.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from deltaloss.losses.base import Outcome
from deltaloss.runtime.devices import synchronise
from deltaloss.training.history import Row

ACTIVITIES = ("train", "validation", "pause")


class EpochMetrics:
    """Metrics of the batches of one epoch, kept on the device so that no batch waits for the host.

    Attributes:
        examples: number of examples in these batches.
    """

    def __init__(self, batches: Sequence[Tensor] = (), examples: int = 0) -> None:
        self._batches = list(batches)  # each [4]: loss, L(T), whole answers correct, gradient norm
        self.examples = examples

    def __len__(self) -> int:
        return len(self._batches)

    def add(self, outcome: Outcome, correct: Tensor, gradient_norm: Tensor) -> None:
        """Add a batch.

        Args:
            outcome: of the loss.
            correct: bool [N], whether each whole answer was right before the batch's update.
            gradient_norm: scalar, before clipping.
        """
        values = [outcome.loss, outcome.final_loss, correct.sum(), gradient_norm]
        self._batches.append(torch.stack([value.to(outcome.loss.dtype) for value in values]))
        self.examples += len(correct)

    def table(self) -> Tensor:
        """Values [batches, 4] of all batches: loss, L(T), correct answers, gradient norm."""
        return torch.stack(self._batches)

    def means(self) -> Row:
        """Columns of the history that come from training batches."""
        table = self.table().double()
        loss, final_loss, _, norm = table.mean(0).tolist()
        return {
            "train_loss": loss,
            "final_step_loss": final_loss,
            "train_accuracy_percent": 100.0 * float(table[:, 2].sum()) / self.examples,
            "gradient_norm": norm,
        }


def is_finite(network: torch.nn.Module) -> bool:
    """Whether all weights are finite; reads the device."""
    return bool(torch.stack([weight.isfinite().all() for weight in network.parameters()]).all())


class Clock:
    """Seconds of one epoch by activity: train, validation, pause (checkpoints, callbacks).

    Attributes:
        seconds: by activity, up to the last switch.
    """

    def __init__(self, device: torch.device, seconds: Mapping[str, float] | None = None) -> None:
        self.seconds = dict(seconds or dict.fromkeys(ACTIVITIES, 0.0))
        self._device = device
        self._activity = "pause"
        self._since = time.perf_counter()

    def switch(self, activity: str) -> None:
        """Wait for the device, add the time since the last switch, and start another activity."""
        synchronise(self._device)
        now = time.perf_counter()
        self.seconds[self._activity] += now - self._since
        self._activity, self._since = activity, now

    def start_epoch(self) -> None:
        """Set all activities to zero seconds."""
        self.seconds = dict.fromkeys(ACTIVITIES, 0.0)


@dataclass(kw_only=True)
class TrainingState:
    """Progress of a training, apart from its weights and its optimizer.

    Attributes:
        clock: of the present epoch.
        epoch: the present one, from 0; so many are finished, with their validation.
        metrics: of the finished batches of the present epoch.
        history: one row per finished epoch.
        best_accuracy: validation accuracy of the selected epoch, in percent; -1 before the first.
        best_epoch: the selected epoch, from 1.
        best_weights: weights of the selected epoch.
    """

    clock: Clock
    epoch: int = 0
    metrics: EpochMetrics = field(default_factory=EpochMetrics)
    history: list[Row] = field(default_factory=list)
    best_accuracy: float = -1.0
    best_epoch: int = 0
    best_weights: dict[str, Tensor] = field(default_factory=dict)

    def to_dict(self, network: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Any]:
        """Collect the whole state, as `Checkpointer.save` takes it."""
        return {
            "network": dict(network.state_dict()),
            "optimizer": optimizer.state_dict(),
            "epoch": self.epoch,
            "metrics": self.metrics.table() if len(self.metrics) else None,
            "examples": self.metrics.examples,
            "seconds": self.clock.seconds,
            "history": self.history,
            "best_accuracy": self.best_accuracy,
            "best_epoch": self.best_epoch,
            "best_weights": self.best_weights,
        }

    @classmethod
    def from_dict(
        cls, stored: Mapping[str, Any], network: nn.Module, optimizer: torch.optim.Optimizer
    ) -> TrainingState:
        """Load what `to_dict` collected into network and optimizer, and return the rest."""
        network.load_state_dict(stored["network"])
        optimizer.load_state_dict(stored["optimizer"])
        device = next(network.parameters()).device
        batches = () if stored["metrics"] is None else stored["metrics"].to(device).unbind()
        return cls(
            clock=Clock(device, stored["seconds"]),
            epoch=stored["epoch"],
            metrics=EpochMetrics(batches, stored["examples"]),
            history=stored["history"],
            best_accuracy=stored["best_accuracy"],
            best_epoch=stored["best_epoch"],
            best_weights={name: w.to(device) for name, w in stored["best_weights"].items()},
        )
