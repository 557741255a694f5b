"""The workflow on a SLURM cluster of one node, with a pretended GPU; needs root and slurm-wlm."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .projects import DELTA, ROOT, TASKS, Project, copy_project, finish, kill, same_weights

pytestmark = pytest.mark.system

CLUSTER = ROOT / "tests" / "slurm" / "cluster.sh"
SLURM = [
    *("--profile", "profiles/slurm"),
    *("--slurm-status-command", "squeue"),  # it keeps no accounts, which sacct reads
    *("--slurm-init-seconds-before-status-checks", "2", "--latency-wait", "5"),
    *("--seconds-between-status-checks", "1"),
]
MODEL = "results/tiny/models/prefix_sums/delta/seed42.safetensors"
LOG = "results/tiny/logs/train/prefix_sums/delta/seed42.log"
CHECKPOINTS = "results/tiny/checkpoints/prefix_sums/delta/seed42"
LONG = {"training": {"tiny": {"epochs": 600}}}  # so that it can be disturbed three times
ON_GPU = {"device": "auto"}  # rules ask for a GPU, and find none, for it is pretended
WAIT_SECONDS = 300.0


@pytest.fixture(scope="module", autouse=True)
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    if os.getuid() != 0 or not shutil.which("slurmctld"):
        pytest.skip("needs root and Debian's slurm-wlm")
    folder = tmp_path_factory.mktemp("slurm")
    subprocess.run([CLUSTER, "start", folder], check=True)
    yield
    subprocess.run([CLUSTER, "stop", folder], check=True)


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """End what a test leaves behind."""
    yield
    for runner in _begun:
        if runner.poll() is None:
            os.killpg(runner.pid, signal.SIGKILL)
            runner.communicate()
    _begun.clear()
    slurm("scancel", "--user=root")


_begun: list[subprocess.Popen[str]] = []


def begin(project: Project, *arguments: str, **options: Any) -> subprocess.Popen[str]:
    """Start Snakemake; it ends with the test, whatever becomes of that."""
    _begun.append(project.start(*arguments, **options))
    return _begun[-1]


def slurm(*command: str) -> str:
    return subprocess.run(command, check=True, text=True, capture_output=True).stdout


def wait_for(condition: Callable[[], object], runner: subprocess.Popen[str], what: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        if runner.poll() is not None or time.monotonic() > deadline:
            kill(runner, f"never: {what}")
        time.sleep(0.2)


def running() -> list[str]:
    return slurm("squeue", "--noheader", "--states=RUNNING", "--format=%i").split()


def test_the_experiment_is_what_it_is_without_a_cluster(tiny_run, project):
    done = project.make(*SLURM, settings={**ON_GPU, **DELTA})
    assert done.stderr.count("has been submitted with SLURM jobid") > 15
    for task in TASKS:
        weights = f"results/tiny/models/{task}/delta/seed42.safetensors"
        assert same_weights(project.folder / weights, tiny_run.folder / weights), task
        curve = f"results/tiny/evaluations/{task}/delta/seed42.csv"
        ours, other = ((one.folder / curve).read_bytes() for one in (project, tiny_run))
        assert ours == other, task


def test_a_job_asks_for_its_gpu_time_and_memory(tmp_path):
    project = copy_project(tmp_path / "project")
    runner = begin(project, *SLURM, MODEL, settings={**ON_GPU, **LONG})
    checkpoints = project.folder / CHECKPOINTS
    wait_for(lambda: running() and list(checkpoints.glob("epoch-*.state")), runner, "a checkpoint")
    (job,) = running()
    asked = slurm("scontrol", "show", "job", job)
    assert "TresPerJob=gres:gpu:1" in asked
    assert "TimeLimit=01:00:00" in asked
    assert re.search(r"MinMemoryNode=40\d\dM", asked), asked


def test_cancelled_out_of_time_and_on_a_lost_node_a_training_ends_as_if_undisturbed(tmp_path):
    disturbed, whole = (copy_project(tmp_path / name) for name in ("disturbed", "whole"))
    undisturbed = begin(whole, MODEL, settings=LONG)
    runner = begin(disturbed, *SLURM, "--retries", "5", MODEL, settings=LONG)

    def epochs() -> set[Path]:
        return set((disturbed.folder / CHECKPOINTS).glob("epoch-*.state"))

    for end in (cancel, run_out_of_time, lose_node):
        before = epochs()
        wait_for(lambda before=before: epochs() - before and running(), runner, "a checkpoint")
        end()
    done = finish(runner)
    assert done.returncode == 0, done.stderr[-3000:]
    assert finish(undisturbed).returncode == 0
    assert same_weights(disturbed.folder / MODEL, whole.folder / MODEL)
    assert "resuming at epoch" in (disturbed.folder / LOG).read_text()  # of the last attempt
    assert done.stderr.count("Error in rule train_model") == 2  # cancelled, and out of time;
    # SLURM itself starts a job again whose node was lost.


def cancel() -> None:
    slurm("scancel", *running())


def run_out_of_time() -> None:
    (job,) = running()
    slurm("scontrol", "update", f"jobid={job}", "endtime=now+1second")
    while job in running():
        time.sleep(0.2)


def lose_node() -> None:
    node = slurm("sinfo", "--noheader", "--format=%n").strip()
    slurm("scontrol", "update", f"nodename={node}", "state=down", "reason=test")
    slurm("scontrol", "update", f"nodename={node}", "state=resume")
