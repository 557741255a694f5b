"""Out of memory is one line that says what to change."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

from deltaloss.core.errors import MemoryShortageError, UserError
from deltaloss.runtime.memory import evaluation_remedies, memory_shortage, training_remedies

SCHEMA = Path(__file__).resolve().parents[2] / "workflow" / "schemas" / "config.schema.yaml"
ALLOCATOR = "DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."
CONFIG = {
    "device": "auto",
    "hyperparameters": "paper",
    "precision": "tf32",
    "recompute": "none",
}

TRAINING = """
import resource, sys
import torch
from torch.nn.functional import conv2d
from deltaloss.core.log import job_log
from deltaloss.runtime.memory import memory_shortage
x = torch.zeros(1, 8, 64, 64)
conv2d(x, torch.zeros(8, 8, 3, 3))
with open("/proc/self/statm") as pages:
    now = int(pages.read().split()[0]) * 4096
resource.setrlimit(resource.RLIMIT_AS, (now + 2**28, now + 2**28))
kept = []
with job_log(sys.argv[1], "mazes delta seed42"), memory_shortage("Lower batch_size"):
    for _ in range(1000):
        kept.append(conv2d(x.expand(256, -1, -1, -1), torch.zeros(8, 8, 3, 3)))
"""


class TestErrors:
    @pytest.mark.parametrize(
        "error",
        [
            torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.\nGPU 0 has"),
            RuntimeError(f"[enforce fail at alloc_cpu.cpp:118] err == 0. {ALLOCATOR}"),
            RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be"),
            RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
            MemoryError("Unable to allocate 3.00 TiB for an array"),
        ],
        ids=["gpu", "cpu", "driver", "cudnn", "numpy"],
    )
    def test_one_line_with_its_cause(self, error):
        with pytest.raises(MemoryShortageError) as caught, memory_shortage("Do this"):
            raise error
        assert isinstance(caught.value, UserError)
        assert caught.value.__cause__ is error
        assert str(caught.value).startswith("out of memory: this machine has ")
        assert str(caught.value).endswith(" at most. Do this")
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize(
        "error",
        [RuntimeError("shapes differ"), ValueError("out of memory")],
        ids=["other-text", "other-class"],
    )
    def test_other_errors_pass_unchanged(self, error):
        with pytest.raises(type(error)) as caught, memory_shortage("Do this"):
            raise error
        assert caught.value is error

    def test_a_real_error_of_the_allocator_is_one_too(self):
        with pytest.raises(MemoryShortageError), memory_shortage("Do this"):
            torch.empty(2**55)


class TestGpuMemory:
    @pytest.fixture(autouse=True)
    def gpu(self, monkeypatch):
        monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
        monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda index: (2**29, 8 * 2**30))
        monkeypatch.setattr(torch.cuda, "memory_reserved", lambda index: 3 * 2**30)

    def test_is_in_the_message(self):
        with pytest.raises(MemoryShortageError) as caught, memory_shortage("Do this"):
            raise torch.OutOfMemoryError("CUDA out of memory")
        assert str(caught.value) == (
            "out of memory: GPU 1 has 8.0 GiB, 7.5 GiB in use, 3.0 GiB of it by this job. Do this"
        )

    def test_of_a_gpu_that_does_not_answer_is_not_in_the_message(self, monkeypatch):
        def broken(index: int) -> None:
            raise RuntimeError("CUDA error: out of memory")

        monkeypatch.setattr(torch.cuda, "mem_get_info", broken)
        with pytest.raises(MemoryShortageError) as caught, memory_shortage("Do this"):
            raise torch.OutOfMemoryError("CUDA out of memory")
        assert str(caught.value).startswith("out of memory: GPU 1 does not report")
        assert isinstance(caught.value.__cause__, torch.OutOfMemoryError)


class TestRemedies:
    def test_of_a_training_name_those_without_an_effect_first(self):
        assert training_remedies("mazes", CONFIG) == (
            "Change in the config, in this order: recompute: blocks, then steps (slower, the same "
            "result); precision: bf16 (on a GPU; coarser numbers); a smaller "
            "tasks.mazes.training.paper.batch_size (another result)"
        )

    def test_leave_out_settings_that_are_in_use(self):
        def said(**changes: str) -> str:
            return training_remedies("mazes", {**CONFIG, **changes})

        assert "recompute: steps (" in said(recompute="blocks")
        assert "recompute" not in said(recompute="steps")
        assert "precision" not in said(precision="bf16")
        assert "precision" not in said(device="cpu")

    def test_exist_for_every_choice_of_the_config(self):
        keys = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))["properties"]
        for recompute in keys["recompute"]["enum"]:
            for precision in keys["precision"]["enum"]:
                config = {**CONFIG, "recompute": recompute, "precision": precision}
                assert training_remedies("chess", config)

    def test_of_an_evaluation_name_its_batch_size(self):
        assert "tasks.chess.evaluation.batch_size" in evaluation_remedies("chess")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_job_on_an_exhausted_machine_ends_with_one_line(tmp_path):
    log = tmp_path / "job.log"
    done = subprocess.run(
        [sys.executable, "-c", TRAINING, str(log)],
        env={"PYTHONPATH": ":".join(sys.path), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 1, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("[mazes delta seed42] out of memory: this machine has ")
    assert line.endswith("Lower batch_size")
    assert "Traceback" in log.read_text()
