"""PyTorch's switches for how precisely a GPU multiplies."""

from __future__ import annotations

import logging
import os

import pytest
import torch

from deltaloss.core.errors import ConfigError
from deltaloss.model.precision import choose_algorithms, set_precision

CPU, GPU = torch.device("cpu"), torch.device("cuda", 0)

pytestmark = [pytest.mark.usefixtures("switches"), pytest.mark.filterwarnings("error")]


@pytest.fixture
def switches(monkeypatch):
    """Simulate a GPU without bf16, and restore PyTorch's switches afterwards."""
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "NVIDIA Simulated")
    monkeypatch.setattr(
        torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation
    )
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    benchmark = torch.backends.cudnn.benchmark
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "")
    yield
    torch.use_deterministic_algorithms(False)
    torch.set_float32_matmul_precision(before[0])
    torch.backends.cudnn.allow_tf32 = before[1]
    torch.backends.cudnn.benchmark = benchmark


def both_generations() -> list[bool]:
    """Whether TF32 is on, by each of PyTorch's switches."""
    backends = torch.backends
    return [
        backends.cuda.matmul.fp32_precision == "tf32",
        backends.cudnn.conv.fp32_precision == "tf32",
        backends.cudnn.rnn.fp32_precision == "tf32",
        backends.cuda.matmul.allow_tf32,
        backends.cudnn.allow_tf32,
        torch.get_float32_matmul_precision() != "highest",
    ]


def test_switches_of_both_generations_agree():
    for precision in ("tf32", "fp32", "tf32", "fp32"):
        assert set_precision(precision, GPU) == torch.float32
        assert both_generations() == [precision == "tf32"] * 6


def test_fp32_turns_off_what_a_plain_install_has_on():
    torch.backends.cudnn.allow_tf32 = True
    set_precision("fp32", GPU)
    assert not any(both_generations())


def test_bf16_is_refused_on_a_gpu_without_it():
    with pytest.raises(ConfigError, match="'bf16', but NVIDIA Simulated cannot") as caught:
        set_precision("bf16", GPU)
    assert "\n" not in str(caught.value)


def test_bf16_also_computes_float32_in_tf32(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)
    assert set_precision("bf16", GPU) == torch.bfloat16
    assert all(both_generations())


@pytest.mark.parametrize("precision", ["fp32", "tf32", "bf16"])
def test_the_cpu_always_computes_in_fp32(precision, caplog):
    before = both_generations(), torch.backends.mkldnn.matmul.fp32_precision
    with caplog.at_level(logging.INFO, "deltaloss"):
        assert set_precision(precision, CPU) == torch.float32
    assert (both_generations(), torch.backends.mkldnn.matmul.fp32_precision) == before
    assert len(caplog.messages) == (precision == "bf16")


def algorithms() -> tuple[bool, bool, str]:
    deterministic = torch.are_deterministic_algorithms_enabled()
    workspace = os.environ["CUBLAS_WORKSPACE_CONFIG"]
    return torch.backends.cudnn.benchmark, deterministic, workspace


def test_a_gpu_takes_the_fastest_algorithms_or_deterministic_ones():
    torch.backends.cudnn.benchmark = False
    for deterministic in (True, False):
        choose_algorithms(CPU, deterministic=deterministic)
        assert algorithms() == (False, False, "")
    choose_algorithms(GPU)
    assert algorithms() == (True, False, "")
    choose_algorithms(GPU, deterministic=True)
    assert algorithms() == (False, True, ":4096:8")
