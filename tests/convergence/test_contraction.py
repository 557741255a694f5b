"""The spectral radius against numpy's eigenvalues."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from deltaloss.convergence.behaviour import TOLERANCE
from deltaloss.convergence.contraction import spectral_radius
from deltaloss.model.network import Recall
from deltaloss.puzzles.base import load_task
from tests.evaluation.problems import random_examples, random_network

ROTATION = np.array([[np.cos(1.0), -np.sin(1.0)], [np.sin(1.0), np.cos(1.0)]])


def block(*parts):
    """Matrix with these blocks on its diagonal."""
    whole = np.zeros((sum(len(p) for p in parts),) * 2)
    place = 0
    for part in map(np.asarray, parts):
        whole[place : place + len(part), place : place + len(part)] = part
        place += len(part)
    return whole


MATRICES = {
    "one real": block([[0.9]], [[0.5]], [[-0.3]]),
    "negative": block([[0.4]], [[-1.7]], [[0.2]]),
    "opposite signs": block([[0.8]], [[-0.8]], [[0.3]]),
    "complex pair": block(0.95 * ROTATION, [[0.6]], [[0.1]]),
    "close pair": block([[0.9]], [[0.89]], [[0.3]]),
    "not normal": np.array([[0.5, 2.0, 0.0], [0.0, 0.4, 2.0], [0.0, 0.0, 0.3]]),
    "nilpotent": np.triu(np.ones((4, 4)), 1),
    "zero": np.zeros((3, 3)),
}


def radius_of(matrix):
    weight = torch.tensor(matrix, dtype=torch.float32)
    radius, residual = spectral_radius(
        lambda state: state @ weight.T + 1, torch.zeros(2, len(matrix)), [0, 1]
    )
    return radius.numpy(), residual.numpy()


@pytest.mark.parametrize("name", MATRICES)
def test_linear_steps_have_the_radius_of_their_matrix(name):
    matrix = MATRICES[name]
    turn, _ = np.linalg.qr(np.random.default_rng(1).normal(size=matrix.shape))
    for one in (matrix, turn @ matrix @ turn.T):
        radius, residual = radius_of(one)
        expected = 0.0 if name == "nilpotent" else np.abs(np.linalg.eigvals(matrix)).max()
        small = 0.1 if name == "nilpotent" else 1e-5  # of a turned one only rounding is left
        np.testing.assert_allclose(radius, expected, atol=small, rtol=1e-3)
        if name != "nilpotent":
            assert (residual <= TOLERANCE).all()


def test_an_iteration_that_has_not_converged_says_so_and_has_the_growth():
    """Rotations of the same modulus by twenty angles: no plane holds two vectors."""
    turns = [[[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]] for a in np.linspace(0.1, 3.0, 20)]
    radius, residual = radius_of(0.7 * block(*turns))
    assert (residual > TOLERANCE).all()
    np.testing.assert_allclose(radius, 0.7, rtol=1e-5)


@pytest.mark.parametrize("name", ["prefix_sums", "mazes", "chess"])
def test_networks_have_the_radius_of_their_jacobian(name):
    size = (3,) if name == "prefix_sums" else (2, 2)
    network, task = random_network(name, width=4), load_task(name)
    x = task.encode(random_examples(name, 3, size).inputs)
    with torch.no_grad():
        *_, state = network.unroll(x, 3)
        _, recall = network.embed(x)
        radius, residual = spectral_radius(lambda s: network.step(s, recall), state, range(3))
    for number in range(3):
        own = Recall(recall.response[number : number + 1].detach(), recall.state_weight.detach())
        jacobian = torch.autograd.functional.jacobian(
            lambda s, own=own: network.step(s, own), state[number : number + 1]
        )
        matrix = jacobian.reshape(state[number].numel(), -1).double().numpy()
        expected = np.abs(np.linalg.eigvals(matrix)).max()
        assert expected > 0
        assert float(residual[number]) <= TOLERANCE
        assert float(radius[number]) == pytest.approx(expected, rel=1e-3)


def test_the_start_depends_on_the_example_alone():
    matrix = torch.tensor(np.random.default_rng(2).normal(size=(6, 6)), dtype=torch.float32)
    state = torch.zeros(3, 6)
    together = spectral_radius(lambda s: s @ matrix.T, state, [4, 5, 6])[0]
    alone = spectral_radius(lambda s: s @ matrix.T, state[:1], [5])[0]
    assert float(together[1]) == pytest.approx(float(alone[0]), rel=1e-5)
