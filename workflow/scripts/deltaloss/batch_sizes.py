"""How many examples an evaluation takes at a time, found from memory and from what is fast."""

from __future__ import annotations

from pathlib import Path

import psutil
import torch

from deltaloss.batches import Batch
from deltaloss.errors import MemoryShortageError
from deltaloss.inference import PreparedNetwork, fast_batch_size
from deltaloss.jobs import logger
from deltaloss.network import RecallNetwork
from deltaloss.slots import Slots
from deltaloss.tasks import Task

MEGABYTE = 10**6
SHARE = 0.8  # of the memory that is free
STATES = 9  # of an example, held at the same time at the peak of a step (8.1 measured)
TRIED = 2  # examples in a trial on a GPU


def choose_batch_size(
    wanted: int | str,
    network: RecallNetwork,
    examples: Batch,
    *,
    task: Task,
    memory_mb: int | None = None,
) -> int:
    """Give the number of examples at a time.

    Args:
        wanted: a number, which is taken as it is, or "auto".
        network: on its device.
        examples: the test set.
        task: of the network.
        memory_mb: of a job on the CPU, how much it may use, in 10^6 bytes.

    Raises:
        MemoryShortageError: the memory that is free on the CPU does not hold one example.
    """
    if isinstance(wanted, int):
        return wanted
    device = next(network.parameters()).device
    numbers = network.width * examples.targets[0].numel()
    if device.type == "cuda":
        need, free = _tried_bytes(network, examples, task), torch.cuda.mem_get_info(device)[0]
    else:
        need, free = STATES * 4 * numbers, free_bytes(memory_mb)
        if need > free:
            raise MemoryShortageError(
                f"{task.name}: one example at a time needs about {need / MEGABYTE:.0f} MB, and "
                f"{free / MEGABYTE:.0f} MB are free; give the job more memory (mem_mb), or write "
                f"tasks.{task.name}.evaluation.batch_size: 1 to try it all the same"
            )
    fast = fast_batch_size(network, examples.targets[0].numel())
    size = max(1, min(len(examples), fast, int(SHARE * free) // need))
    logger.info("%d examples at a time", size)
    return size


def _tried_bytes(network: RecallNetwork, examples: Batch, task: Task) -> int:
    """Measure what an example needs on a GPU in two steps of a few examples."""
    device = next(network.parameters()).device
    chosen = [index % len(examples) for index in range(TRIED)]
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    with torch.inference_mode():
        Slots(PreparedNetwork(network), task, examples, chosen, {}).run(2)
    peak = torch.cuda.max_memory_allocated(device)
    torch.cuda.empty_cache()
    return max(1, (peak - before) // TRIED)


def free_bytes(memory_mb: int | None, groups: Path = Path("/sys/fs/cgroup")) -> int:
    """Give the memory that this process may still take: of the machine, its groups, and the job."""
    free: int = min([psutil.virtual_memory().available, *_group_bytes(groups)])
    if memory_mb is not None:
        free = min(free, memory_mb * MEGABYTE - psutil.Process().memory_info().rss)
    return max(0, free)


def _group_bytes(groups: Path) -> list[int]:
    """Read what each control group (version 2) around this process leaves; none elsewhere."""
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
        # What is only cached of files can be taken.
        cached = sum(int(line.split()[1]) for line in lines if line.startswith("inactive_file "))
        if limit.isdecimal():
            left.append(int(limit) - used + cached)
    return left
