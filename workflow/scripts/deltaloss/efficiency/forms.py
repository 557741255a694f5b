"""The compared forms of a loss, and a batch of random bits to compute them on.

Shape letters: N examples, C channels, *S pixels ([L] or [H, W]), T reasoning steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from deltaloss.core.runs import PAPER_LOSSES, Run
from deltaloss.core.seeds import derive_seed
from deltaloss.efficiency.published import DescribedLoss, PublishedLoss, PublishedNetwork
from deltaloss.evaluation.batches import Batch
from deltaloss.losses.base import Criterion, Loss, make_loss
from deltaloss.model.network import RecallNetwork
from deltaloss.puzzles.base import Task

FORMS = ("published", "described", "ours")
"""As the released code, as the paper's text (both `efficiency.published`), and `losses`."""

CANDIDATES = 1000  # draws of a loss of our own, of which some are taken at equal distances


@dataclass(frozen=True, kw_only=True)
class Form:
    """One loss, computed in one way.

    Attributes:
        run: name of the loss with its parameter.
        name: one of `FORMS`.
        network: whose gradients are computed.
        add_gradient: takes a problem and the random numbers of one batch, adds the gradient to the
            network's parameters and returns the loss, a scalar without gradient.
        draws: random numbers of the loss, one tuple per batch; the same for all forms of a loss.
        longest: random numbers for which the loss keeps the most: n = 0, k = T; of another loss the
            largest.
    """

    run: str
    name: str
    network: nn.Module
    add_gradient: Callable[..., Tensor]
    draws: Sequence[tuple[int, ...]]
    longest: tuple[int, ...]

    @property
    def key(self) -> tuple[str, str]:
        """Run and form."""
        return self.run, self.name

    def compute(self, problem: Problem, drawn: tuple[int, ...]) -> Tensor:
        """Loss of one batch, its gradient in the parameters' `grad`."""
        self.network.zero_grad(set_to_none=True)
        return self.add_gradient(problem, *drawn)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A batch of encoded puzzles x [N, C, *S], and the loss of their answers."""

    x: Tensor
    criterion: Criterion


def make_forms(
    network: RecallNetwork,
    plain: PublishedNetwork | None,
    run: Run,
    *,
    steps: int,
    draws: Sequence[tuple[int, int]],
    seed: int,
) -> list[Form]:
    """Make all forms of a loss of the paper, or the only form of another one.

    Args:
        network: of our form.
        plain: of the other forms, with the same weights; None if they have no such network.
        run: a loss with its parameter.
        steps: T, reasoning steps.
        draws: n and k of each batch of the Progressive Loss. Another loss that draws gets as many
            draws of its own.
        seed: of those.
    """
    ours = make_loss(run.loss, steps=steps, value=run.value)
    if plain is None or run.loss not in PAPER_LOSSES:
        return [_our_form(network, ours, run, draws, steps, seed)]
    published = PublishedLoss(steps=steps, alpha=run.value)
    described = DescribedLoss(steps=steps, alpha=run.value)

    def in_published(problem: Problem, *drawn: int) -> Tensor:
        targets, counted = problem.criterion.targets, problem.criterion.counted
        loss, _ = published(plain, problem.x, targets, counted, *drawn)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()

    def in_described(problem: Problem, *drawn: int) -> Tensor:
        targets, counted = problem.criterion.targets, problem.criterion.counted
        loss = described(plain, problem.x, targets, counted, *drawn)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()

    own = _our_form(network, ours, run, draws, steps, seed)
    published_form, described_form = (
        replace(own, name=name, network=plain, add_gradient=add_gradient)
        for name, add_gradient in (("published", in_published), ("described", in_described))
    )
    return [published_form, described_form, own]


def _our_form(
    network: RecallNetwork,
    loss: Loss,
    run: Run,
    draws: Sequence[tuple[int, int]],
    steps: int,
    seed: int,
) -> Form:
    """Make the form of `losses`, with draws of its loss that are spread over their range."""
    chosen: Sequence[tuple[int, ...]] = draws
    longest: tuple[int, ...] = (0, steps)
    if run.loss != "progressive" or not loss.draw(torch.Generator()):
        stream = torch.Generator().manual_seed(derive_seed(seed, "efficiency", run.loss))
        every = sorted(loss.draw(stream) for _ in range(CANDIDATES))
        distance = CANDIDATES // len(draws)
        chosen, longest = every[distance // 2 :: distance][: len(draws)], every[-1]

    def add_gradient(problem: Problem, *drawn: int) -> Tensor:
        return loss(network, problem.x, problem.criterion, *drawn).loss

    return Form(
        run=run.name,
        name="ours",
        network=network,
        add_gradient=add_gradient,
        draws=chosen,
        longest=longest,
    )


def spread_draws(steps: int, count: int, *, seed: int) -> list[tuple[int, int]]:
    """Draw n from U{0, T - 1} and k from U{1, T - n} (algorithm 1), spread over their ranges.

    Each of `count` equal parts of n's range is drawn from once, and so is each of k's (a Latin
    hypercube): means over few draws are nearer to their expectation than those of free draws.

    Args:
        steps: T, reasoning steps.
        count: number of draws.
        seed: of the stream.
    """
    stream = torch.Generator().manual_seed(derive_seed(seed, "efficiency", "draws"))
    within = torch.rand(2, count, generator=stream)
    first = ((torch.arange(count) + within[0]) / count * steps).long().clamp(max=steps - 1)
    second = (torch.randperm(count, generator=stream) + within[1]) / count
    left = steps - first
    lengths = 1 + (second * left).long().clamp(max=left - 1)
    return list(zip(first.tolist(), lengths.tolist(), strict=True))


def make_problem(
    task: Task, shape: Sequence[int], count: int, *, seed: int, device: torch.device
) -> Problem:
    """Make a batch of random bits: times and memory do not depend on the puzzles' contents.

    Args:
        task: encodes the puzzles.
        shape: *S.
        count: N.
        seed: of the bits.
        device: where the batch is stored.
    """
    batch = random_examples(task, shape, count, seed=derive_seed(seed, "efficiency", "bits"))
    batch = batch.to(device)
    criterion = Criterion(targets=batch.targets.long(), counted=task.counted(batch.inputs))
    return Problem(x=task.encode(batch.inputs), criterion=criterion)


def random_examples(task: Task, shape: Sequence[int], count: int, *, seed: int) -> Batch:
    """Random bits in the shape of a puzzle's examples, on the CPU."""
    stream = torch.Generator().manual_seed(seed)
    inputs = torch.randint(2, (count, task.channels, *shape), generator=stream)
    targets = torch.randint(2, (count, *shape), generator=stream)
    return Batch(inputs=inputs.to(torch.uint8), targets=targets.to(torch.uint8))
