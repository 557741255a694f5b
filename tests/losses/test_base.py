"""The criterion of both losses."""

from __future__ import annotations

import math

import pytest
import torch

from deltaloss.losses.base import Criterion

LOGITS = torch.tensor([[[0.0, 5.0], [0.0, -5.0]]])  # the first pixel is undecided, the second sure
TARGETS = torch.tensor([[0, 0]])


def test_all_pixels_are_counted_by_default() -> None:
    loss = Criterion(targets=TARGETS)(LOGITS)
    assert float(loss) == pytest.approx(math.log(2) / 2, abs=1e-4)


def test_uncounted_pixels_have_no_share_in_the_mean() -> None:
    loss = Criterion(targets=TARGETS, counted=torch.tensor([[True, False]]))(LOGITS)
    assert float(loss) == pytest.approx(math.log(2), abs=1e-6)
