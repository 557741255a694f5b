"""The script for lent machines, on the CPU at the smallest size: stopped, carried on, finished."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import psutil
import pytest

from .conftest import ROOT


@pytest.fixture
def call(tmp_path):
    def call(state: str, *arguments: str) -> subprocess.CompletedProcess:
        command = [
            *(ROOT / "benchmarks" / "on_gpu.sh", "--no-wheels", "--device", "cpu"),
            *("--preset", "tiny", "--cores", "1", "--state", tmp_path / state, *arguments),
        ]
        environment = {
            **os.environ,
            "OUT": str(tmp_path / "out"),
            "OMP_NUM_THREADS": "1",
            "PYTHON": sys.executable,
            "REFERENCE_DIR": str(tmp_path / "nothing"),
        }
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    return call


def test_an_experiment_stopped_by_the_deadline_is_finished_elsewhere(call, tmp_path):
    stage = ("--stages", "prefix_sums")
    # 30 seconds are for leaving and packing; Snakemake and its jobs have the others.
    first = call("here", "--seconds", "36", *stage)
    assert first.returncode == 3, first.stdout + first.stderr
    assert "there is more to do" in first.stdout
    left = [one.pid for one in psutil.process_iter() if str(tmp_path) in " ".join(_words(one))]
    assert not left

    second = call("there", "--seconds", "600", "--unpack", tmp_path / "out", *stage)
    assert second.returncode == 0, second.stdout + second.stderr
    published = tmp_path / "there" / "results" / "published" / "tiny"
    assert (published / "tables" / "table_7.md").stat().st_size > 100
    assert len(json.loads((published / "run.json").read_text())["trainings"]) == 3

    # Packed again, without the weights, all is still done.
    stages = tmp_path / "third" / "stages.json"
    call("third", "--seconds", "600", "--unpack", tmp_path / "out", "--stages", "parity")
    assert not list(stages.parent.rglob("*.safetensors"))
    known = json.loads(stages.read_text())
    assert known["prefix_sums"]["state"] == "done"
    stages.write_text(json.dumps({**known, "prefix_sums": {**known["prefix_sums"], "state": "x"}}))
    assert call("third", "--seconds", "600", *stage).returncode == 0
    assert "Nothing to be done" in (stages.parent / "logs" / "prefix_sums.log").read_text()


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_parity_and_benchmark(call, tmp_path):
    done = call("state", "--seconds", "300", "--stages", "parity", "benchmark-prefix_sums")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "parity: skipped; no recorded numbers" in done.stdout
    measured = tmp_path / "state" / "results" / "benchmark"
    assert len(json.loads((measured / "prefix_sums.json").read_text())["training"]) == 1


def test_the_paper_s_prefix_sums_need_no_network(project):
    jobs = project.planned("prefix_sums", preset="workflow/presets/gpu.yaml")
    rules = [rule for rule, _ in jobs]
    assert rules.count("train_model") == 3
    assert rules.count("make_prefix_sums") == 2
    assert "read_archive" not in rules


def test_wheels_that_are_not_there_are_asked_for(tmp_path):
    done = subprocess.run(
        [ROOT / "benchmarks" / "on_gpu.sh", "--wheels", tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "fetch_wheels.sh" in done.stderr
