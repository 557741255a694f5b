"""A trained network, ready to be evaluated on a device."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from deltaloss.config.settings import NetworkSettings
from deltaloss.model.make import make_network
from deltaloss.model.network import RecallNetwork
from deltaloss.model.precision import set_precision
from deltaloss.model.weights import load_weights
from deltaloss.puzzles.base import Task


def load_trained(
    path: Path, task: Task, settings: Mapping[str, Any], device: torch.device
) -> tuple[RecallNetwork, Mapping[str, Any]]:
    """Load weights into the network that settings describe.

    Args:
        path: of the weights.
        task: the puzzle.
        settings: `network` and `precision`, as of an evaluation.
        device: that the network computes on.

    Returns:
        The network, and the provenance of its weights.

    Raises:
        DataError: the weights are missing, damaged, or those of another network.
    """
    network = make_network(task, NetworkSettings(**settings["network"]))
    network.compute_dtype = set_precision(settings["precision"], device)
    trained = load_weights(path, network)
    return network.to(device).eval(), trained
