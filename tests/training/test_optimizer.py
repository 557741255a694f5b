"""Learning rates, throttle and momentum."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from deltaloss.model.make import make_network
from deltaloss.training.optimizer import learning_rate_factor, make_optimizer, set_learning_rate

from .small import NETWORK, TASK, settings


@given(st.integers(0, 200), st.integers(0, 20))
def test_warmup_rises_to_exactly_one(epoch, warmup):
    factor = learning_rate_factor(epoch, warmup_epochs=warmup, milestones=(), decay_factor=0.1)
    if epoch + 1 < warmup:
        assert factor == pytest.approx(-math.expm1(-(epoch + 1) / warmup))
    else:
        assert factor == 1


def test_each_milestone_counts_once_and_has_no_effect_inside_the_warmup():
    def at(epoch: int) -> float:
        return learning_rate_factor(
            epoch, warmup_epochs=5, milestones=(3, 10, 20), decay_factor=0.5
        )

    assert [at(9), at(10), at(19), at(20), at(500)] == [1, 0.5, 0.5, 0.25, 0.25]


def test_throttle_divides_the_recurrent_rate_by_the_steps():
    network = make_network(TASK, NETWORK)
    changed = settings(milestones=(2,), decay_factor=0.5)
    optimizer = make_optimizer(network, changed, steps=5)
    assert set_learning_rate(optimizer, changed, epoch=2) == 0.005
    slowed = {id(p) for p in network.recurrent_parameters()}
    rates = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    assert len(rates) == len(list(network.parameters()))
    assert all(rates[key] == (0.001 if key in slowed else 0.005) for key in rates)


def test_sgd_has_the_published_momentum():
    optimizer = make_optimizer(make_network(TASK, NETWORK), settings(optimizer="sgd"), steps=3)
    assert isinstance(optimizer, torch.optim.SGD)
    assert {group["momentum"] for group in optimizer.param_groups} == {0.9}
