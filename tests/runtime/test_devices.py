"""Each job its own GPU: real processes, simulated GPUs; and the description of a machine."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from filelock import FileLock

from deltaloss.core.errors import ConfigError
from deltaloss.runtime import devices
from deltaloss.runtime.devices import choose_device, claim_device, describe_machine, synchronise

CPU, GPU = torch.device("cpu"), torch.device("cuda", 0)
DEVICES = ["GPU-a", "GPU-b", "GPU-c"]
JOB = """
import sys
from pathlib import Path
from deltaloss.runtime.devices import claim_device
claim = claim_device(sys.argv[2:], Path(sys.argv[1]))
print(claim.index, claim.others, flush=True)
sys.stdin.read()
"""


class Jobs:
    """Processes that claim a device each and keep it until they end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.running: list[subprocess.Popen[str]] = []

    def start(self, devices: list[str] = DEVICES) -> subprocess.Popen[str]:
        job = subprocess.Popen(
            [sys.executable, "-c", JOB, str(self.folder), *devices],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.running.append(job)
        return job

    def end(self, job: subprocess.Popen[str], number: int = signal.SIGKILL) -> None:
        job.send_signal(number)
        job.wait(timeout=300)


def claimed(job: subprocess.Popen[str]) -> tuple[int, int]:
    """Device of a job, and the number of jobs that had it before."""
    index, others = job.stdout.readline().split()
    return int(index), int(others)


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    started = Jobs(tmp_path)
    yield started
    for job in started.running:
        started.end(job)
        job.stdin.close()
        job.stdout.close()


class TestClaims:
    def test_of_jobs_that_start_together_are_even_and_freed_by_a_kill(self, jobs):
        started = [jobs.start() for _ in range(4)]
        places = {claimed(job): job for job in started}
        assert sorted(places) == [(0, 0), (0, 1), (1, 0), (2, 0)]
        jobs.end(places[1, 0], signal.SIGKILL)
        jobs.end(places[0, 0], signal.SIGTERM)  # its second job still counts
        assert claimed(jobs.start()) == (1, 0)

    def test_are_even_whatever_the_number_of_jobs(self, tmp_path):
        claims = [claim_device(DEVICES, tmp_path) for _ in range(7)]
        assert [(one.index, one.others) for one in claims] == [
            *((index, others) for others in (0, 1) for index in (0, 1, 2)),
            (0, 2),
        ]

    def test_hold_in_whatever_order_the_devices_are_seen(self, tmp_path):
        seen = (["GPU-a"], ["GPU-a", "GPU-b"], ["GPU-c", "GPU-b", "GPU-a"], ["GPU-b"])
        claims = [claim_device(order, tmp_path) for order in seen]
        assert [(one.index, one.others) for one in claims] == [(0, 0), (1, 0), (0, 0), (0, 1)]

    def test_last_as_long_as_they_are_referenced(self, tmp_path):
        claim = claim_device(DEVICES, tmp_path)
        assert claim_device(DEVICES, tmp_path).index == 1
        assert claim_device(DEVICES, tmp_path).index == 1
        del claim
        assert claim_device(DEVICES, tmp_path).index == 0

    def test_make_file_names_of_odd_identifiers(self, tmp_path):
        claims = [claim_device(["MIG 1/../x", "card *-0"], tmp_path) for _ in range(2)]
        assert [claim.index for claim in claims] == [0, 1]
        assert {path.parent for path in tmp_path.rglob("*.lock")} == {tmp_path}


class Machine:
    """Simulated GPUs; `order` is what CUDA_VISIBLE_DEVICES would make of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.order = ["a", "b"]
        self.current: torch.device | None = None
        self.claims: list[object] = []
        cuda = {
            "is_available": lambda: bool(self.order),
            "device_count": lambda: len(self.order),
            "get_device_properties": lambda index: SimpleNamespace(uuid=f"u-{self.order[index]}"),
            "get_device_name": lambda device: "NVIDIA Simulated",
            "set_device": lambda device: setattr(self, "current", device),
            "is_tf32_supported": lambda: True,
        }
        for name, function in cuda.items():
            monkeypatch.setattr(torch.cuda, name, function)

    def next_job(self) -> int:
        """Index of the GPU that another process would choose, and keep."""
        self.claims.append(devices._claim_gpu())
        devices._claim_gpu.cache_clear()
        return choose_index()


def choose_index() -> int:
    device = choose_device("auto")
    assert device.type == "cuda"
    return device.index


@pytest.fixture
def machine(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    devices._claim_gpu.cache_clear()
    yield Machine(monkeypatch)
    devices._claim_gpu.cache_clear()


class TestChoice:
    def test_auto_is_a_gpu_if_there_is_one(self, machine):
        assert choose_device("auto") == GPU == machine.current
        assert choose_device("cuda") == GPU
        assert choose_device("cpu") == CPU
        machine.order = []
        assert choose_device("auto") == CPU

    def test_cuda_without_a_gpu_is_refused(self, machine):
        machine.order = []
        with pytest.raises(ConfigError, match="device: 'cuda'"):
            choose_device("cuda")

    def test_a_process_keeps_its_own_and_another_gets_another(self, machine):
        assert [choose_index() for _ in range(3)] == [0, 0, 0]
        assert machine.next_job() == 1
        assert machine.current == torch.device("cuda", 1)
        machine.order = ["c", "a"]
        assert machine.next_job() == 0  # c

    def test_sharing_is_logged(self, machine, caplog):
        machine.order = ["a"]
        with caplog.at_level(logging.INFO, "deltaloss"):
            assert choose_index() == 0
            assert caplog.messages == []
            assert machine.next_job() == 0
        said = "GPU 0 is shared with 1 other job(s): there are more jobs than GPUs"
        assert caplog.messages == [said]

    def test_parts_of_one_gpu_with_one_identifier_are_told_apart(self, machine):
        machine.order = ["a", "a"]
        assert choose_index() == 0
        assert machine.next_job() == 1

    @pytest.mark.parametrize("trouble", ["no-folder", "busy"])
    def test_without_locks_it_is_the_first_with_a_warning(
        self, machine, tmp_path, monkeypatch, caplog, trouble
    ):
        monkeypatch.setattr(devices, "CHOOSING_SECONDS", 0.05)
        folder = tmp_path / f"deltaloss-devices-{os.getuid()}"
        if trouble == "no-folder":
            folder.write_text("a file")
            assert choose_index() == 0
        else:
            folder.mkdir()
            with FileLock(folder / "choosing.lock"):
                assert choose_index() == 0
        (message,) = caplog.messages
        assert message.startswith("warning: GPU 0 of 2, which other jobs may take too")
        assert "set TMPDIR" in message


class TestMachine:
    def test_with_a_cpu_computes_in_fp32(self):
        found = describe_machine(CPU, "bf16")
        assert found["torch"] == torch.__version__
        assert str(found["device"]).startswith("cpu (")
        assert found["precision"] == "fp32"
        assert "cuda" not in found
        assert found["processor"]
        assert found["instructions"]
        synchronise(CPU)

    @pytest.mark.parametrize(
        ("text", "version"),
        [
            ("NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build\n", "570.86.15"),
            ("NVIDIA UNIX x86_64 Kernel Module  525.105.17  Tue Mar 28 18:02:59\n", "525.105.17"),
            (None, None),
        ],
        ids=["open", "closed", "unknown"],
    )
    def test_with_a_gpu_has_the_versions_below_pytorch(
        self, machine, tmp_path, monkeypatch, text, version
    ):
        driver = tmp_path / "version"
        if text:
            driver.write_text(f"NVRM version: {text}GCC version:  gcc version 12.3.0 (Ubuntu)\n")
        monkeypatch.setattr(devices, "DRIVER", driver)
        monkeypatch.setattr(torch.version, "cuda", "12.8")
        monkeypatch.setattr(torch.backends.cudnn, "version", lambda: 91002)
        found = describe_machine(GPU, "tf32")
        assert found["device"] == "cuda (NVIDIA Simulated)"
        assert (found["driver"], found["cuda"], found["cudnn"]) == (version, "12.8", 91002)

    def test_with_an_old_gpu_computes_in_fp32(self, machine, monkeypatch):
        monkeypatch.setattr(torch.backends.cudnn, "version", lambda: 91002)
        monkeypatch.setattr(torch.cuda, "is_tf32_supported", lambda: True)
        assert describe_machine(GPU, "tf32")["precision"] == "tf32"
        monkeypatch.setattr(torch.cuda, "is_tf32_supported", lambda: False)
        assert describe_machine(GPU, "tf32")["precision"] == "fp32"
