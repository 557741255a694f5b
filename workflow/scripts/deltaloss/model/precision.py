"""Precision and choice of a GPU's algorithms; the CPU always computes in fp32 and in one way."""

from __future__ import annotations

import os

import torch

from deltaloss.core.errors import ConfigError
from deltaloss.core.log import logger


def set_precision(precision: str, device: torch.device) -> torch.dtype:
    """Set the precision of a GPU's products, and return the dtype that the network computes in.

    "fp32" is exact to single precision; "tf32" keeps 10 bits of each factor in convolutions and
    products of matrices and adds in fp32; "bf16" also keeps the states in bfloat16.

    Args:
        precision: "fp32", "tf32" or "bf16".
        device: of the network; a GPU is the current one.

    Raises:
        ConfigError: "bf16" on a GPU without it.
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


def choose_algorithms(device: torch.device, *, deterministic: bool = False) -> None:
    """Choose a GPU's algorithms for a training.

    Args:
        device: of the network.
        deterministic: use only algorithms that give the same bits each time, and fail where there
            is none; otherwise cuDNN times its algorithms once per shape and keeps the fastest. It
            pays where few shapes come again and again, as in training.
    """
    if device.type == "cpu":
        return
    torch.backends.cudnn.benchmark = not deterministic
    torch.use_deterministic_algorithms(deterministic)
    if deterministic:
        os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"  # read when cuBLAS starts
