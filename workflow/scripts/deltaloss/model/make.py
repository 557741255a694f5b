"""The network that settings describe."""

from __future__ import annotations

import torch

from deltaloss.config.settings import NetworkSettings
from deltaloss.core.seeds import derive_seed
from deltaloss.model.mixing import MixingNetwork
from deltaloss.model.network import RecallNetwork
from deltaloss.puzzles.base import Task


def make_network(task: Task, settings: NetworkSettings, *, seed: int = 0) -> RecallNetwork:
    """Build an untrained network on the CPU; its weights come from the seed alone."""
    kind = MixingNetwork if settings.mixing else RecallNetwork
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(seed, "weights"))
        return kind(
            dimensions=task.dimensions,
            channels=task.channels,
            width=settings.width,
            head=settings.head,
            recall_relu=settings.recall_relu,
        )
