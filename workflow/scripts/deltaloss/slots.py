"""A batch of slots on the device: each holds one example at its own step.

Shape letters: B slots, K steps at once, C input channels, W width, *S the puzzle's pixels; a state
is [B, W, H, L].

The numbers of an example do not depend on who shares its batch, nor on how many do, with one
exception: for a small batch of one, PyTorch leaves oneDNN for a convolution of its own, which sums
in another order (`use_mkldnn` in aten/src/ATen/native/Convolution.cpp). There the batch has a
second row that nobody reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from deltaloss.batches import Batch
from deltaloss.inference import PreparedNetwork
from deltaloss.network import Recall
from deltaloss.tasks import Task

ALONE_FROM = 20480  # numbers in the input of a convolution, above which oneDNN takes one example
BITS = {2: torch.int16, 4: torch.int32, 8: torch.int64}  # whole numbers by bytes
IDLE = -1  # instead of an example
AGE = 8  # a reference state is renewed when as many steps old as an eighth of all


@dataclass(frozen=True, kw_only=True)
class Rows:
    """What the device holds of each slot, a row each."""

    state: Tensor  # [B, W, H, L]
    input_term: Tensor  # [B, W, H, L], as in `Recall`
    reference: Tensor  # [B, W, H, L], an earlier state
    inputs: Tensor  # uint8 [B, C, *S]
    targets: Tensor  # uint8 [B, *S]

    def put(self, places: Tensor, newcomers: Rows) -> None:
        """Overwrite the rows at these places with the first rows of others."""
        for name, mine in vars(self).items():
            mine[places] = getattr(newcomers, name)[: len(places)]

    def take(self, places: Tensor) -> Rows:
        """Give the rows at these places, in the same order of memory."""
        return Rows(
            **{
                name: torch.empty_like(mine[: len(places)]).copy_(mine[places])
                for name, mine in vars(self).items()
            }
        )


@dataclass(frozen=True, kw_only=True)
class Carried:
    """Where an example stood when its evaluation was broken off."""

    step: int
    reference_step: int
    state: Tensor  # [W, H, L]
    reference: Tensor  # [W, H, L]


class Slots:
    """The slots, filled from the host's examples.

    Args:
        network: on the device of the slots.
        task: decodes the answers.
        examples: on the host; a row each goes to the device when it has a slot.
        first: the examples that fill the slots at the beginning.
        carried: of examples that have begun, where they stand; is emptied as they come in.
    """

    def __init__(
        self,
        network: PreparedNetwork,
        task: Task,
        examples: Batch,
        first: Sequence[int],
        carried: dict[int, Carried],
    ) -> None:
        self._network, self._task, self._all, self._carried = network, task, examples, carried
        self._device = next(network.parameters(), examples.inputs).device
        self._least = least_rows(network, examples.targets[0].numel())
        self._rows, self._state_weight = self._embed(first)
        self.examples = np.full(len(self._rows.state), IDLE, dtype=np.int64)
        self.steps = np.zeros_like(self.examples)  # done by each
        self.references = np.zeros_like(self.examples)  # the steps of the reference states
        self._enter(np.arange(len(first)), first)

    @property
    def busy(self) -> NDArray[np.int64]:
        """The places of the slots that hold an example."""
        places: NDArray[np.int64] = (self.examples != IDLE).nonzero()[0]
        return places

    def admit(self, newcomers: Sequence[int]) -> None:
        """Put examples into idle slots, at most as many as there are."""
        places = (self.examples == IDLE).nonzero()[0][: len(newcomers)]
        self._rows.put(self._indices(places), self._embed(newcomers)[0])
        self._enter(places, newcomers)

    def run(self, count: int) -> tuple[Tensor, NDArray[np.bool_]]:
        """Compute some steps in every slot; nothing is changed before `accept`.

        Returns:
            The states after them, and the flags of `advance`, bool [3, K, B].
        """
        rows, flags = self._rows, []
        for _ in range(count):
            state, flag = advance(self._network, self._task, rows, self._state_weight)
            rows = replace(rows, state=state)
            flags.append(flag)
        return rows.state, torch.stack(flags, dim=1).cpu().numpy()

    def accept(self, state: Tensor, count: int) -> None:
        """Take over the states that `run` gave for `count` steps, and renew old references.

        A reference state is renewed at steps that the example's own count decides, so that what
        is found does not depend on who shares the batch. It may get as old as a share of all
        steps: so every period is found once it is shorter than that.
        """
        self._rows = replace(self._rows, state=state)
        self.steps += count
        old = self.steps - self.references >= np.maximum(1, self.steps // AGE)
        places = self._indices(old.nonzero()[0])
        self._rows.reference[places] = state[places]
        self.references[old] = self.steps[old]

    def retire(self, places: NDArray[np.int64]) -> None:
        """Make slots idle."""
        self.examples[places] = IDLE

    def shrink(self) -> None:
        """Give up the rows that no example needs.

        A GPU keeps its shape until half of it is idle: each new shape costs it a preparation.
        """
        busy, idle = self.busy, (self.examples == IDLE).nonzero()[0]
        rows = max(self._least, len(busy))
        enough = len(self.examples) - 1 if self._device.type == "cpu" else len(self.examples) // 2
        if not len(busy) or rows > enough:
            return
        kept = np.concatenate([busy, idle[: rows - len(busy)]])
        self._rows = self._rows.take(self._indices(kept))
        self.examples, self.steps = self.examples[kept], self.steps[kept]
        self.references = self.references[kept]

    def standing(self) -> dict[int, Carried]:
        """Tell where each example stands, its states on the host."""
        return {
            int(self.examples[place]): Carried(
                step=int(self.steps[place]),
                reference_step=int(self.references[place]),
                state=self._rows.state[place].cpu(),
                reference=self._rows.reference[place].cpu(),
            )
            for place in self.busy
        }

    def state_bytes(self) -> int:
        """Size of the states and references."""
        return 2 * self._rows.state.nbytes

    def _embed(self, newcomers: Sequence[int]) -> tuple[Rows, Tensor]:
        """Prepare examples; where there are too few rows, the first one fills them up."""
        missing = self._least - len(newcomers)
        chosen = self._all.take(torch.tensor([*newcomers, *[newcomers[0]] * missing]))
        inputs, targets = chosen.inputs.to(self._device), chosen.targets.to(self._device)
        state, recall = self._network.embed(self._task.encode(inputs))
        reference = state.clone()
        for row, example in enumerate(newcomers):
            if example in self._carried:
                state[row] = self._carried[example].state
                reference[row] = self._carried[example].reference
        rows = Rows(
            state=state,
            input_term=recall.input_term,
            reference=reference,
            inputs=inputs,
            targets=targets,
        )
        return rows, recall.state_weight

    def _enter(self, places: NDArray[np.int64], newcomers: Sequence[int]) -> None:
        for place, example in zip(places, newcomers, strict=True):
            before = self._carried.pop(example, None)
            self.examples[place] = example
            self.steps[place] = before.step if before else 0
            self.references[place] = before.reference_step if before else 0

    def _indices(self, places: NDArray[np.int64]) -> Tensor:
        return torch.from_numpy(places).to(self._device)


def advance(
    network: PreparedNetwork, task: Task, rows: Rows, state_weight: Tensor
) -> tuple[Tensor, Tensor]:
    """Do one step in every slot; shapes stay, and nothing waits for the device.

    Bits are compared, not numbers: a zero and a negative zero count as different, so whatever a
    function of the state makes of their signs, equal states have an equal future.

    Returns:
        The new state, and bool [3, B]: answer right, state finite, state equal to the reference.
    """
    state = network.step(rows.state, Recall(rows.input_term, state_weight))
    right = task.correct(network.readout(state), rows.inputs, rows.targets)
    numbers, before = _flat(state), _flat(rows.reference)
    # Reducing with amax or amin takes a tenth of what isfinite or == takes. NaN wins both.
    finite = numbers.amax(1).isfinite() & numbers.amin(1).isfinite()
    whole = BITS[state.element_size()]
    changed = numbers.view(whole) ^ before.view(whole)
    equal = (changed.amax(1) == 0) & (changed.amin(1) == 0)
    return state, torch.stack([right, finite, equal])


def _flat(state: Tensor) -> Tensor:
    """Give [B, numbers] in the order of memory (channels last), so that nothing is copied."""
    return state.movedim(1, -1).flatten(1)


def least_rows(network: nn.Module, pixels: int) -> int:
    """Give how few rows a batch may have: one where oneDNN computes one alone, or else two."""
    channels = [m.in_channels for m in network.modules() if isinstance(m, nn.Conv2d)]
    return 1 if pixels * min(channels, default=1) > ALONE_FROM else 2
