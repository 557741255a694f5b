"""Run the benchmark: the engine against the plain implementation, in one process, in turn.

Speed is measured in this process, memory of a CPU in a process for each contestant. The files are
written again after each cell, so that what was measured is there even if time runs out.
"""

from __future__ import annotations

import argparse
import multiprocessing
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch

from benchmarks.engine import variants
from benchmarks.jobs import Contestant, EvaluationJob, TrainingJob, Work
from benchmarks.measure import Memory, cpu_memory, gpu_memory, in_turn, matrix_rates
from benchmarks.report import write_results
from benchmarks.surroundings import describe
from benchmarks.workloads import (
    RUNS,
    SEED,
    TASKS,
    Workload,
    load_workload,
    named_runs,
    operations,
    random_examples,
)
from deltaloss.core.runs import Run
from deltaloss.core.seeds import derive_seed
from deltaloss.losses import make_loss

REPEATS = 3
SECONDS_A_REPEAT = 0.5  # on a GPU a repeat has as many batches as take about this long
MOST_BATCHES = 10

Json = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what was asked for and write it."""
    chosen = _parse(arguments)
    device = torch.device(chosen.device)
    torch.set_num_threads(chosen.threads or torch.get_num_threads())
    offered, lacking = variants(device.type)
    contestants = [one for one in offered if one.name in (chosen.variants or [one.name])]
    results: Json = {
        **describe(device),
        "settings": {key: value for key, value in vars(chosen).items() if key != "output"},
        "left_out": lacking,
        "matrix_operations_per_second": matrix_rates(device),
        "training": [],
        "evaluation": [],
    }
    for task in chosen.tasks:
        workload = load_workload(task, device=device.type, quick=chosen.quick, batch=chosen.batch)
        for run in (named_runs()[name] for name in chosen.losses):
            cell = measure_training(
                workload, run, contestants, repeats=chosen.repeats, device=device
            )
            results["training"].append(cell)
            _tell(write_results(chosen.output, results), cell)
        evaluating = [one for one in contestants if one.evaluates]
        cell = measure_evaluation(workload, evaluating, repeats=chosen.repeats, device=device)
        results["evaluation"].append(cell)
        _tell(write_results(chosen.output, results), cell)


def measure_training(
    workload: Workload,
    run: Run,
    contestants: Sequence[Contestant],
    *,
    repeats: int,
    device: torch.device,
) -> Json:
    """Measure one loss on one puzzle: seconds a batch of each repeat, and bytes."""
    one = _training_job(workload, run, 1, device)
    memory = {c.name: measure_memory(partial(c.training, one), device) for c in contestants}
    batches = 1 if device.type == "cpu" else _batches(contestants[-1].training(one), device)
    job = _training_job(workload, run, batches, device)
    works = {c.name: c.training(job) for c in contestants}
    seconds = in_turn(works, repeats=repeats, device=device)
    size = workload.batch[run.loss]
    needed = size * operations(
        workload, workload.train_shape, steps=workload.train_steps, readouts=1
    )
    measured: Json = {}
    for contestant in contestants:
        each = [value / batches for value in seconds[contestant.name]]
        measured[contestant.name] = {
            "precision": contestant.precision,
            "seconds_per_batch": each,
            "operations_per_second": 3 * needed / median(each) if each else None,
            "memory": _bytes(memory[contestant.name]),
        }
    return {
        "task": workload.task.name,
        "run": run.name,
        "batch": size,
        "batches_per_repeat": batches,
        "steps": workload.train_steps,
        "operations_per_batch": 3 * needed,
        "draws": job.draws,
        "variants": measured,
    }


def _batches(work: Work, device: torch.device) -> int:
    """Give how many batches make a repeat of `SECONDS_A_REPEAT`, of a work of one batch."""
    seconds = in_turn({"one": work}, repeats=1, device=device)["one"]
    return max(1, min(MOST_BATCHES, int(SECONDS_A_REPEAT / seconds[0]))) if seconds else 1


def measure_evaluation(
    workload: Workload,
    contestants: Sequence[Contestant],
    *,
    repeats: int,
    device: torch.device,
) -> Json:
    """Measure the evaluation of one puzzle: examples times steps a second, bytes at T and 2T."""
    job = _evaluation_job(workload, workload.test_steps, device)
    longer = _evaluation_job(workload, 2 * workload.test_steps, device)
    memory = {
        c.name: [measure_memory(partial(c.evaluation, one), device) for one in (job, longer)]
        for c in contestants
    }
    works = {c.name: c.evaluation(job) for c in contestants}
    seconds = in_turn(works, repeats=repeats, device=device)
    steps = len(job.examples) * job.steps
    needed = len(job.examples) * operations(
        workload, workload.test_shape, steps=job.steps, readouts=job.steps
    )
    measured: Json = {}
    for contestant in contestants:
        each = seconds[contestant.name]
        measured[contestant.name] = {
            "precision": contestant.precision,
            "seconds": each,
            "example_steps_per_second": steps / median(each) if each else None,
            "operations_per_second": needed / median(each) if each else None,
            "memory": _bytes(memory[contestant.name][0]),
            "memory_at_twice_the_steps": _bytes(memory[contestant.name][1]),
        }
    return {
        "task": workload.task.name,
        "examples": len(job.examples),
        "steps": job.steps,
        "shape": list(workload.test_shape),
        "weights": "untrained, scaled so that states neither settle nor overflow",
        "variants": measured,
    }


def measure_memory(make: Callable[[], Work], device: torch.device) -> Memory | None:
    """Measure a work's memory; on a CPU in a fresh process, whose peak is then its own."""
    if device.type == "cuda":
        return gpu_memory(make)
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=fresh) as process:
        return process.submit(_cpu_memory, make, torch.get_num_threads()).result()


