"""A network whose steps start from a mixture of all past states (appendix A.1).

Think Again Networks (Salle and Prates 2019, equation 1) put a mixing function of all past states
where a recurrent network has the last one. Here it is attention: at each pixel step t + 1 starts
from the sum of the past states s_0 to s_t, weighted by the softmax over i of a(s_i) - β (t - i).
The score a, a 1x1 convolution to one channel, is the product with a learned query, the same at all
steps; β > 0 is a learned preference for the last states. As β grows the mixture becomes s_t.

Shape letters: N examples, C channels, W width, H height, L length; *S is [L] or [H, L].
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deltaloss.model.network import Convolution, Recall, RecallNetwork, recomputed


class MixingNetwork(RecallNetwork):
    """A `RecallNetwork` whose state keeps a sum over its past, so that memory does not grow.

    A state is [N, 2 W + 1, H, L]: the last state, the mixture of all states so far, and the
    logarithm of the sum behind its softmax, which bfloat16 is too coarse for.

    Args:
        dimensions, channels, width, head, recall_relu: as of `RecallNetwork`.
    """

    peak_states = 11  # 10.6 measured

    def __init__(
        self,
        *,
        dimensions: int,
        channels: int,
        width: int,
        head: Sequence[int],
        recall_relu: bool = True,
    ) -> None:
        super().__init__(
            dimensions=dimensions,
            channels=channels,
            width=width,
            head=head,
            recall_relu=recall_relu,
        )
        self.score = Convolution(width, 1, 1, bias=False)
        self.recency = nn.Parameter(torch.zeros(()))  # β = softplus(recency), 0.69 untrained

    def embed(self, x: Tensor) -> tuple[Tensor, Recall]:
        """Compute the state that knows s_0 alone, and the input's part of every recall."""
        first, recall = super().embed(x)
        return torch.cat([first, first, self.score(first)], 1), recall

    def step(self, state: Tensor, recall: Recall, *, recompute: str = "none") -> Tensor:
        """One reasoning step from the mixture, then its result added to the mixture."""
        if recompute == "steps":
            return recomputed(lambda before: self.step(before, recall), state)
        mixture, log_sum = state[:, self.width : -1], state[:, -1:]
        last = super().step(mixture, recall, recompute=recompute)
        score = self.score(last)
        log_sum = _add_logarithms(log_sum - F.softplus(self.recency), score)
        mixture = torch.lerp(mixture, last, (score - log_sum).exp())
        return torch.cat([last, mixture, log_sum], 1)

    def readout(self, state: Tensor) -> Tensor:
        """Logits [N, 2, *S] of the last state."""
        return super().readout(state[:, : self.width])

    def recurrent_parameters(self) -> list[nn.Parameter]:
        """Parameters slowed by the learning-rate throttle: those of a step."""
        return [*super().recurrent_parameters(), *self.score.parameters(), self.recency]


def _add_logarithms(first: Tensor, second: Tensor) -> Tensor:
    """log(e^first + e^second), of the same bits for every batch size.

    On a CPU `torch.logaddexp` computes what is left of its vectors in another way.
    """
    difference = (first - second).abs()
    return torch.maximum(first, second) + (-difference).exp().log1p()
