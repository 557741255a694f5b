"""Device, precision and what is said of them; GPUs are pretended."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest
import torch

from deltaloss import devices
from deltaloss.devices import (
    choose_device,
    describe_machine,
    set_precision,
    synchronise,
    tune_convolutions,
)
from deltaloss.errors import ConfigError

CPU, GPU = torch.device("cpu"), torch.device("cuda", 0)


class Machine:
    """Pretends GPUs; `order` is what CUDA_VISIBLE_DEVICES would make of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.order = ["a", "b"]
        self.current: torch.device | None = None
        self.with_uuid = True
        cuda = {
            "is_available": lambda: bool(self.order),
            "device_count": lambda: len(self.order),
            "get_device_properties": self.properties,
            "get_device_name": lambda device: "NVIDIA Pretence",
            "set_device": self.set_device,
            "is_bf16_supported": lambda including_emulation=True: including_emulation,
            "is_tf32_supported": lambda: True,
        }
        for name, function in cuda.items():
            monkeypatch.setattr(torch.cuda, name, function)

    def properties(self, index: int) -> SimpleNamespace:
        uuid = {"uuid": f"uuid-{self.order[index]}"} if self.with_uuid else {}
        return SimpleNamespace(name="NVIDIA Pretence", **uuid)

    def set_device(self, device: torch.device) -> None:
        self.current = device

    def next_job(self) -> int:
        """Give the device that another process would take, and keep it."""
        self.claims = [*getattr(self, "claims", []), devices._claim_gpu()]
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
    def test_auto_takes_a_gpu_when_there_is_one(self, machine):
        assert choose_device("auto") == torch.device("cuda", 0) == machine.current
        assert choose_device("cuda") == torch.device("cuda", 0)
        assert choose_device("cpu") == CPU
        machine.order = []
        assert choose_device("auto") == CPU

    def test_a_gpu_that_is_not_there(self, machine):
        machine.order = []
        with pytest.raises(ConfigError, match="device: 'cuda'"):
            choose_device("cuda")

    def test_a_process_keeps_its_own(self, machine):
        assert [choose_index() for _ in range(3)] == [0, 0, 0]

    def test_another_process_takes_another(self, machine):
        assert choose_index() == 0
        assert machine.next_job() == 1
        assert machine.current == torch.device("cuda", 1)

    def test_the_order_that_a_cluster_gives_is_respected(self, machine):
        assert choose_index() == 0  # a
        machine.order = ["c", "a"]
        assert machine.next_job() == 0  # c
        machine.order = ["c", "a", "b"]
        assert machine.next_job() == 2

    def test_one_gpu_is_shared_and_that_is_said(self, machine, caplog):
        machine.order = ["a"]
        with caplog.at_level(logging.INFO, "deltaloss"):
            assert choose_index() == 0
            assert caplog.messages == []
            assert machine.next_job() == 0
        assert caplog.messages == [
            "GPU 0 is shared with 1 other job(s): there are more jobs than GPUs"
        ]

    def test_an_old_torch_without_identifiers(self, machine):
        machine.with_uuid = False
        assert choose_index() == 0
        assert machine.next_job() == 1

    def test_parts_of_one_gpu_with_one_identifier(self, machine):
        machine.order = ["a", "a"]
        assert choose_index() == 0
        assert machine.next_job() == 1

    def test_without_a_folder_for_locks(self, machine, tmp_path, monkeypatch, caplog):
        monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "nowhere"))
        assert choose_index() == 0
        assert len(caplog.messages) == 1
        assert "GPU 0 of 2" in caplog.messages[0]
        assert "set TMPDIR" in caplog.messages[0]


@pytest.fixture
def switches():
    """Put PyTorch's switches back."""
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    benchmark = torch.backends.cudnn.benchmark
    yield
    torch.set_float32_matmul_precision(before[0])
    torch.backends.cudnn.allow_tf32 = before[1]
    torch.backends.cudnn.benchmark = benchmark


def both_generations() -> list[bool]:
    """Ask all of PyTorch's switches whether TF32 is on."""
    backends = torch.backends
    return [
        backends.cuda.matmul.fp32_precision == "tf32",
        backends.cudnn.conv.fp32_precision == "tf32",
        backends.cudnn.rnn.fp32_precision == "tf32",
        backends.cuda.matmul.allow_tf32,
        backends.cudnn.allow_tf32,
        torch.get_float32_matmul_precision() != "highest",
    ]


@pytest.mark.usefixtures("machine", "switches")
@pytest.mark.filterwarnings("error")
class TestPrecision:
    def test_switches_of_both_generations_agree(self):
        for precision in ("tf32", "fp32", "tf32", "fp32"):
            assert set_precision(precision, GPU) == torch.float32
            assert both_generations() == [precision == "tf32"] * 6

    def test_fp32_turns_off_what_a_plain_install_has_on(self):
        torch.backends.cudnn.allow_tf32 = True
        set_precision("fp32", GPU)
        assert not any(both_generations())

    def test_bf16_where_there_is_none(self):
        with pytest.raises(ConfigError, match="'bf16', but NVIDIA Pretence cannot") as caught:
            set_precision("bf16", GPU)
        assert "\n" not in str(caught.value)

    def test_bf16(self, monkeypatch):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)
        assert set_precision("bf16", GPU) == torch.bfloat16
        assert all(both_generations())  # what stays in float32 may be as coarse

    @pytest.mark.parametrize("precision", ["fp32", "tf32", "bf16"])
    def test_the_cpu_computes_in_fp32(self, precision, caplog):
        before = both_generations(), torch.backends.mkldnn.matmul.fp32_precision
        with caplog.at_level(logging.INFO, "deltaloss"):
            assert set_precision(precision, CPU) == torch.float32
        assert (both_generations(), torch.backends.mkldnn.matmul.fp32_precision) == before
        assert len(caplog.messages) == (precision == "bf16")

    def test_tuning_is_for_a_gpu(self):
        torch.backends.cudnn.benchmark = False
        tune_convolutions(CPU)
        assert not torch.backends.cudnn.benchmark
        tune_convolutions(GPU)
        assert torch.backends.cudnn.benchmark


class TestMachine:
    def test_cpu(self):
        found = describe_machine(CPU, "bf16")
        assert found["torch"] == torch.__version__
        assert str(found["device"]).startswith("cpu (")
        assert found["precision"] == "fp32"
        assert "cuda" not in found
        synchronise(CPU)

    def test_gpu(self, machine, tmp_path, monkeypatch):
        driver = tmp_path / "version"
        driver.write_text(
            "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build\n"
            "GCC version:  gcc version 12.3.0 (Ubuntu 12.3.0-1ubuntu1~22.04)\n"
        )
        monkeypatch.setattr(devices, "DRIVER", driver)
        monkeypatch.setattr(torch.version, "cuda", "12.8")
        monkeypatch.setattr(torch.backends.cudnn, "version", lambda: 91002)
        found = describe_machine(GPU, "tf32")
        assert found["device"] == "cuda (NVIDIA Pretence)"
        assert found["precision"] == "tf32"
        assert (found["driver"], found["cuda"], found["cudnn"]) == ("570.86.15", "12.8", 91002)
        old = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  525.105.17  Tue Mar 28 18:02:59\n"
        driver.write_text(old)
        assert describe_machine(GPU, "tf32")["driver"] == "525.105.17"
        monkeypatch.setattr(torch.cuda, "is_tf32_supported", lambda: False)
        assert describe_machine(GPU, "tf32")["precision"] == "fp32"
        driver.unlink()
        assert describe_machine(GPU, "tf32")["driver"] is None
