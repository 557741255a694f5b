"""Networks whose step is a formula, so that their states are known."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from deltaloss.convergence.measure import measure
from deltaloss.convergence.trace import Trace
from deltaloss.evaluation.batches import Batch
from deltaloss.model.network import Recall, RecallNetwork
from deltaloss.puzzles.base import load_task
from tests.evaluation.problems import random_examples

WIDTH = 3  # so that no other tensor has the size of a state
Step = Callable[[Tensor], Tensor]


class Formula(RecallNetwork):
    """A network that starts from a state of ones and steps by a formula.

    Its answer is 1 where the state is above a half; its logits are 0 and the state minus a half.
    """

    def __init__(self, formula: Step, dimensions: int = 1, start: float = 1.0) -> None:
        super().__init__(dimensions=dimensions, channels=1, width=WIDTH, head=(2, 2))
        self.formula, self.start = formula, start

    def embed(self, x: Tensor) -> tuple[Tensor, Recall]:
        state = torch.full((len(x), WIDTH, 1, x.shape[-1]), self.start)
        return state, Recall(torch.zeros(len(x), 1), torch.zeros(1))

    def step(self, state: Tensor, recall: Recall, *, recompute: str = "none") -> Tensor:
        return self.formula(state)

    def readout(self, state: Tensor) -> Tensor:
        score = state[:, 0, 0] - 0.5
        return torch.stack([torch.zeros_like(score), score], 1)


def trace(formula: Step, steps: int, *, count: int = 3, batch_size: int = 2, **options) -> Trace:
    """Measure a formula on prefix sums."""
    examples: Batch = random_examples("prefix_sums", count, (5,))
    network = Formula(formula, **options).eval()
    task = load_task("prefix_sums")
    return measure(network, examples, task=task, steps=steps, batch_size=batch_size)
