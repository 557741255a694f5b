"""Measure the engine against the published description: ``python -m benchmarks.compare``.

Speed is measured in one process, in turn, so that a change of the machine's speed affects all
contestants; memory of a CPU in a fresh process each. Results are written after each row.
"""

from __future__ import annotations

import argparse
import multiprocessing
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import torch

from benchmarks import ROOT
from benchmarks.contestants import Engine, Job, Published, contestants
from benchmarks.workloads import Workload, load_workloads
from deltaloss.core.files import write_json, write_text
from deltaloss.core.machine import processor
from deltaloss.core.runs import parse_run
from deltaloss.core.source import describe_source
from deltaloss.runtime.devices import describe_machine, synchronise

RUNS = ("delta", "progressive-0", "progressive-0.5")
REPEATS = 3
STARTUPS = {
    "import torch": "import torch",
    "imports of a training": "import sys; sys.path.insert(0, 'workflow/scripts'); import "
    "deltaloss.training.loop, deltaloss.runtime.callbacks, deltaloss.data.store",
    "imports of a table": "import sys; sys.path.insert(0, 'workflow/scripts'); import "
    "deltaloss.evidence.tables",
}

Json = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure everything asked for and write it."""
    chosen = _parse(arguments)
    device = torch.device(chosen.device)
    torch.set_num_threads(chosen.threads)
    results: Json = {
        "machine": describe_machine(device),
        "processor": processor(),
        "source": describe_source(),
        "repeats": chosen.repeats,
        "rows": [],
        "startup": {},
    }
    for workload in load_workloads(chosen.device, tiny=chosen.tiny):
        if chosen.only and workload.name not in chosen.only:
            continue
        for run in (*RUNS, None):
            results["rows"].append(_measure(workload, run, device, chosen.repeats))
            _write(chosen.output, results)
            print(_line(results["rows"][-1]), flush=True)
    results["startup"] = _measure_startup(chosen.repeats)
    if chosen.quick_run:
        results["quick_run_seconds"] = _time_quick_run()
    _write(chosen.output, results)


def _measure(workload: Workload, run: str | None, device: torch.device, repeats: int) -> Json:
    """Measure one loss, or the evaluation, by all contestants."""
    job = Job(
        workload=workload,
        device=device,
        run=None if run is None else parse_run(run),
        batches=_batches(workload, run),
    )
    entered = contestants(device.type)
    works = {name: one.prepare(job) for name, one in entered.items()}
    for work in works.values():
        work()
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(repeats):
        for name, work in works.items():
            synchronise(device)
            started = time.perf_counter()
            work()
            synchronise(device)
            seconds[name].append((time.perf_counter() - started) / job.batches)
    memory = {name: _peak_bytes(one, job) for name, one in entered.items()}
    return {"workload": workload.name, "run": run, "seconds": seconds, "peak_bytes": memory}


def _batches(workload: Workload, run: str | None) -> int:
    """Training batches per call: many small ones, or a few large ones whose n and k differ."""
    if run is None:
        return 1
    if workload.name.startswith("quick"):
        return 8
    return 3 if run == "progressive-0.5" else 1


def _peak_bytes(contestant: Published | Engine, job: Job) -> int:
    """Bytes that a call needs beside weights and data: of the GPU, or of a fresh process."""
    if job.device.type == "cuda":
        return _gpu_peak(contestant, job)
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=fresh) as process:
        return process.submit(_cpu_peak, contestant, job, torch.get_num_threads()).result()


def _gpu_peak(contestant: Published | Engine, job: Job) -> int:
    work = contestant.prepare(job)
    work()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    work()
    return torch.cuda.max_memory_allocated() - before


def _cpu_peak(contestant: Published | Engine, job: Job, threads: int) -> int:
    """Growth of the resident memory of this process (Linux)."""
    torch.set_num_threads(threads)
    work = contestant.prepare(job)
    before = _status("VmRSS")
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forgets the peak so far
    work()
    return _status("VmHWM") - before


def _status(key: str) -> int:
    """Bytes in one line of this process's status."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    (kibibytes,) = (line.split()[1] for line in lines if line.startswith(f"{key}:"))
    return int(kibibytes) * 1024


