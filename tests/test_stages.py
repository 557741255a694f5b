"""The state that calls on a lent machine go on from, and commands that end in time."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from benchmarks import deadline, stages, state
from benchmarks.deadline import TimeIsUpError, run_until
from benchmarks.stages import MORE_TO_DO, Stage

MODEL = "results/tiny/models/mazes/delta/seed1.safetensors"
BITS = "results/tiny/evaluations/mazes/delta/seed1.npz"
CHECKPOINTS = "results/tiny/checkpoints/mazes/delta/seed2"


def write(folder: Path, *names: str, content: bytes = b"x") -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in state.kept(folder)}


class TestState:
    def test_weights_are_kept_until_they_are_evaluated(self, tmp_path):
        write(tmp_path, MODEL)
        assert names(tmp_path) == {MODEL}
        curve = BITS.replace(".npz", ".csv")
        write(tmp_path, BITS, curve)
        assert names(tmp_path) == {BITS, curve}

    def test_of_checkpoints_the_newest_is_kept(self, tmp_path):
        write(tmp_path, *(f"{CHECKPOINTS}/epoch-{e:06}-batch-00000000.ckpt" for e in (9, 10)))
        assert names(tmp_path) == {f"{CHECKPOINTS}/epoch-000010-batch-00000000.ckpt"}

    def test_snakemake_s_records_are_kept_and_its_locks_are_not(self, tmp_path):
        write(tmp_path, ".snakemake/metadata/a", ".snakemake/locks/0", ".snakemake/log/b")
        assert names(tmp_path) == {".snakemake/metadata/a"}

    def test_parts_give_the_state_back(self, tmp_path, monkeypatch):
        monkeypatch.setattr(state, "PART_BYTES", 100_000)
        content = os.urandom(250_000)
        write(tmp_path / "here", "stages.json", MODEL, content=content)
        monkeypatch.setattr(state, "MOST_PARTS", 6)
        assert state.pack(tmp_path / "here", tmp_path / "out")
        parts = sorted((tmp_path / "out").glob("state.tar.*"))
        assert len(parts) == 6
        assert max(part.stat().st_size for part in parts) == 100_000
        state.unpack(tmp_path / "out", tmp_path / "there")
        assert (tmp_path / "there" / MODEL).read_bytes() == content

    def test_a_state_that_is_too_large_is_not_packed_in_part(self, tmp_path, monkeypatch):
        monkeypatch.setattr(state, "PART_BYTES", 10_000)
        write(tmp_path / "here", MODEL, content=os.urandom(50_000))
        write(tmp_path / "out", "state.tar.00")
        assert not state.pack(tmp_path / "here", tmp_path / "out")
        assert not list((tmp_path / "out").glob("state.tar.*"))

    def test_a_folder_without_parts_is_refused(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"no state\.tar\.00"):
            state.unpack(tmp_path, tmp_path / "there")

    def test_only_small_outputs_are_published(self, tmp_path):
        write(tmp_path, "tiny/tables/table_7.md", "tiny/evaluations/a/b/seed1.csv")
        write(tmp_path, "tiny/evaluations/a/b/seed1.npz", "tiny/models/a/b/seed1.safetensors")
        write(tmp_path, "tiny/tables/large.csv", content=b"x" * (2**20 + 1))
        assert state.publish(tmp_path, "tiny") == 2
        assert (tmp_path / "published/tiny/tables/table_7.md").exists()


class TestDeadline:
    @pytest.fixture(autouse=True)
    def _short(self, monkeypatch):
        monkeypatch.setattr(deadline, "LEAVE_SECONDS", 1.0)

    def test_a_command_in_time(self, tmp_path):
        command = [sys.executable, "-c", "print('said'); raise SystemExit(4)"]
        assert run_until(time.time() + 60, command, log=tmp_path / "log") == 4
        assert (tmp_path / "log").read_text() == "said\n"

    def test_the_whole_group_leaves(self, tmp_path):
        """A grandchild that does not listen to SIGTERM is gone too."""
        deaf = (
            "import os, signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
            "print(os.getpid(), flush=True); time.sleep(60)"
        )
        parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {deaf!r}])"
        started = time.time()
        with pytest.raises(TimeIsUpError):
            run_until(time.time() + 3, [sys.executable, "-c", parent], log=tmp_path / "log")
        assert time.time() - started < 10
        pid = int((tmp_path / "log").read_text())
        ended = time.time() + 5
        while _runs(pid) and time.time() < ended:
            time.sleep(0.05)
        assert not _runs(pid)

    def test_nothing_begins_without_time(self, tmp_path):
        with pytest.raises(TimeIsUpError):
            run_until(time.time() + 0.5, ["touch", str(tmp_path / "x")], log=tmp_path / "log")
        assert not (tmp_path / "x").exists()


def _runs(pid: int) -> bool:
    """Whether a process is there and is no zombie that waits for its new parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class TestStages:
    @pytest.fixture
    def offered(self, monkeypatch, tmp_path):
        """Give stages of our own in place of the real ones."""

        def offer(*listed: Stage):
            monkeypatch.setattr(stages, "all_stages", lambda *_: listed)
            monkeypatch.setattr(stages, "run_until", self.run)
            arguments = ["--device", "cpu", "--preset", "tiny", "--state", str(tmp_path / "s")]
            return stages.main([*arguments, "--stages", "parity", "mazes"])

        self.said, self.endings = [], {}
        return offer

    def run(self, deadline, command, *, log):
        self.said.append(command[0])
        log.parent.mkdir(parents=True, exist_ok=True)
        log.touch()
        ending = self.endings.get(command[0], 0)
        if ending is TimeIsUpError:
            raise TimeIsUpError
        return ending

    PARITY = Stage(name="parity", commands=(("first",), ("second",)))
    MAZES = Stage(name="mazes", commands=(("third",),), resumes=True)

    def test_finished_stages_are_not_repeated(self, offered):
        assert offered(self.PARITY, self.MAZES) == 0
        assert offered(self.PARITY, self.MAZES) == 0
        assert self.said == ["first", "second", "third"]

    def test_what_time_cut_off_goes_on_next_time(self, offered):
        self.endings["second"] = TimeIsUpError
        assert offered(self.PARITY, self.MAZES) == MORE_TO_DO
        self.endings.clear()
        assert offered(self.PARITY, self.MAZES) == 0
        assert self.said == ["first", "second", "first", "second", "third"]

    def test_a_failed_stage_does_not_stop_the_others(self, offered, tmp_path):
        self.endings["first"] = 1
        assert offered(self.PARITY, self.MAZES) == 1
        assert self.said == ["first", "third"]
        known = json.loads((tmp_path / "s" / "stages.json").read_text())
        assert known["parity"]["state"] == "failed"

    def test_a_stage_that_never_fits_is_given_up_and_one_that_resumes_is_not(self, offered):
        self.endings.update(first=TimeIsUpError, third=TimeIsUpError)
        ends = [offered(self.PARITY, self.MAZES) for _ in range(6)]
        assert ends == [MORE_TO_DO] * 6
        assert self.said == ["first"] * 2 + ["third"] * 4
