"""A network that only answers: its weights are prepared once, then applied at every step.

Shape letters: N examples, C input channels, W width, *S the puzzle's pixels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from deltaloss.filters import Filters, prepare_filters
from deltaloss.network import Recall, RecallNetwork

# Filters are ordered for a batch of this size, whatever size comes: the order decides how numbers
# are summed, and an example's numbers shall not depend on how many share its batch.
EXAMPLES = 8


# On a GPU a batch whose state has so many numbers keeps it busy for milliseconds a kernel. A larger
# one is no faster and loses more when it is broken off; from 2^31 numbers on kernels are others.
GPU_NUMBERS = 2**26

# On a CPU the states of a batch are best kept in the second cache, but no smaller than a part of
# the weights, which every batch reads again. Measured on an AMD EPYC with 1 MiB a core.
CPU_STATE_BYTES = 2**19
CPU_WEIGHT_SHARE = 4


class PreparedNetwork(nn.Module):
    """The same functions as the network's own, faster, without gradients.

    Args:
        network: on its device; later changes of its weights are not seen.
    """

    def __init__(self, network: RecallNetwork) -> None:
        super().__init__()
        self.network = network
        self._layers: tuple[Filters, ...] = ()
        self._head: tuple[Filters, ...] = ()

    def embed(self, x: Tensor) -> tuple[Tensor, Recall]:
        """Give the state before the first step and the input's share of every step."""
        with torch.no_grad():
            state, recall = self.network.embed(x)
        if not self._layers:
            self._prepare(recall.state_weight, state)
        return state, recall

    def step(self, state: Tensor, recall: Recall) -> Tensor:
        """Do one reasoning step. State in, state out."""
        remember, first1, first2, second1, second2 = self._layers
        mix = remember.add_relu if self.network.recall_relu else remember.add
        mixed = mix(state, recall.input_term)
        between = first2.add_relu(first1.relu(mixed), mixed)
        return second2.add_relu(second1.relu(between), between)

    def readout(self, state: Tensor) -> Tensor:
        """Read the logits out of a state: [N, 2, *S]."""
        first, second, last = self._head
        logits = last.plain(second.relu(first.relu(state)))
        if logits.dtype == torch.bfloat16:
            logits = logits.float()
        return logits.squeeze(2) if self.network.dimensions == 1 else logits

    def forward(self, x: Tensor, steps: int) -> Tensor:
        """Give the logits [N, 2, *S] after `steps` steps."""
        state, recall = self.embed(x)
        for _ in range(steps):
            state = self.step(state, recall)
        return self.readout(state)

    def _prepare(self, state_weight: Tensor, state: Tensor) -> None:
        size = (EXAMPLES, *state.shape[1:])
        blocks = (layer.weight for layer in self.network.block_layers())
        weights = (weight.detach().to(state.dtype) for weight in (state_weight, *blocks))
        self._layers = tuple(prepare_filters(weight, size) for weight in weights)
        heads = [layer.weight.detach().to(state.dtype) for layer in self.network.head_layers()]
        sizes = [(EXAMPLES, weight.shape[1], *state.shape[2:]) for weight in heads]
        self._head = tuple(map(prepare_filters, heads, sizes))


def fast_batch_size(network: RecallNetwork, pixels: int) -> int:
    """Give how many examples at a time are fast; more are no faster.

    Args:
        network: on its device.
        pixels: of a puzzle.
    """
    numbers = network.width * pixels
    if next(network.parameters()).is_cuda:
        return max(1, GPU_NUMBERS // numbers)
    weights = sum(p.nbytes for p in network.recurrent_parameters())
    cached = max(CPU_STATE_BYTES * torch.get_num_threads(), weights // CPU_WEIGHT_SHARE)
    return max(1, cached // (4 * numbers))
