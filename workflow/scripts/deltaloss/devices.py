"""Where the numbers are computed, and what with."""

from __future__ import annotations

import platform

import numpy as np
import torch

from deltaloss.errors import ConfigError


def choose_device(wanted: str) -> torch.device:
    """Give the device for "auto" (a GPU when there is one), "cpu" or "cuda".

    Raises:
        ConfigError: "cuda" where there is none.
    """
    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise ConfigError("device: 'cuda', but PyTorch finds no GPU here; write auto or cpu")
    if wanted == "auto":
        wanted = "cuda" if there else "cpu"
    return torch.device(wanted)


def synchronise(device: torch.device) -> None:
    """Wait until the device has done what was asked of it, so that clocks tell the truth."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def describe_machine(device: torch.device) -> dict[str, object]:
    """Give device, CPU threads and versions, as provenance for a result."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    return {
        "device": f"{device.type} ({name})",
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }
