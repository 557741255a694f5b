"""Memory of a batch: bytes kept for the backward pass, a GPU's peak, and the largest batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from weakref import ReferenceType, ref

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from deltaloss.efficiency.forms import Form, Problem
from deltaloss.runtime.memory import is_shortage

GIVEN_BYTES = 8 * 10**9
"""Memory of the largest batch: that of a GTX 1070, the paper's card."""


class KeptBytes:
    """Context that counts the bytes that autograd keeps for the backward pass, at their most.

    The count depends on the graph alone, not on device, allocator or threads: a storage that
    several operations keep counts once, and one that the backward pass has released no longer.
    Temporary buffers of an operation and gradients are not counted.

    Args:
        parameters: not counted, for they are there anyway.

    Attributes:
        most: the largest number of bytes kept at a time.
    """

    def __init__(self, parameters: Iterable[Tensor] = ()) -> None:
        self.most = 0
        self._alive: list[ReferenceType[_Kept]] = []
        self._ignored = {one.untyped_storage().data_ptr() for one in parameters}
        self._hooks = saved_tensors_hooks(self._keep, lambda kept: kept.tensor)

    def __enter__(self) -> KeptBytes:
        self._hooks.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._hooks.__exit__(*error)

    def _keep(self, tensor: Tensor) -> _Kept:
        """Count anew: what autograd has dropped since is recognised by its dead reference."""
        storage = tensor.untyped_storage()
        # With its graph, a kept output would keep itself.
        kept = _Kept(tensor.detach(), storage.data_ptr(), storage.nbytes())
        if kept.address not in self._ignored:
            self._alive.append(ref(kept))
            alive = [(one, reference) for reference in self._alive if (one := reference())]
            self._alive = [reference for _, reference in alive]
            self.most = max(self.most, sum({one.address: one.size for one, _ in alive}.values()))
        return kept


class _Kept:
    """A tensor in autograd's keeping, with address and size in bytes of its storage."""

    def __init__(self, tensor: Tensor, address: int, size: int) -> None:
        self.tensor = tensor
        self.address = address
        self.size = size


def kept_bytes(form: Form, problem: Problem, drawn: tuple[int, ...]) -> int:
    """Bytes kept for the backward pass of one batch, at their most; see `KeptBytes`."""
    with KeptBytes(form.network.parameters()) as counter:
        form.compute(problem, drawn)
    return counter.most


def gpu_peak_bytes(form: Form, problem: Problem, drawn: tuple[int, ...]) -> int:
    """Bytes that a batch allocates on the current GPU beside weights and data, at their most."""
    form.network.zero_grad(set_to_none=True)
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    form.compute(problem, drawn)
    return torch.cuda.max_memory_allocated() - before


def predict_largest_batch(form: Form, make_problem: Callable[[int], Problem]) -> int:
    """Predict the largest batch in `GIVEN_BYTES`, for the longest n and k.

    Kept bytes are a constant and a multiple of the batch size, which two small batches tell apart;
    weights and their gradients are added, temporary buffers are not: a GPU fits fewer.

    Args:
        form: the loss.
        make_problem: makes a batch of a given size.
    """
    small, large = (kept_bytes(form, make_problem(size), form.longest) for size in (2, 4))
    each = (large - small) // 2
    weights = sum(one.nbytes for one in form.network.parameters())
    return max(0, (GIVEN_BYTES - 2 * weights - (small - 2 * each)) // each)


def measure_largest_batch(
    form: Form, make_problem: Callable[[int], Problem], *, guess: int
) -> int | None:
    """Largest batch that the current GPU computes within `GIVEN_BYTES`, for the longest n and k.

    Args:
        form: the loss.
        make_problem: makes a batch of a given size.
        guess: size to try first.

    Returns:
        None if the GPU has less memory than that.
    """
    whole = torch.cuda.get_device_properties(torch.cuda.current_device()).total_memory
    if whole < GIVEN_BYTES:
        return None

    def fits(size: int) -> bool:
        try:
            form.compute(make_problem(size), form.longest)
        except (RuntimeError, MemoryError) as error:
            if not is_shortage(error):
                raise
            return False
        finally:
            torch.cuda.empty_cache()
        return True

    with _limited(GIVEN_BYTES / whole):
        return largest(fits, guess=guess)


@contextmanager
def _limited(fraction: float) -> Iterator[None]:
    """Context in which this process may allocate a fraction of the GPU's memory."""
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(fraction)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


def largest(fits: Callable[[int], bool], *, guess: int) -> int:
    """Largest size from 0 that fits, by bisection; every smaller one is taken to fit too."""
    low, high = 0, max(1, guess)
    while fits(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low
