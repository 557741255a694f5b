"""Out-of-memory errors as one line that names the settings to change."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

from deltaloss.core.errors import MemoryShortageError

GIBIBYTE = 2**30

# Texts of errors that have no class of their own: of the CPU's allocator, drivers, GPU libraries.
SHORTAGE_TEXTS = (
    "can't allocate memory",
    "not enough memory",
    "out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "std::bad_alloc",
)


@contextmanager
def memory_shortage(remedies: str) -> Iterator[None]:
    """Turn every out-of-memory error into one line that says what to change.

    Args:
        remedies: see `training_remedies` and `evaluation_remedies`.

    Raises:
        MemoryShortageError: its cause is the original error.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_shortage(error):
            raise
        raise MemoryShortageError(f"out of memory: {describe_memory()}. {remedies}") from error


def is_shortage(error: RuntimeError | MemoryError) -> bool:
    """Whether an error means that memory was short."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return any(text in str(error) for text in SHORTAGE_TEXTS)


def training_remedies(task: str, config: Mapping[str, Any]) -> str:
    """List settings that make a training need less memory; first those that change no result.

    Args:
        task: the puzzle, as the config names it.
        config: the present one; what it already has is not suggested.
    """
    exact = {"none": "blocks, then steps", "blocks": "steps", "steps": ""}[config["recompute"]]
    remedies = [f"recompute: {exact} (slower, the same result)"] if exact else []
    if config["device"] != "cpu" and config["precision"] != "bf16":
        remedies.append("precision: bf16 (on a GPU; coarser numbers)")
    key = f"tasks.{task}.training.{config['hyperparameters']}.batch_size"
    remedies.append(f"a smaller {key} (another result)")
    return f"Change in the config, in this order: {'; '.join(remedies)}"


def evaluation_remedies(task: str) -> str:
    """List settings that make an evaluation need less memory."""
    return f"Lower in the config tasks.{task}.evaluation.batch_size (the same result)"


def describe_memory() -> str:
    """Memory of the GPU and how much is in use; of the machine, for a job without a GPU."""
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        index = torch.cuda.current_device()
        try:
            free, whole = torch.cuda.mem_get_info(index)
        except RuntimeError:  # after an error of the driver
            return f"GPU {index} does not report its memory"
        used, own = _size(whole - free), _size(torch.cuda.memory_reserved(index))
        return f"GPU {index} has {_size(whole)}, {used} in use, {own} of it by this job"
    unit = 1 if sys.platform == "darwin" else 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return f"this machine has {_size(whole)}, this job used {_size(most)} at most"


def _size(count: int) -> str:
    return f"{count / GIBIBYTE:.1f} GiB"
