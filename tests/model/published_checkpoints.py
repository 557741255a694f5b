"""Checkpoints as the published implementations write them, made of networks of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from deltaloss.efficiency.published import from_ours
from deltaloss.model.network import RecallNetwork


def published_weights(network: RecallNetwork, *, prefix: str = "") -> dict[str, Tensor]:
    """Weights by their published names; without a ReLU after recall, the later places are lower."""
    published = from_ours(network)
    if not network.recall_relu:
        first, _, blocks = published.recur_block
        published.recur_block = nn.Sequential(first, blocks)
    return {f"{prefix}{name}": one for name, one in published.state_dict().items()}


def write_checkpoint(
    path: Path, network: RecallNetwork, *, prefix: str = "", **others: Any
) -> None:
    """Write a checkpoint with all the keys that the released ones have."""
    optimizer = torch.optim.Adam(from_ours(network).parameters(), lr=0.001)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [3, 5])
    stored = {
        "net": published_weights(network, prefix=prefix),
        "epoch": 7,
        "optimizer": optimizer.state_dict(),
        "lr_scheduler": scheduler.state_dict(),
        "warmup_scheduler": {"last_step": 3, "lrs": [0.1], "warmup_params": [{"period": 10}]},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({**stored, **others}, path)
