"""The paper at its own scale, in calls of limited time: each call goes on where the last one ended.

In order: agreement with the recorded numbers, the benchmark puzzle by puzzle, then the paper's
experiments through Snakemake. All is kept in one folder, the state; a finished stage is not
repeated. Exits with 0 when all is done, 3 when there is more to do, 1 when a stage failed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml

from benchmarks import ROOT
from benchmarks.deadline import TimeIsUpError, run_until
from benchmarks.state import pack, publish, unpack
from benchmarks.workloads import TASKS
from deltaloss.files import write_json

PACK_SECONDS = 10.0
MOST_ATTEMPTS = 2  # of a stage that cannot go on where it was, only begin again
MORE_TO_DO = 3
EXPERIMENTS = ("prefix_sums", "mazes")


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One part of the work.

    Attributes:
        name: as the state knows it.
        commands: to be run in turn, from the project's folder.
        resumes: whether it goes on where it was when it is begun again.
    """

    name: str
    commands: tuple[tuple[str, ...], ...]
    resumes: bool = False


def main(arguments: Sequence[str] | None = None) -> int:
    """Do as many stages as the time allows, and tell what is done."""
    chosen = _parse(arguments)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    deadline = (chosen.started or time.time()) + chosen.seconds - PACK_SECONDS
    state: Path = chosen.state.resolve()
    print(_device_line(chosen.device), flush=True)
    if chosen.unpack and not (state / "stages.json").exists():
        unpack(chosen.unpack, state)
    stages = [stage for stage in all_stages(chosen, state) if stage.name in chosen.stages]
    try:
        _do(stages, state, deadline)
    finally:
        _leave(state, _experiment(chosen.preset))
    return _summary(stages, state)


def all_stages(chosen: argparse.Namespace, state: Path) -> Iterator[Stage]:
    """Give all stages in their order."""
    python, device = sys.executable, ("--device", chosen.device)
    measured = state / "results" / "benchmark"
    yield Stage(
        name="parity",
        commands=(
            (python, "-m", "benchmarks.parity", *device, "--output", f"{measured}/parity.json"),
        ),
    )
    quick = ("--quick", "--losses", "delta") if chosen.preset == "tiny" else ()
    for task in TASKS:
        options = ("--tasks", task, "--output", f"{measured}/{task}", *device, *quick)
        yield Stage(
            name=f"benchmark-{task}",
            commands=((python, "-m", "benchmarks.compare", *options),),
        )
    parts = tuple(f"{measured}/{task}.json" for task in TASKS)
    yield Stage(
        name="benchmark",
        commands=((python, "-m", "benchmarks.report", f"{measured}/benchmark", *parts),),
    )
    for task in EXPERIMENTS:
        yield Stage(name=task, commands=_snakemake(task, chosen, state), resumes=True)


def _snakemake(task: str, chosen: argparse.Namespace, state: Path) -> tuple[tuple[str, ...], ...]:
    """Give the commands of one puzzle: first forget the lock of a call that was stopped."""
    cores = str(chosen.cores)
    command = (sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"))
    where = ("--directory", str(state), "--cores", cores, "--resources", "gpu=1")
    # The greedy scheduler needs no solver to be carried.
    given = (*command, *where, "--scheduler", "greedy")
    # Targets come before --configfile, which takes all words behind it.
    config = ("--config", f"device={chosen.device}", "--configfile", str(_preset(chosen.preset)))
    return (*given, "--unlock", *config), (*given, task, *config)


def _do(stages: Sequence[Stage], state: Path, deadline: float) -> None:
    for stage in stages:
        known = _load(state)
        entry = known.setdefault(stage.name, {"attempts": 0, "seconds": 0.0, "state": "begun"})
        if entry["state"] in ("done", "given up"):
            continue
        if not stage.resumes and entry["attempts"] >= MOST_ATTEMPTS:
            entry["state"] = "given up"
            write_json(state / "stages.json", known)
            continue
        entry["attempts"] += 1
        write_json(state / "stages.json", known)
        started = time.time()
        try:
            entry["state"] = _run(stage, state, deadline)
        except TimeIsUpError:
            return
        finally:
            entry["seconds"] = round(entry["seconds"] + time.time() - started, 1)
            write_json(state / "stages.json", known)


def _run(stage: Stage, state: Path, deadline: float) -> str:
    log = state / "logs" / f"{stage.name}.log"
    failed = any(run_until(deadline, command, log=log) for command in stage.commands)
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    print(f"-- {stage.name}: {'FAILED' if failed else 'done'}", *lines[-25:], sep="\n", flush=True)
    return "failed" if failed else "done"


def _leave(state: Path, experiment: str) -> None:
    """Copy what is to be published, and pack all of it if there is somewhere to put it."""
    results = state / "results"
    copied = publish(results, experiment)
    print(f"{copied} small files of {experiment} are in {results / 'published'}")
    benchmark = results / "benchmark" / "benchmark.json"
    if benchmark.exists():
        machine = json.loads(benchmark.read_text(encoding="utf-8"))["machine"]["device"]
        name = "".join(letter if letter.isalnum() else "-" for letter in machine).strip("-")
        target = results / "published" / "benchmark"
        target.mkdir(parents=True, exist_ok=True)
        for suffix in (".json", ".md"):
            shutil.copyfile(benchmark.with_suffix(suffix), target / f"{name.lower()}{suffix}")
    if "OUT" in os.environ and not pack(state, Path(os.environ["OUT"])):
        print(f"the state is too large to be packed; it is whole in {state} only")


def _summary(stages: Sequence[Stage], state: Path) -> int:
    known = _load(state)
    states = [known.get(stage.name, {"state": "not begun", "seconds": 0}) for stage in stages]
    for stage, entry in zip(stages, states, strict=True):
        print(f"{stage.name:24} {entry['state']:10} {entry['seconds']:7.0f} s")
    found = {entry["state"] for entry in states}
    if found & {"begun", "not begun"}:
        print("there is more to do: run the same command again")
        return MORE_TO_DO
    return 1 if found & {"failed", "given up"} else 0


def _load(state: Path) -> dict[str, Any]:
    path = state / "stages.json"
    known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return known


def _device_line(device: str) -> str:
    if device == "cpu":
        return f"cpu, {os.cpu_count()} cores; torch {torch.__version__}"
    found = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
    names = ", ".join(f"{one.name} ({one.total_memory / 2**30:.0f} GiB)" for one in found)
    return f"{names or 'no GPU'}; torch {torch.__version__}"


def _preset(name: str) -> Path:
    return ROOT / "workflow" / "presets" / f"{name}.yaml"


def _experiment(preset: str) -> str:
    return str(yaml.safe_load(_preset(preset).read_text(encoding="utf-8"))["experiment"])


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks/on_gpu.sh", description=__doc__)
    names = ["parity", *(f"benchmark-{task}" for task in TASKS), "benchmark", *EXPERIMENTS]
    add = parser.add_argument
    add("--device", choices=["cuda", "cpu"], default="cuda")
    add("--preset", choices=["gpu", "tiny"], default="gpu", help="of workflow/presets/")
    add("--seconds", type=float, default=570, help="what a call may take, all in all")
    add("--started", type=float, help="when the call began, in seconds since 1970")
    add("--state", type=Path, default=Path("gpu-state"), help="folder that calls go on from")
    add("--unpack", type=Path, help="folder with the parts of a state, if there is none here")
    add("--cores", type=int, default=os.cpu_count())
    add("--stages", nargs="+", choices=names, default=names)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
