"""The whole benchmark at sizes that say nothing about speed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from benchmarks import compare, contestants
from deltaloss.core.runs import parse_run


def test_every_row_measures_both_contestants_and_the_report_lists_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare, "_measure_startup", lambda repeats: {"import torch": [1.0]})
    monkeypatch.setattr(compare, "_peak_bytes", lambda contestant, job: 10**6)
    output = tmp_path / "cpu"
    compare.main(["--device", "cpu", "--tiny", "--repeats", "1", "--output", str(output)])
    results = json.loads(output.with_suffix(".json").read_text(encoding="utf-8"))
    assert len(results["rows"]) == 3 * (len(compare.RUNS) + 1)
    for row in results["rows"]:
        assert set(row["seconds"]) == {"published", "engine"}
        assert all(seconds > 0 for each in row["seconds"].values() for seconds in each)
    report = output.with_suffix(".md").read_text(encoding="utf-8")
    assert report.count("| tiny mazes |") == len(compare.RUNS) + 1


def test_memory_of_a_contestant_is_measured_in_a_process_of_its_own() -> None:
    workload = compare.load_workloads("cpu", tiny=True)[0]
    job = compare.Job(workload=workload, device=compare.torch.device("cpu"))
    assert 0 <= compare._peak_bytes(compare.Engine(), job) < 10**9


@pytest.mark.parametrize("name", compare.STARTUPS)
def test_code_whose_startup_is_timed_runs(name: str) -> None:
    assert compare._time([compare.sys.executable, "-c", compare.STARTUPS[name]]) > 0


def test_the_benchmark_starts_as_a_command() -> None:
    command = [compare.sys.executable, "-m", "benchmarks.compare", "--help"]
    assert compare._time(command) > 0  # raises where it fails


def test_each_call_sets_its_own_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[str] = []
    monkeypatch.setattr(contestants, "set_precision", lambda name, device: used.append(name))
    monkeypatch.setattr(contestants.Engine, "_training", lambda self, job, network: lambda: None)
    workload = compare.load_workloads("cpu", tiny=True)[0]
    job = compare.Job(workload=workload, device=torch.device("cpu"), run=parse_run("delta"))
    entered = [contestants.Engine(precision=name) for name in ("fp32", "tf32")]
    works = [one.prepare(job) for one in entered]
    used.clear()
    for work in (*works, *works):
        work()
    assert used == ["fp32", "tf32", "fp32", "tf32"]
