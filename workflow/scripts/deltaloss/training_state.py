"""Where a training is: all that it needs, with its seed and settings, to go on from there.

Its random streams are functions of (seed, purpose, epoch), so epoch and batch say where they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from deltaloss.records import Row


@dataclass(kw_only=True)
class Tally:
    """What the batches of an epoch gave so far; it stays on the device until somebody asks.

    Attributes:
        losses: of each batch [2], the loss and L(T).
        right: of each batch a scalar, how many whole answers were right.
        norms: of each batch a scalar, the total gradient norm before clipping.
        seen: examples.
    """

    losses: list[Tensor] = field(default_factory=list)
    right: list[Tensor] = field(default_factory=list)
    norms: list[Tensor] = field(default_factory=list)
    seen: int = 0

    def __len__(self) -> int:
        return len(self.losses)

    def add(self, losses: Tensor, right: Tensor, norm: Tensor, *, seen: int) -> None:
        """Count one batch."""
        self.losses.append(losses)
        self.right.append(right)
        self.norms.append(norm)
        self.seen += seen

    def batch_losses(self) -> Tensor:
        """Give the losses, [batches, 2]."""
        return torch.stack(self.losses)

    def accuracy_percent(self) -> float:
        """Share of whole answers that were right, each batch before its own update."""
        return 100.0 * float(torch.stack(self.right).sum()) / self.seen

    def means(self) -> Row:
        """Give the columns of a history that training fills."""
        loss, final_loss = self.batch_losses().mean(0).tolist()
        return {
            "train_loss": loss,
            "final_step_loss": final_loss,
            "train_accuracy_percent": self.accuracy_percent(),
            "gradient_norm": float(torch.stack(self.norms).mean()),
        }


@dataclass(kw_only=True)
class TrainingState:
    """Everything of a training but its weights and its optimizer.

    Attributes:
        epoch: the present one, from 0; as many are done, validation and all.
        tally: the batches that are done in the present epoch; validation is to come.
        seconds: of each clock in the present epoch.
        history: a row for each epoch that is done.
        best_accuracy: highest validation accuracy, in percent; -1 before the first.
        best_epoch: the first that reached it, from 1.
        best_weights: the weights it had.
    """

    epoch: int = 0
    tally: Tally = field(default_factory=Tally)
    seconds: dict[str, float] = field(default_factory=dict)
    history: list[Row] = field(default_factory=list)
    best_accuracy: float = -1.0
    best_epoch: int = 0
    best_weights: dict[str, Tensor] = field(default_factory=dict)


def pack(
    network: nn.Module, optimizer: torch.optim.Optimizer, state: TrainingState
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Give all tensors by name, on the CPU, and all other facts as JSON values.

    The optimizer's rates are left out: they are a function of settings and epoch.
    """
    tally = state.tally
    tensors = {
        **_under("weights", network.state_dict()),
        **_under("best", state.best_weights),
        **_under("optimizer", _flat(optimizer.state_dict()["state"])),
    }
    if len(tally):
        batches = {"losses": tally.losses, "right": tally.right, "norms": tally.norms}
        tensors |= {f"tally/{name}": torch.stack(values) for name, values in batches.items()}
    facts = {
        "epoch": state.epoch,
        "batch": len(tally),
        "seen": tally.seen,
        "seconds": state.seconds,
        "history": state.history,
        "best_accuracy": state.best_accuracy,
        "best_epoch": state.best_epoch,
    }
    return {name: value.detach().cpu().contiguous() for name, value in tensors.items()}, facts


def unpack(
    tensors: Mapping[str, Tensor],
    facts: Mapping[str, Any],
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
) -> TrainingState:
    """Put what `pack` gave into a network and its optimizer, and give the state."""
    network.load_state_dict(_of("weights", tensors))
    _fill_optimizer(optimizer, _of("optimizer", tensors))
    device = next(network.parameters()).device
    batches = {name: list(value.to(device)) for name, value in _of("tally", tensors).items()}
    return TrainingState(
        epoch=facts["epoch"],
        tally=Tally(**batches, seen=facts["seen"]),
        seconds=dict(facts["seconds"]),
        history=list(facts["history"]),
        best_accuracy=facts["best_accuracy"],
        best_epoch=facts["best_epoch"],
        best_weights={name: value.to(device) for name, value in _of("best", tensors).items()},
    )


def _under(part: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{part}/{name}": tensor for name, tensor in tensors.items()}


def _of(part: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    start = f"{part}/"
    return {
        name.removeprefix(start): value for name, value in tensors.items() if name.startswith(start)
    }


def _flat(by_parameter: Mapping[int, Mapping[str, Tensor]]) -> dict[str, Tensor]:
    return {
        f"{index}/{name}": value
        for index, kept in by_parameter.items()
        for name, value in kept.items()
    }


def _fill_optimizer(optimizer: torch.optim.Optimizer, flat: Mapping[str, Tensor]) -> None:
    """Give each parameter's moments the parameter's own order in memory.

    With another one the same sums are done by other instructions, which may round differently.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    kept: dict[int, dict[str, Tensor]] = {}
    for key, value in flat.items():
        index, name = int(key.split("/")[0]), key.split("/")[1]
        like = parameters[index]
        same = value.shape == like.shape
        kept.setdefault(index, {})[name] = (
            torch.empty_like(like, requires_grad=False).copy_(value) if same else value
        )
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": kept, "param_groups": groups})
