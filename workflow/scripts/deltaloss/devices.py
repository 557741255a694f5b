"""Where the numbers are computed, how precisely, and what with."""

from __future__ import annotations

import logging
import platform
import re
from functools import cache
from pathlib import Path

import numpy as np
import torch

from deltaloss.device_locks import Claim, claim_device, lock_folder
from deltaloss.errors import ConfigError

DRIVER = Path("/proc/driver/nvidia/version")

logger = logging.getLogger(__name__)


def choose_device(wanted: str) -> torch.device:
    """Give the device for "auto" (a GPU when there is one), "cpu" or "cuda".

    Of several GPUs the process takes one that no other job has, and keeps it until it ends. Only
    those that PyTorch sees count, so that a cluster's own choice (CUDA_VISIBLE_DEVICES) holds.

    Raises:
        ConfigError: "cuda" where there is none.
    """
    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise ConfigError("device: 'cuda', but PyTorch finds no GPU here; write auto or cpu")
    if wanted == "cpu" or not there:
        return torch.device("cpu")
    claim = _claim_gpu()
    device = torch.device("cuda", claim.index if claim else 0)
    torch.cuda.set_device(device)
    return device


@cache  # one claim a process, held by this cache
def _claim_gpu() -> Claim | None:
    """Take a GPU; None, and a line, where locks cannot be made."""
    identifiers = _identifiers()
    try:
        claim = claim_device(identifiers, lock_folder())
    except OSError as error:
        logger.warning(
            "GPU 0 of %d, which other jobs may take too: devices cannot be locked (%s); "
            "set TMPDIR to a folder on this machine that can be written",
            len(identifiers),
            error,
        )
        return None
    if claim.others:
        logger.info(
            "GPU %d is shared with %d other job(s): there are more jobs than GPUs",
            claim.index,
            claim.others,
        )
    return claim


def _identifiers() -> list[str]:
    """Name each GPU that PyTorch sees, alike in all processes, whatever order they see them in."""
    properties = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
    names = [str(getattr(p, "uuid", "") or f"{p.name}-{i}") for i, p in enumerate(properties)]
    # Parts of one GPU may share its identifier; they are told apart by their place.
    return [f"{n}-{i}" if names.count(n) > 1 else n for i, n in enumerate(names)]


def set_precision(precision: str, device: torch.device) -> torch.dtype:
    """Set how precisely a GPU multiplies, and give the type that the network computes in.

    "fp32" is exact to single precision; "tf32" keeps 10 bits of each factor in convolutions and
    products of matrices and adds in fp32; "bf16" also keeps the states in bfloat16. The CPU
    always computes in fp32.

    Args:
        precision: "fp32", "tf32" or "bf16".
        device: of the network; a GPU is the current one.

    Raises:
        ConfigError: "bf16" on a GPU that has none.
    """
    if device.type == "cpu":
        if precision == "bf16":
            logger.info("precision: bf16 is for a GPU; the CPU computes in fp32")
        return torch.float32
    if precision == "bf16" and not torch.cuda.is_bf16_supported(including_emulation=False):
        raise ConfigError(
            f"precision: 'bf16', but {torch.cuda.get_device_name(device)} cannot compute in it; "
            "write tf32 or fp32"
        )
    coarse = precision != "fp32"
    # These two set the newer switches (fp32_precision of cuda.matmul, cudnn.conv and cudnn.rnn)
    # as well. The newer alone leave both generations at odds, which torch.compile, a reader of
    # both, refuses (pytorch issue 166387). A plain install has TF32 on in convolutions.
    torch.set_float32_matmul_precision("high" if coarse else "highest")
    torch.backends.cudnn.allow_tf32 = coarse
    return torch.bfloat16 if precision == "bf16" else torch.float32


def tune_convolutions(device: torch.device) -> None:
    """Let cuDNN try its algorithms once for each shape and keep the fastest.

    That pays where few shapes come again and again, as in training; each new shape costs a trial.
    """
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = True


def synchronise(device: torch.device) -> None:
    """Wait until the device has done what was asked of it, so that clocks tell the truth."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def describe_machine(device: torch.device, precision: str = "fp32") -> dict[str, object]:
    """Give device, precision, CPU threads and versions, as provenance for a result.

    Args:
        device: that computed it.
        precision: that was asked of `set_precision`; said is the one that was used.
    """
    gpu = device.type == "cuda"
    if not gpu or (precision == "tf32" and not torch.cuda.is_tf32_supported()):
        precision = "fp32"  # the CPU and older GPUs know no other
    name = torch.cuda.get_device_name(device) if gpu else platform.machine()
    return {
        "device": f"{device.type} ({name})",
        "precision": precision,
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        **(_gpu_versions() if gpu else {}),
    }


def _gpu_versions() -> dict[str, object]:
    """Give the versions of what lies between PyTorch and the GPU; null where unknown."""
    text = DRIVER.read_text(encoding="utf-8") if DRIVER.is_file() else ""
    driver = re.search(r"Kernel Module.*?\s(\d+(?:\.\d+)+)\s", text)
    return {
        "driver": driver[1] if driver else None,
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),  # type: ignore[no-untyped-call]
    }
