"""Copies of the project in which commands are run, and the plans of Snakemake in them."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest
import torch
import yaml
from filelock import FileLock
from safetensors.torch import load_file

from tests.forks import run_snakemake

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("CITATION.cff", "LICENSE", "Snakefile", "config.yaml", "envs", "profiles", "workflow")
CACHES = shutil.ignore_patterns(".*_cache")
TINY = "workflow/presets/tiny.yaml"
TASKS = ("chess", "mazes", "prefix_sums")
DELTA = {"tasks": {task: {"runs": ["delta"], "plotted": ["delta"]} for task in TASKS}}
DEADLINE_SECONDS = 900.0  # of every command; a tiny run takes 80 seconds of one core
TAIL_CHARACTERS = 5000

_JOB = re.compile(r"^(?:local)?rule (\w+):\n((?:    .*\n)+)", re.MULTILINE)


@dataclass(frozen=True)
class Job:
    """A job in a dry run: its rule, its first output, and the text that Snakemake prints of it."""

    rule: str
    output: str
    text: str


@dataclass(frozen=True)
class Plan:
    """All jobs of a dry run that make something."""

    jobs: tuple[Job, ...]

    @property
    def rules(self) -> Counter[str]:
        return Counter(job.rule for job in self.jobs)

    @property
    def outputs(self) -> set[str]:
        return {job.output for job in self.jobs}

    def of(self, rule: str) -> list[str]:
        """First outputs of the jobs of a rule, without the experiment's folder and the suffix."""
        outputs = [job.output for job in self.jobs if job.rule == rule]
        return sorted(
            re.sub(r"^results/[^/]+/(?:models/|evaluations/)?|\.\w+$", "", o) for o in outputs
        )


@dataclass(frozen=True)
class Project:
    """A copy of the project in a folder of its own."""

    folder: Path

    def start(
        self, *arguments: str, preset: str | None = TINY, settings: dict[str, Any] | None = None
    ) -> subprocess.Popen[str]:
        """Start Snakemake as a user would, with `settings` in a file laid over the preset."""
        given = self.command(*arguments, preset=preset, settings=settings)
        return start([sys.executable, "-m", "snakemake", *given], self.folder)

    def command(
        self, *arguments: str, preset: str | None = TINY, settings: dict[str, Any] | None = None
    ) -> list[str]:
        """Return the arguments of a call; writes the file of the settings."""
        configs = [preset] if preset else []
        if settings:
            (self.folder / "settings.yaml").write_text(yaml.safe_dump(settings))
            configs.append("settings.yaml")
        overlay = ["--configfile", *configs] if configs else []
        return ["--cores", "2", *arguments, *overlay]

    def snakemake(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run Snakemake to its end, faster than `start` (tests/forks.py)."""
        return run_snakemake(self.command(*arguments, **options), self.folder, DEADLINE_SECONDS)

    def make(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run Snakemake successfully."""
        return check(self.snakemake(*arguments, **options))

    def dry_run(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a dry run of Snakemake to its end."""
        given = self.command("--dry-run", *arguments, **options)
        return run_snakemake(given, self.folder, DEADLINE_SECONDS)

    def plan(self, *arguments: str, **options: Any) -> Plan:
        """Plan the jobs of a command by a dry run; the reasons are shown if the test fails."""
        done = check(self.dry_run(*arguments, **options))
        jobs = {}
        for rule, lines in _JOB.findall(done.stdout + done.stderr):
            output = re.search(r"^    output: ([^,\s]+)", lines, re.MULTILINE)
            if output:
                jobs[output[1]] = Job(rule, output[1], lines)
        for output in sorted(jobs):
            reason = re.search(r"^    reason: (.*)", jobs[output].text, re.MULTILINE)
            print(f"{jobs[output].rule} {output}: {reason and reason[1][:200]}")
        return Plan(tuple(jobs[output] for output in sorted(jobs)))

    def edit(self, path: str, old: str, new: str) -> None:
        """Change a file of the library."""
        file = self.folder / "workflow" / "scripts" / "deltaloss" / path
        text = file.read_text()
        assert text.count(old) >= 1, f"{path} has no {old!r}; the test must follow the code"
        file.write_text(text.replace(old, new))


def check(done: subprocess.CompletedProcess[str]) -> subprocess.CompletedProcess[str]:
    """Fail with the end of its output if a command has failed."""
    if done.returncode != 0:
        pytest.fail(f"{' '.join(map(str, done.args))} failed:\n{tail(done.stdout + done.stderr)}")
    return done


def start(command: Sequence[str], folder: Path) -> subprocess.Popen[str]:
    """Start a command in a session of its own, so that it can be killed with its children."""
    return subprocess.Popen(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run(
    command: Sequence[str], folder: Path, seconds: float = DEADLINE_SECONDS
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return finish(start(command, folder), seconds)


def finish(
    process: subprocess.Popen[str], seconds: float = DEADLINE_SECONDS
) -> subprocess.CompletedProcess[str]:
    """Wait for the end of a command; one that does not end is killed, and the test fails."""
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        kill(process, f"no end in {seconds:.0f} s")
    except BaseException:  # Ctrl-C reaches pytest only
        _kill_group(process)
        raise
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def kill(process: subprocess.Popen[str], reason: str) -> NoReturn:
    """Kill a command with its children, and fail with the end of its output."""
    _kill_group(process)
    out, err = process.communicate()
    pytest.fail(f"{reason}: {process.args}\n{tail(out + err)}")


def _kill_group(process: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def same_weights(first: Path, second: Path) -> bool:
    """Whether two files hold the same tensors; metadata stands in them in any order."""
    ours, theirs = load_file(first), load_file(second)
    return ours.keys() == theirs.keys() and all(torch.equal(ours[k], theirs[k]) for k in ours)


def tail(text: str) -> str:
    return text[-TAIL_CHARACTERS:]


def merge(base: Any, overlay: Any) -> Any:
    """Lay one config over another, as Snakemake does."""
    if isinstance(base, dict) and isinstance(overlay, dict):
        return {**base, **{key: merge(base.get(key), value) for key, value in overlay.items()}}
    return overlay


def copy_project(folder: Path) -> Project:
    """Copy what belongs to the workflow, nothing that it makes."""
    folder.mkdir(parents=True)
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, folder / part, ignore=CACHES)
        else:
            shutil.copy2(ROOT / part, folder / part)
    return Project(folder)


def make_repository(folder: Path) -> Path:
    """Copy what others deploy, and commit it."""
    repository = copy_project(folder).folder
    shutil.copytree(ROOT / "config", repository / "config", symlinks=True)
    for name in ("pyproject.toml", "README.md"):
        shutil.copy2(ROOT / name, repository)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c"]
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "a"]):
        check(run([*git, *command], repository))
    return repository


def install_library(repository: Path, folder: Path) -> None:
    """Install the library with pip into a folder."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    check(run([*pip, "--target", str(folder), "."], repository))


def share(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Make a folder once in a test session, and return it to all workers of xdist.

    Groups of xdist do not do that: with pytest 9.2 they are ignored (pytest-xdist issue 1386).
    """
    base = factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, made = base / name, base / f"{name}.made"
    with FileLock(base / f"{name}.lock", timeout=2 * DEADLINE_SECONDS):
        if not folder.exists():
            make(folder)
            made.touch()
    if not made.exists():
        pytest.fail(f"making {name} failed in an earlier test")
    return folder
