"""Each job its own device: real processes, pretended devices."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from deltaloss.device_locks import claim_device, lock_folder

DEVICES = ["GPU-a", "GPU-b", "GPU-c"]
JOB = """
import sys
from pathlib import Path
from deltaloss.device_locks import claim_device
claim = claim_device(sys.argv[2:], Path(sys.argv[1]))
print(claim.index, claim.others, flush=True)
sys.stdin.read()
"""


class Jobs:
    """Processes that take a device each and keep it until they are ended."""

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
        job.wait()


def taken(job: subprocess.Popen[str]) -> tuple[int, int]:
    """Wait for a job's device and how many had it before."""
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


class TestProcesses:
    def test_three_at_once_take_three_devices_and_the_next_share_evenly(self, jobs):
        first = [jobs.start() for _ in range(3)]
        assert sorted(taken(job) for job in first) == [(0, 0), (1, 0), (2, 0)]
        second = [jobs.start() for _ in range(3)]
        assert sorted(taken(job) for job in second) == [(0, 1), (1, 1), (2, 1)]
        assert taken(jobs.start()) == (0, 2)

    @pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
    def test_a_killed_job_frees_its_device(self, jobs, number):
        by_device = {}
        for _ in DEVICES:
            job = jobs.start()
            by_device[taken(job)[0]] = job
        jobs.end(by_device[1], number)
        assert taken(jobs.start()) == (1, 0)

    def test_a_device_whose_first_job_ended_still_counts_its_second(self, jobs):
        started = [jobs.start(DEVICES[:2]) for _ in range(4)]
        places = [taken(job) for job in started]
        for job, place in zip(started, places, strict=True):
            if place != (0, 1):
                jobs.end(job)
        assert taken(jobs.start(DEVICES[:2])) == (1, 0)

    def test_a_device_is_the_same_in_whatever_order_it_is_seen(self, jobs):
        assert taken(jobs.start(["GPU-a"])) == (0, 0)
        assert taken(jobs.start(["GPU-a", "GPU-b"])) == (1, 0)
        assert taken(jobs.start(["GPU-c", "GPU-b", "GPU-a"])) == (0, 0)
        assert taken(jobs.start(["GPU-b"])) == (0, 1)


class TestClaims:
    def test_kept_as_long_as_it_is_remembered(self, tmp_path):
        claim = claim_device(DEVICES, tmp_path)
        assert claim_device(DEVICES, tmp_path).index == 1
        assert claim_device(DEVICES, tmp_path).index == 1
        del claim
        assert claim_device(DEVICES, tmp_path).index == 0

    def test_odd_names_make_file_names(self, tmp_path):
        claims = [claim_device(["MIG 1/../x", "card *-0"], tmp_path) for _ in range(2)]
        assert [claim.index for claim in claims] == [0, 1]
        assert {path.parent for path in tmp_path.rglob("*.lock")} == {tmp_path}

    def test_a_choice_that_hangs_stops_nobody(self, tmp_path, monkeypatch):
        monkeypatch.setattr("deltaloss.device_locks.CHOOSING_SECONDS", 0.05)
        with FileLock(tmp_path / "choosing.lock"):
            assert claim_device(DEVICES, tmp_path).index == 0


class TestFolder:
    @pytest.fixture(autouse=True)
    def temporary(self, tmp_path, monkeypatch):
        monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))

    def test_of_one_user_alone(self, tmp_path):
        folder = lock_folder()
        assert folder == tmp_path / f"deltaloss-devices-{os.getuid()}" == lock_folder()
        assert folder.stat().st_mode & 0o777 == 0o700

    def test_each_user_has_one(self, tmp_path, monkeypatch):
        own = lock_folder()
        claim = claim_device(DEVICES, own)
        uid = os.getuid() + 1
        monkeypatch.setattr(os, "getuid", lambda: uid)
        theirs = tmp_path / f"deltaloss-devices-{uid}"
        theirs.mkdir()
        with pytest.raises(PermissionError, match="not a folder of this user"):
            lock_folder()  # made by us, not by them
        assert theirs != own
        assert claim_device(DEVICES, theirs).index == claim.index == 0

    def test_a_link_is_not_followed(self, tmp_path):
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / f"deltaloss-devices-{os.getuid()}").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(PermissionError, match="not a folder of this user"):
            lock_folder()
