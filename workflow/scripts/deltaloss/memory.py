"""What to change when a device has not enough memory, in one line."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

from deltaloss.errors import MemoryShortageError

GIBIBYTE = 2**30

# The CPU's allocator, the driver and the GPU's libraries have no error class for it.
SAID = (
    "can't allocate memory",
    "not enough memory",
    "out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "std::bad_alloc",
)


@contextmanager
def memory_shortage(remedies: str) -> Iterator[None]:
    """Turn every error that means "out of memory" into one line that says what to change.

    Args:
        remedies: see `training_remedies` and `evaluation_remedies`.

    Raises:
        MemoryShortageError: instead of PyTorch's own errors, which stay its cause.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_shortage(error):
            raise
        raise MemoryShortageError(f"out of memory: {describe_memory()}. {remedies}") from error


def is_shortage(error: RuntimeError | MemoryError) -> bool:
    """Tell whether an error means that memory was short."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return any(said in str(error) for said in SAID)


def training_remedies(task: str, config: Mapping[str, Any]) -> str:
    """Say what makes a training smaller, what changes no result first.

    Args:
        task: the puzzle, as the config names it.
        config: as it is now; what it has already is not offered again.
    """
    exact = {"none": "blocks, then steps", "blocks": "steps", "steps": ""}[config["recompute"]]
    remedies = [f"recompute: {exact} (slower, the same result)"] if exact else []
    if config["device"] != "cpu" and config["precision"] != "bf16":
        remedies.append("precision: bf16 (on a GPU; coarser numbers)")
    remedies.append(f"a smaller batch_size in tasks.{task}.training (another result)")
    return f"Change in the config, in this order: {'; '.join(remedies)}"


def evaluation_remedies(task: str) -> str:
    """Say what makes an evaluation smaller."""
    return f"Lower in the config tasks.{task}.evaluation.batch_size (the same result)"


def describe_memory() -> str:
    """Say how much memory the GPU has and how much is in use; of a job without one, the machine."""
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        index = torch.cuda.current_device()
        try:
            free, whole = torch.cuda.mem_get_info(index)
        except RuntimeError:  # an error of the driver may leave it unable to answer
            return f"GPU {index} does not say how much it has"
        used, own = _size(whole - free), _size(torch.cuda.memory_reserved(index))
        return f"GPU {index} has {_size(whole)}, {used} in use, {own} of it by this job"
    unit = 1 if sys.platform == "darwin" else 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return f"this machine has {_size(whole)}, this job used {_size(most)} at most"


def _size(count: int) -> str:
    return f"{count / GIBIBYTE:.1f} GiB"
