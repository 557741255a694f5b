"""The unroll of a network and the way back through it, by hand instead of by autograd.

Autograd cannot know that all steps share their weights. Here these are prepared once a batch, a
weight that meets the gradients of two losses takes them once, as their sum, and what a step keeps
is a choice (`recompute`). Nothing waits for the device, and a signal is heard between any two
operations. A loss only says where gradients enter and where they stop.

Shape letters: N examples, C input channels, W width, T steps; a state is [N, W, H, L].
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from deltaloss.filters import Filters, cut, prepare_filters, weight_gradient
from deltaloss.network import RecallNetwork


class Inner(NamedTuple):
    """What a step computes between two states; None where it is computed again when needed."""

    mixed: Tensor | None  # behind the recall
    inner1: Tensor | None  # within the first block
    between: Tensor | None  # behind the first block
    inner2: Tensor | None  # within the second block


# A layer's weights meet the gradients of so many pixels at once, from several steps if need be: a
# small batch alone would spend its time on adding up gradients as large as the weights.
GATHERED_PIXELS = 4096

NOTHING = Inner(None, None, None, None)


@dataclass(frozen=True, kw_only=True)
class Seed:
    """A gradient of the loss that enters at the state s_t and goes back to s_stop.

    Attributes:
        step: t, from 1; as a tensor where only the device knows it.
        gradient: [N, W, H, L].
        stop: the first state that the gradient does not reach; 0 when it goes through all steps
            and the projection.
    """

    step: int | Tensor
    gradient: Tensor
    stop: int = 0


class Unrolled:
    """The states of a batch, with what the way back needs.

    Args:
        network: is not changed before `backward`.
        x: puzzles, float [N, C, *S].
        recompute: "none" keeps five images a step; "blocks" keeps three and computes those within
            the blocks again; "steps" keeps one, the state. The gradients are the same.
        passed: the steps, from 1, that gradients will pass; None for all.
    """

    def __init__(
        self,
        network: RecallNetwork,
        x: Tensor,
        *,
        recompute: str = "none",
        passed: range | None = None,
    ) -> None:
        self._network, self._recompute, self._passed = network, recompute, passed
        self._image = network.as_image(x)
        state_weight, input_weight = (weight.detach() for weight in network.split_recall())
        self._input_term = F.conv2d(self._image, input_weight, padding=network.recall.padding)
        with torch.no_grad():
            first = F.relu_(network.projection(self._image))
        weights = [layer.weight.detach().to(first.dtype) for layer in network.block_layers()]
        self._filters = [prepare_filters(w, first.shape) for w in (state_weight, *weights)]
        self._states = {0: first}
        self._inner: dict[int, Inner] = {}
        self.steps = 0

    @torch.no_grad()
    def step(self) -> Tensor:
        """Do a step and give its state."""
        before = self._states[self.steps]
        inner = self._compute(before)
        state = self._filters[4].add_relu(_there(inner.inner2), _there(inner.between))
        self.steps += 1
        if self._passes(self.steps):
            self._inner[self.steps] = self._chosen(inner)
        elif not self._passes(self.steps - 1):
            del self._states[self.steps - 1]
        self._states[self.steps] = state
        return state

    def run(self, steps: int) -> Iterator[Tensor]:
        """Do further steps; yield the state after each."""
        for _ in range(steps):
            yield self.step()

    def advance(self, steps: int) -> Tensor:
        """Do further steps and give the last state."""
        for _ in range(steps):
            self.step()
        return self._states[self.steps]

    def state(self, step: int) -> Tensor:
        """Give a state that is kept: the last, and those that gradients pass."""
        return self._states[step]

    @torch.no_grad()
    def backward(self, seeds: Sequence[Seed]) -> None:
        """Add what the gradients of states make of the parameters to their `grad`.

        This uses up the states, from the last one down.
        """
        back = _WayBack(self._filters, self._input_term, recall_relu=self._network.recall_relu)
        gradients: dict[int, Tensor] = {}  # by where they stop
        highest = max(_highest(seed, self.steps) for seed in seeds)
        for step in range(highest, 0, -1):
            gradients.pop(step, None)
            for seed in seeds:
                if (entering := _entering(seed, step)) is not None:
                    _add(gradients, seed.stop, entering)
            if gradients:
                before = self._states[step - 1]
                inner = self._restored(self._inner.pop(step), before)
                gradients = back.through(before, inner, self._states[step], gradients)
            self._states.pop(step, None)
        back.finish()
        self._write(back, gradients.get(0))

    def _compute(self, before: Tensor) -> Inner:
        recall, first1, first2, second1, _ = self._filters
        remembered = recall.add_relu if self._network.recall_relu else recall.add
        mixed = remembered(before, self._input_term)
        inner1 = first1.relu(mixed)
        between = first2.add_relu(inner1, mixed)
        return Inner(mixed, inner1, between, second1.relu(between))

    def _passes(self, step: int) -> bool:
        return self._passed is None or step in self._passed

    def _chosen(self, inner: Inner) -> Inner:
        if self._recompute == "none":
            return inner
        return inner._replace(inner1=None, inner2=None) if self._recompute == "blocks" else NOTHING

    def _restored(self, inner: Inner, before: Tensor) -> Inner:
        """Compute again what was not kept."""
        if inner.mixed is None or inner.between is None:
            return self._compute(before)
        if inner.inner1 is None:
            inner = inner._replace(
                inner1=self._filters[1].relu(inner.mixed),
                inner2=self._filters[3].relu(inner.between),
            )
        return inner

    def _write(self, back: _WayBack, gradient: Tensor | None) -> None:
        """Add the gathered gradients to those of the parameters."""
        network, image = self._network, self._image
        of_input = weight_gradient(image, back.of_input_term, network.split_recall()[1])
        of_state, *of_blocks = back.weights
        _accumulate(network.recall.weight, torch.cat([of_state, of_input.to(of_state.dtype)], 1))
        for layer, found in zip(network.block_layers(), of_blocks, strict=True):
            _accumulate(layer.weight, found)
        if gradient is not None:
            into = cut(gradient, self._states[0])
            weight = network.projection.weight.to(into.dtype)
            _accumulate(network.projection.weight, weight_gradient(image, into, weight))


class _WayBack:
    """Goes back step by step and gathers the gradients of the weights.

    Attributes:
        weights: a gradient for each layer, in the type of the weights.
        of_input_term: gradient of the input's share of the steps.
    """

    def __init__(
        self, filters: Sequence[Filters], input_term: Tensor, *, recall_relu: bool
    ) -> None:
        self._filters, self._recall_relu = filters, recall_relu
        gathered = torch.float64 if input_term.dtype == torch.float64 else torch.float32
        self.weights = [torch.zeros_like(f.weight, dtype=gathered) for f in filters]
        self._waiting: list[list[tuple[Tensor, Tensor]]] = [[] for _ in filters]
        self.of_input_term = torch.zeros_like(input_term)

    def through(
        self, before: Tensor, inner: Inner, state: Tensor, gradients: dict[int, Tensor]
    ) -> dict[int, Tensor]:
        """Turn gradients of the state behind a step into those of the state before it.

        All pass the same layers, so the weights are met by their sum.
        """
        mixed, between = _there(inner.mixed), _there(inner.between)
        found = [cut(gradient, state) for gradient in gradients.values()]
        found = self._block(3, between, _there(inner.inner2), found)
        found = [cut(gradient, between) for gradient in found]
        found = self._block(1, mixed, _there(inner.inner1), found)
        if self._recall_relu:
            found = [cut(gradient, mixed) for gradient in found]
        whole = _sum(found)
        self.of_input_term += whole
        found = self._layer(0, before, whole, found)
        return dict(zip(gradients, found, strict=True))

    def _block(
        self, layer: int, entered: Tensor, inner: Tensor, gradients: list[Tensor]
    ) -> list[Tensor]:
        """Go back through a residual block, from the gradients of the sum before its last ReLU."""
        within = self._layer(layer + 1, inner, _sum(gradients), gradients)
        within = [cut(gradient, inner) for gradient in within]
        through = self._layer(layer, entered, _sum(within), within)
        return [new.add_(old) for new, old in zip(through, gradients, strict=True)]

    def _layer(
        self, layer: int, entered: Tensor, whole: Tensor, gradients: list[Tensor]
    ) -> list[Tensor]:
        waiting = self._waiting[layer]
        waiting.append((entered, whole))
        if len(waiting) * whole[:, 0].numel() >= GATHERED_PIXELS:
            self._gather(layer)
        return [self._filters[layer].back(gradient) for gradient in gradients]

    def _gather(self, layer: int) -> None:
        """Add to a layer's gradient what waits, several small steps as one batch."""
        waiting = self._waiting[layer]
        if waiting:
            images, gradients = (_joined(images) for images in zip(*waiting, strict=True))
            self.weights[layer] += self._filters[layer].weight_gradient(images, gradients)
            waiting.clear()

    def finish(self) -> None:
        """Gather what still waits."""
        for layer in range(len(self._filters)):
            self._gather(layer)


def _there(image: Tensor | None) -> Tensor:
    assert image is not None
    return image


def _joined(images: Sequence[Tensor]) -> Tensor:
    return images[0] if len(images) == 1 else torch.cat(list(images))


def _sum(images: Sequence[Tensor]) -> Tensor:
    return images[0] if len(images) == 1 else torch.stack(list(images)).sum(0)


def _highest(seed: Seed, steps: int) -> int:
    return seed.step if isinstance(seed.step, int) else steps


def _entering(seed: Seed, step: int) -> Tensor | None:
    """Give what enters at a step; zeros where the host does not know whether it is this one."""
    if isinstance(seed.step, int):
        return seed.gradient if seed.step == step else None
    return seed.gradient * (seed.step == step)


def _add(gradients: dict[int, Tensor], stop: int, gradient: Tensor) -> None:
    gradients[stop] = gradients[stop] + gradient if stop in gradients else gradient


def _accumulate(parameter: Tensor, gradient: Tensor) -> None:
    gradient = gradient.to(parameter.dtype)
    parameter.grad = gradient if parameter.grad is None else parameter.grad + gradient
