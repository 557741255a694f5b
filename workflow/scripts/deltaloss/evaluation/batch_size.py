"""Examples per batch of an evaluation, found from memory and from the speed of caches."""

from __future__ import annotations

import math
from collections import deque
from pathlib import Path

import psutil
import torch
from torch import nn

from deltaloss.core.errors import MemoryShortageError
from deltaloss.core.log import logger
from deltaloss.evaluation.batches import Batch
from deltaloss.model.network import RecallNetwork
from deltaloss.puzzles.base import Task

MEGABYTE = 10**6
FREE_SHARE = 0.8  # of the free memory is used
TRIAL_EXAMPLES = 2  # in a trial on a GPU

# States of so many numbers keep a GPU busy for milliseconds per kernel; more are no faster and lose
# more when the job is stopped. From 2^31 numbers on other kernels run.
GPU_NUMBERS = 2**26

# On a CPU a batch whose states fit the caches is fastest, but no smaller than a part of the
# weights, which every batch reads again. On an AMD EPYC, 1 and 2 MiB per thread were 4 to 8 %
# faster than 512 KiB and up to 9 % faster than 4 MiB.
CPU_STATE_BYTES = 2**21
CPU_WEIGHT_SHARE = 4

ALONE_FROM = 20480  # numbers in the input of a convolution, from which oneDNN computes one example


def choose_batch_size(
    wanted: int | str,
    network: RecallNetwork,
    examples: Batch,
    *,
    task: Task,
    memory_mb: int | None = None,
) -> int:
    """Choose the number of examples per batch.

    Args:
        wanted: a number, which is returned as it is, or "auto".
        network: on its device.
        examples: the test set.
        task: encodes the puzzles.
        memory_mb: memory limit of a job on the CPU, in 10^6 bytes.

    Raises:
        MemoryShortageError: the free memory on the CPU does not hold one example.
    """
    if isinstance(wanted, int):
        return wanted
    device = network.recall.weight.device
    pixels = examples.targets[0].numel()
    if device.type == "cuda":
        need, free = _trial_bytes(network, examples, task), torch.cuda.mem_get_info(device)[0]
    else:
        need, free = network.peak_states * 4 * network.width * pixels, free_bytes(memory_mb)
        if need > free:
            raise MemoryShortageError(
                f"one example at a time needs about {need / MEGABYTE:.0f} MB, and "
                f"{free / MEGABYTE:.0f} MB are free; give the job more memory (mem_mb), or set "
                "evaluation.batch_size: 1 for this puzzle to try it all the same"
            )
    fast = fast_batch_size(network, pixels)
    most = max(1, min(len(examples), fast, int(FREE_SHARE * free) // need))
    size = math.ceil(len(examples) / math.ceil(len(examples) / most))  # all batches alike
    logger.info("%d examples at a time", size)
    return size


def fast_batch_size(network: RecallNetwork, pixels: int) -> int:
    """Examples per batch, of `pixels` each, beyond which an evaluation gets no faster."""
    numbers = network.width * pixels
    if network.recall.weight.is_cuda:
        return max(1, GPU_NUMBERS // numbers)
    weights = sum(p.nbytes for p in network.recurrent_parameters())
    cached = max(CPU_STATE_BYTES * torch.get_num_threads(), weights // CPU_WEIGHT_SHARE)
    return max(1, cached // (4 * numbers))


def padded(batch: Batch, network: RecallNetwork) -> Batch:
    """Double a batch of one small example, so that the CPU computes it as in any other batch.

    For such a batch PyTorch leaves oneDNN for a convolution of its own, which sums in another
    order (`use_mkldnn` in aten/src/ATen/native/Convolution.cpp).
    """
    channels = min(m.in_channels for m in network.modules() if isinstance(m, nn.Conv2d))
    if len(batch) > 1 or batch.targets[0].numel() * channels > ALONE_FROM:
        return batch
    return batch.take(torch.zeros(2, dtype=torch.int64, device=batch.inputs.device))


def _trial_bytes(network: RecallNetwork, examples: Batch, task: Task) -> int:
    """Measure the memory per example on a GPU, in two steps of a few examples."""
    device = network.recall.weight.device
    indices = torch.arange(TRIAL_EXAMPLES) % len(examples)
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    with torch.inference_mode():
        x = task.encode(examples.take(indices).inputs.to(device))
        deque((network.readout(state) for state in network.unroll(x, 2)), maxlen=0)
    peak = torch.cuda.max_memory_allocated(device)
    torch.cuda.empty_cache()
    return max(1, (peak - before) // TRIAL_EXAMPLES)


def free_bytes(memory_mb: int | None, groups: Path = Path("/sys/fs/cgroup")) -> int:
    """Memory that this process may still take: of the machine, its control groups, and the job."""
    free: int = min([psutil.virtual_memory().available, *_group_bytes(groups)])
    if memory_mb is not None:
        free = min(free, memory_mb * MEGABYTE - psutil.Process().memory_info().rss)
    return max(0, free)


def _group_bytes(groups: Path) -> list[int]:
    """Memory left in each control group (version 2) around this process; none elsewhere."""
    try:
        own = Path("/proc/self/cgroup").read_text(encoding="utf-8")
    except OSError:
        return []
    path = next((line[3:] for line in own.splitlines() if line.startswith("0::")), "/")
    folder = groups / path.strip("/")
    left = []
    for group in [folder, *folder.parents]:
        try:
            limit = (group / "memory.max").read_text(encoding="utf-8").strip()
            used = int((group / "memory.current").read_text(encoding="utf-8"))
            lines = (group / "memory.stat").read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError):
            continue
        # Memory that only caches files can be taken.
        cached = sum(int(line.split()[1]) for line in lines if line.startswith("inactive_file "))
        if limit.isdecimal():
            left.append(int(limit) - used + cached)
    return left
