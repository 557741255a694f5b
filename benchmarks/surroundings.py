"""Where and with what something was measured."""

from __future__ import annotations

from datetime import UTC, datetime

import torch

from deltaloss.evidence.provenance import describe_source, processor
from deltaloss.runtime.devices import describe_machine


def describe(device: torch.device) -> dict[str, object]:
    """Give device, its memory, processor, versions, commit and time."""
    said: dict[str, object] = {
        **describe_machine(device),
        "processor": processor(),
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version()  # type: ignore[no-untyped-call]
        if device.type == "cuda"
        else None,
    }
    if device.type == "cuda":
        said["gpu_bytes"] = torch.cuda.get_device_properties(device).total_memory
    measured = datetime.now(UTC).isoformat(timespec="seconds")
    return {"machine": said, **describe_source(), "measured": measured}
