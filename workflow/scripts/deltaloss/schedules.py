"""The learning rate as a pure function of the epoch (table 3)."""

from __future__ import annotations

import math
from collections.abc import Sequence


def learning_rate_factor(
    epoch: int, *, warmup_epochs: int, milestones: Sequence[int], decay_factor: float
) -> float:
    """Give what the base rate is multiplied by in `epoch`, counted from 0.

    While epoch + 1 is below the warm-up period w the factor is 1 - exp(-(epoch + 1) / w), and
    exactly 1 from there on; each milestone reached since then multiplies it by `decay_factor`. A
    milestone inside the warm-up is lost, as in the released code.
    """
    if epoch + 1 < warmup_epochs:
        return 1 - math.exp(-(epoch + 1) / warmup_epochs)
    reached = sum(max(warmup_epochs, 1) <= milestone <= epoch for milestone in milestones)
    return float(decay_factor**reached)
