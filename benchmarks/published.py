"""The published description as a plain implementation, with PyTorch's defaults, to compare with.

Written from the paper's section 2 and appendix A.3. At each step input and state are concatenated
and the head reads the state. The Delta Loss is summed as in the first line of equation 1; the
Progressive Loss makes two forward passes. Where algorithm 1 and the released code differ, this is
the code: the first n steps are computed with their graph, which is then cut off. Batches come from
a loader, loss and accuracy are read after each batch, and an evaluation keeps all outputs.

Shape letters: N examples, C channels, *S pixels ([L] or [H, W]), T reasoning steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from deltaloss.config.settings import TrainingSettings
from deltaloss.evaluation.batches import Batch
from deltaloss.model.network import RecallNetwork
from deltaloss.model.weights import to_published
from deltaloss.puzzles.base import Task

SGD_MOMENTUM = 0.9


class PublishedBlock(nn.Module):
    """Two convolutions, a skip connection over both, a ReLU after each."""

    def __init__(self, convolution: Callable[[int, int], nn.Module], width: int) -> None:
        super().__init__()
        self.conv1 = convolution(width, width)
        self.conv2 = convolution(width, width)

    def forward(self, state: Tensor) -> Tensor:
        """Map [N, W, *S] to the same shape."""
        return F.relu(self.conv2(F.relu(self.conv1(state))) + state)


class PublishedNetwork(nn.Module):
    """The network of appendix A.3, one- or two-dimensional; parameters have the published names."""

    def __init__(
        self, *, dimensions: int, channels: int, width: int, head: Sequence[int], recall_relu: bool
    ) -> None:
        super().__init__()

        def convolution(inputs: int, outputs: int) -> nn.Module:
            kind = nn.Conv1d if dimensions == 1 else nn.Conv2d
            return kind(inputs, outputs, 3, padding=1, bias=False)

        self.width = width
        self.projection = nn.Sequential(convolution(channels, width), nn.ReLU())
        self.recur_block = nn.Sequential(
            convolution(width + channels, width),
            nn.ReLU() if recall_relu else nn.Identity(),
            nn.Sequential(PublishedBlock(convolution, width), PublishedBlock(convolution, width)),
        )
        self.head = nn.Sequential(
            convolution(width, head[0]),
            nn.ReLU(),
            convolution(head[0], head[1]),
            nn.ReLU(),
            convolution(head[1], 2),
        )

    def forward(
        self, x: Tensor, steps: int, state: Tensor | None = None
    ) -> tuple[list[Tensor], Tensor]:
        """Compute `steps` steps from `state`, or from the projection.

        Returns:
            The logits [N, 2, *S] after each step, and the last state.
        """
        state = self.projection(x) if state is None else state
        outputs = []
        for _ in range(steps):
            state = self.recur_block(torch.cat([state, x], 1))
            outputs.append(self.head(state))
        return outputs, state

    def all_outputs(self, x: Tensor, steps: int) -> Tensor:
        """Logits of all steps, [N, T, 2, *S]."""
        outputs = x.new_zeros(len(x), steps, 2, *x.shape[2:])
        state = self.projection(x)
        for step in range(steps):
            state = self.recur_block(torch.cat([state, x], 1))
            outputs[:, step] = self.head(state)
        return outputs


def from_ours(network: RecallNetwork) -> PublishedNetwork:
    """Build a published network with the weights of ours, on the same device."""
    weights = to_published(network.state_dict(), dimensions=network.dimensions)
    published = PublishedNetwork(
        dimensions=network.dimensions,
        channels=network.projection.in_channels,
        width=network.width,
        head=[len(weights["head.0.weight"]), len(weights["head.2.weight"])],
        recall_relu=network.recall_relu,
    )
    published.load_state_dict({name: value.contiguous() for name, value in weights.items()})
    return published.to(network.projection.weight.device, network.projection.weight.dtype)


@dataclass(frozen=True, kw_only=True)
class PublishedLoss:
    """Both losses: the Progressive Loss with its alpha, or with None the Delta Loss."""

    steps: int
    alpha: float | None

    def __call__(
        self,
        network: PublishedNetwork,
        x: Tensor,
        targets: Tensor,
        counted: Tensor | None,
        *drawn: int,
    ) -> tuple[Tensor, Tensor]:
        """Loss of puzzles x [N, C, *S], a scalar with its graph, and the last logits."""
        outputs, _ = network(x, self.steps)
        if self.alpha is None:
            return self._delta(outputs, targets, counted), outputs[-1]
        loss = (1 - self.alpha) * cross_entropy(outputs[-1], targets, counted)
        if self.alpha > 0:
            n, k = drawn
            partial = self._after_cut(network, x, n, k)
            loss = loss + self.alpha * cross_entropy(partial, targets, counted)
        return loss, outputs[-1]

    def _delta(self, outputs: list[Tensor], targets: Tensor, counted: Tensor | None) -> Tensor:
        losses = [cross_entropy(one, targets, counted) for one in outputs]
        drops = sum(
            (after - before for before, after in pairwise(losses)),
            start=torch.zeros_like(losses[0]),
        )
        return drops + torch.stack(losses).max()

    def _after_cut(self, network: PublishedNetwork, x: Tensor, n: int, k: int) -> Tensor:
        """Logits after n + k steps; the gradient stops at the state after n."""
        state = network(x, n)[1].detach() if n > 0 else None
        outputs: list[Tensor] = network(x, k, state)[0]
        return outputs[-1]


def cross_entropy(logits: Tensor, targets: Tensor, counted: Tensor | None) -> Tensor:
    """Mean cross-entropy over all counted pixels of the batch."""
    pixels = F.cross_entropy(logits, targets, reduction="none")
    return pixels.mean() if counted is None else pixels[counted].mean()


def make_optimizer(network: PublishedNetwork, settings: TrainingSettings) -> torch.optim.Optimizer:
    """Make the optimizer without the throttle, which changes rates and not the work."""
    rate, decay = settings.learning_rate, settings.weight_decay
    if settings.optimizer == "sgd":
        return torch.optim.SGD(
            network.parameters(), lr=rate, momentum=SGD_MOMENTUM, weight_decay=decay
        )
    return torch.optim.Adam(network.parameters(), lr=rate, weight_decay=decay)


def train_epoch(
    network: PublishedNetwork,
    optimizer: torch.optim.Optimizer,
    loss: PublishedLoss,
    examples: Batch,
    draws: Iterable[tuple[int, ...]],
    *,
    task: Task,
    batch_size: int,
    clip_norm: float | None,
) -> tuple[float, float]:
    """Train one epoch on examples on the CPU; return mean loss and accuracy in percent."""
    device = next(network.parameters()).device
    dataset = TensorDataset(examples.inputs, examples.targets)
    loader = DataLoader(dataset, batch_size, shuffle=True, drop_last=True, num_workers=0)
    total, right = 0.0, 0
    for (host_inputs, host_targets), drawn in zip(loader, draws, strict=True):
        bits, targets = host_inputs.to(device), host_targets.to(device).long()
        optimizer.zero_grad()
        value, logits = loss(network, task.encode(bits), targets, task.counted(bits), *drawn)
        value.backward()  # type: ignore[no-untyped-call]
        if clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(network.parameters(), clip_norm)
        optimizer.step()
        total += value.item()
        right += int(task.correct(logits, bits, targets).sum().item())
    return total / len(loader), 100.0 * right / len(loader) / batch_size


@torch.no_grad()
def evaluate(
    network: PublishedNetwork, examples: Batch, *, task: Task, steps: int, batch_size: int
) -> Tensor:
    """Whether each whole answer is right after each step, bool [T, N]."""
    device = next(network.parameters()).device
    loader = DataLoader(TensorDataset(examples.inputs, examples.targets), batch_size)
    bits = []
    for host_inputs, host_targets in loader:
        inputs, targets = host_inputs.to(device), host_targets.to(device)
        outputs = network.all_outputs(task.encode(inputs), steps)
        correct = [task.correct(outputs[:, step], inputs, targets) for step in range(steps)]
        bits.append(torch.stack(correct).cpu())
    return torch.cat(bits, 1)