def _cpu_memory(make: Callable[[], Work], threads: int) -> Memory:
    torch.set_num_threads(threads)
    return cpu_memory(make)


def _training_job(workload: Workload, run: Run, batches: int, device: torch.device) -> TrainingJob:
    """Make an epoch of that many batches; n and k come from one stream, for all contestants."""
    loss = make_loss(run.loss, steps=workload.train_steps, alpha=run.alpha)
    stream = torch.Generator().manual_seed(derive_seed(SEED, "benchmark", "loss"))
    return TrainingJob(
        workload=workload,
        run=run,
        examples=random_examples(
            workload.task, workload.train_shape, batches * workload.batch[run.loss]
        ),
        draws=[loss.draw(stream) for _ in range(batches)],
        device=device,
    )


def _evaluation_job(workload: Workload, steps: int, device: torch.device) -> EvaluationJob:
    examples = random_examples(workload.task, workload.test_shape, workload.test_examples)
    return EvaluationJob(workload=workload, examples=examples, steps=steps, device=device)


def _bytes(memory: Memory | None) -> dict[str, int] | None:
    if memory is None:
        return None
    return {"held": memory.held, "peak": memory.peak, "working": memory.working}


def _tell(path: Path, cell: Mapping[str, Any]) -> None:
    print(f"{path}: {cell['task']}, {cell.get('run', 'evaluation')}", flush=True)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__)
    there = "cuda" if torch.cuda.is_available() else "cpu"
    add = parser.add_argument
    add("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    add("--losses", nargs="+", choices=RUNS, default=list(RUNS))
    add("--variants", nargs="+", metavar="NAME", help="of the engine's file; plain is needed")
    add("--device", choices=["cpu", "cuda"], default=there)
    add("--batch", type=int, help="examples of a training batch, in place of the default")
    add("--repeats", type=int, help="timed calls of each contestant")
    add("--threads", type=int, help="of the CPU")
    add("--quick", action="store_true", help="seconds, at sizes that say nothing about speed")
    add("--output", type=Path, default=Path("results/benchmark/benchmark"), help="without suffix")
    chosen = parser.parse_args(arguments)
    known = [one.name for one in variants(chosen.device)[0]]
    for name in chosen.variants or ():
        if name not in known:
            parser.error(f"--variants {name!r}: there are {', '.join(map(repr, known))}")
    if chosen.variants and "plain" not in chosen.variants:
        chosen.variants.insert(0, "plain")
    chosen.repeats = chosen.repeats or REPEATS
    return chosen


if __name__ == "__main__":
    main()