def _measure_startup(repeats: int) -> dict[str, list[float]]:
    """Seconds of starting Python with the imports of a job, and of a dry run."""
    commands = {name: [sys.executable, "-c", code] for name, code in STARTUPS.items()}
    quick = "workflow/presets/quick.yaml"
    snakemake = [sys.executable, "-m", "snakemake", "-n", "--cores", "1", "--configfile", quick]
    return {
        name: [_time(command) for _ in range(repeats)]
        for name, command in {**commands, "dry run of the quick preset": snakemake}.items()
    }


def _time(command: Sequence[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=600)
    return time.perf_counter() - started


def _time_quick_run() -> float:
    """Seconds of the whole quick run, in a folder of its own."""
    with TemporaryDirectory() as folder:
        quick = str(ROOT / "workflow" / "presets" / "quick.yaml")
        command = [sys.executable, "-m", "snakemake", "--cores", "all", "--snakefile"]
        command += [str(ROOT / "Snakefile"), "--directory", folder, "--configfile", quick]
        started = time.perf_counter()
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=7200)
        return time.perf_counter() - started


def _line(row: Mapping[str, Any]) -> str:
    base = row["seconds"]["published"]
    ratios = ", ".join(
        f"{name} {median(base) / median(each):.2f}"
        for name, each in row["seconds"].items()
        if name != "published"
    )
    return f"{row['workload']}, {row['run'] or 'evaluation'}: times faster: {ratios}"


def _write(path: Path, results: Json) -> None:
    write_json(path.with_suffix(".json"), results)
    write_text(path.with_suffix(".md"), _report(results))


def _report(results: Json) -> str:
    """Format the results as Markdown."""
    names = [name for name in results["rows"][0]["seconds"] if name != "published"]
    lines = [
        "# The engine against the published description",
        "",
        f"Measured on {results['processor']}, {results['machine']['device']}, "
        f"{results['machine']['threads']} threads, PyTorch {results['machine']['torch']}, commit "
        f"{(results['source']['commit'] or 'unknown')[:10]}; medians of {results['repeats']} calls "
        "in turn. Faster: seconds of the published description by seconds of the engine; in "
        "parentheses, of the fastest calls. Memory: beside weights and data.",
        "",
        "| workload | what | published, s | "
        + " | ".join(f"{n}, times faster" for n in names)
        + " | memory, MB: published | "
        + " | ".join(names)
        + " |",
        "| --- | --- |" + " ---: |" * (2 * len(names) + 2),
    ]
    for row in results["rows"]:
        base, memory = row["seconds"]["published"], row["peak_bytes"]
        cells = [row["workload"], row["run"] or "evaluation", f"{median(base):.3f}"]
        for name in names:
            own = row["seconds"][name]
            cells.append(f"{median(base) / median(own):.2f} ({min(base) / min(own):.2f})")
        cells += [f"{memory[name] / 1e6:.0f}" for name in ("published", *names)]
        lines.append("| " + " | ".join(cells) + " |")
    if results["startup"]:
        lines += ["", "| startup | seconds |", "| --- | ---: |"]
        lines += [f"| {name} | {median(s):.2f} |" for name, s in results["startup"].items()]
    if "quick_run_seconds" in results:
        lines += ["", f"The whole quick run took {results['quick_run_seconds']:.0f} s."]
    return "\n".join(lines) + "\n"


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__)
    present = "cuda" if torch.cuda.is_available() else "cpu"
    parser.add_argument("--device", choices=["cpu", "cuda"], default=present)
    parser.add_argument("--repeats", type=int, default=REPEATS, help="timed calls of each")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="of the CPU")
    parser.add_argument(
        "--only", nargs="+", help="workloads such as 'paper chess'; all if left out"
    )
    parser.add_argument("--quick-run", action="store_true", help="time the whole quick run too")
    parser.add_argument("--tiny", action="store_true", help="sizes that say nothing about speed")
    parser.add_argument("--output", type=Path, help="without suffix")
    chosen = parser.parse_args(arguments)
    chosen.output = chosen.output or Path("results/benchmark") / chosen.device
    return chosen


if __name__ == "__main__":
    main()
