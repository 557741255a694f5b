"""Local contraction: the spectral radius of a step's Jacobian at a state.

Near a fixed point the distance to it shrinks per step by this factor, in the long run; above 1 the
point repels. The Jacobian is never formed: products with it come from forward differentiation.

Shape letters: N examples, *D dimensions of a state.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.func import jvp

from deltaloss.convergence.behaviour import TOLERANCE
from deltaloss.core.seeds import derive_seed

ITERATIONS = 200
"""Products of the power iteration; two more give the eigenvalues and their residuals."""

START_SEED = 0  # of the start vectors, which are the same whenever a radius is computed

Product = Callable[[Tensor], Tensor]  # of the Jacobian and one vector per example


@torch.no_grad()
def spectral_radius(
    step: Callable[[Tensor], Tensor], state: Tensor, examples: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """Largest modulus of the eigenvalues of a step's Jacobian, for each example by itself.

    Power iteration, then the eigenvalues in the plane of the last vector and its image: there lie
    a real eigenvalue, two of opposite signs, or a complex pair, on which the growth of the vectors
    alone would not settle. Where none of these has converged, the radius is the mean growth per
    product over the second half of the iterations: many eigenvalues have nearly the same modulus.

    Args:
        step: one reasoning step, which keeps examples apart.
        state: [N, *D], finite.
        examples: numbers of the N examples, by which the start vectors are drawn.

    Returns:
        Radius and relative residual, float64 [N]; see `TOLERANCE`.
    """

    def product(vector: Tensor) -> Tensor:
        image: Tensor = jvp(step, (state,), (vector,))[1]
        return image

    vector = torch.stack([_start(number, state[0]) for number in examples])
    growth = torch.zeros(len(state), dtype=torch.float64, device=state.device)
    for number in range(ITERATIONS):
        vector, length = _unit(product(vector))
        if number >= ITERATIONS // 2:
            growth += length.log() / (ITERATIONS - ITERATIONS // 2)
    return _choose(*_project(product, vector), growth.exp())


def _start(number: int, like: Tensor) -> Tensor:
    """Start vector of an example, the same in every batch and on every device."""
    stream = torch.Generator().manual_seed(derive_seed(START_SEED, "radius", number))
    return torch.randn(like.shape, generator=stream).to(like)


def _dot(first: Tensor, second: Tensor) -> Tensor:
    """Products of the vectors of each example, float64, [N, 1, ...] to multiply vectors with."""
    sums = (first.double() * second.double()).flatten(1).sum(1)
    return sums.view(-1, *[1] * (first.ndim - 1))


def _unit(vector: Tensor) -> tuple[Tensor, Tensor]:
    """Vectors of length 1, where zeros stay zeros, and their former lengths, [N]."""
    length = _dot(vector, vector).sqrt()
    unit = torch.where(length > 0, vector / length, 0.0)
    return unit.to(vector.dtype), length.flatten()


def _project(product: Product, first: Tensor) -> tuple[Tensor, Tensor]:
    """Jacobian in the plane of a vector and its image, [N, 2, 2], and what leaves it, [N]."""
    image = product(first)
    along = _dot(first, image)
    rest = image - along * first
    rest = rest - _dot(first, rest) * first  # again, for what rounding left
    second, _ = _unit(rest.to(first.dtype))
    image = product(second)
    row, own = _dot(first, image), _dot(second, image)
    leaving = image - row * first - own * second
    parts = torch.stack([along, row, _dot(second, rest), own]).flatten(1)
    return parts.T.reshape(-1, 2, 2), _dot(leaving, leaving).sqrt().flatten()


def _choose(plane: Tensor, leaving: Tensor, growth: Tensor) -> tuple[Tensor, Tensor]:
    """Modulus of the largest eigenvalue that the plane holds to the tolerance, else the growth.

    A plane may also have eigenvalues that are none of the Jacobian's, with large residuals.
    """
    values, vectors = torch.linalg.eig(plane.cpu())
    moduli = values.abs()
    residuals = leaving.cpu()[:, None] * vectors[:, 1].abs() / moduli.clamp_min(1e-300)
    settled = residuals <= TOLERANCE
    place = torch.where(settled, moduli, -residuals).argmax(1, keepdim=True)
    radius = torch.where(settled.any(1), moduli.gather(1, place)[:, 0], growth.cpu())
    return radius, residuals.gather(1, place)[:, 0]
