"""Checkpoints of the published implementations: read without code, checked, in our names.

Both keep the weights under ``net``, with ``module.`` before each name where several GPUs trained
them. They differ in two dimensions: the earlier implementation (Bansal et al., 2022) has no ReLU
after the recall convolution, so the places of its layers in ``recur_block`` are lower by one.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from deltaloss.core.errors import DataError, printable
from deltaloss.core.files import file_sha256
from deltaloss.data.archives import check_pin
from deltaloss.model.network import RecallNetwork
from deltaloss.model.weights import from_published, to_published

NET, EPOCH = "net", "epoch"
PREFIX = "module."
BLOCKS, BLOCKS_WITHOUT_RELU = "recur_block.2.", "recur_block.1."
SHOWN = 3  # tensors named in one line

_UNREADABLE = (
    *(pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError, TypeError),
    *(KeyError, AttributeError, IndexError, ImportError, OverflowError, MemoryError),
)


def identify(path: Path, source: Mapping[str, str]) -> tuple[str, str | None]:
    """Return a checkpoint's SHA-256, and the address that it was fetched from, if it was.

    Args:
        path: of the checkpoint.
        source: see `ReleasedWeights.source`.

    Raises:
        DataError: it is not the file that the config was read with, or that was fetched.
    """
    if "repository" in source:
        sha256, address = check_pin(path, None)
        return sha256, address or None
    sha256 = file_sha256(path)
    if sha256 != source["sha256"]:
        raise DataError(f"{path}: was changed since the config was read; start again")
    return sha256, None


def read_checkpoint(path: Path) -> tuple[dict[str, Tensor], int | None]:
    """Read the weights of a checkpoint, and the epoch that they are of, if it says so.

    The file is read as data only (`weights_only`): its other keys may hold anything but code.

    Args:
        path: of what `torch.save` wrote: a mapping with the weights under ``net``, or the weights.

    Raises:
        DataError: the file is missing, damaged, or no such checkpoint.
    """
    if not path.is_file():
        raise DataError(f"{path}: there is no such file")
    try:
        stored: Any = torch.load(path, map_location="cpu", weights_only=True)
    except _UNREADABLE as error:
        raise DataError(
            f"{path}: not a checkpoint that holds data only: {_reason(error)}"
        ) from error
    keys = stored if isinstance(stored, Mapping) else {}
    weights, epoch = keys.get(NET, keys), keys.get(EPOCH)
    if not isinstance(weights, Mapping) or not weights:
        raise DataError(f"{path}: no checkpoint of a network: it has no weights under '{NET}'")
    others = [str(name) for name, one in weights.items() if not isinstance(one, Tensor)]
    if others:
        raise DataError(
            f"{path}: no checkpoint of a network: {_some(others)} should be tensors; the weights "
            f"must be the whole file or stand under '{NET}'"
        )
    named = {str(name).removeprefix(PREFIX): one for name, one in weights.items()}
    return named, epoch if isinstance(epoch, int) else None


def convert_checkpoint(
    path: Path, weights: Mapping[str, Tensor], network: RecallNetwork
) -> dict[str, Tensor]:
    """Convert the weights of a checkpoint to our names and shapes.

    Args:
        path: of the checkpoint, for errors.
        weights: from `read_checkpoint`.
        network: that the weights must fit; it is not changed.

    Raises:
        DataError: tensors are missing or surplus, or have another shape or type; numbers are not
            finite; a ReLU follows the recall convolution in one of the two networks only.
    """
    without_relu = any(name.startswith(BLOCKS_WITHOUT_RELU) for name in weights)
    found = {_present_name(name): one for name, one in weights.items()}
    expected = to_published(network.state_dict(), dimensions=network.dimensions)
    if differences := list(_differences(found, expected)):
        raise DataError(
            f"{path}: not weights of this network: {'; '.join(differences)}; see network in the "
            "config of this puzzle"
        )
    if without_relu == network.recall_relu:
        has, wanted = ("no", "false") if without_relu else ("a", "true")
        raise DataError(
            f"{path}: its network has {has} ReLU after the recall convolution; add recall_relu: "
            f"{wanted} beside its file"
        )
    wrong = [name for name, one in found.items() if not torch.isfinite(one).all()]
    if wrong:
        raise DataError(f"{path}: {_some(wrong)} hold numbers that are not finite")
    return from_published(found)


def _present_name(name: str) -> str:
    """Name of a tensor where a ReLU follows the recall convolution."""
    if name.startswith(BLOCKS_WITHOUT_RELU):
        return BLOCKS + name.removeprefix(BLOCKS_WITHOUT_RELU)
    return name


def _differences(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> Iterator[str]:
    """Yield what weights lack, have too many, and have in another form, each with shapes."""
    missing = [f"{name} {_form(one)}" for name, one in expected.items() if name not in found]
    surplus = [f"{name} {_form(one)}" for name, one in found.items() if name not in expected]
    other = [
        f"{name} {_form(found[name])} instead of {_form(one)}"
        for name, one in expected.items()
        if name in found and _form(found[name]) != _form(one)
    ]
    for word, tensors in (("missing", missing), ("too many", surplus), ("different", other)):
        if tensors:
            yield f"{word}: {_some(tensors)}"


def _form(tensor: Tensor) -> str:
    """Shape of a tensor, and its type if it is not single precision: "[32, 128, 3, 3]"."""
    kind = "" if tensor.dtype == torch.float32 else f" {str(tensor.dtype).removeprefix('torch.')}"
    return f"{list(tensor.shape)}{kind}"


def _some(names: list[str]) -> str:
    """List the first names, and count the others."""
    more = [f"{len(names) - SHOWN} more"] if len(names) > SHOWN else []
    return ", ".join(names[:SHOWN] + more)


def _reason(error: BaseException) -> str:
    """Describe an error of `torch.load` in one line; torch explains at length."""
    text = " ".join(str(error).split()) or type(error).__name__
    code = text.find("Unsupported global")
    text = text[code:].partition(" Please use")[0] if code >= 0 else text
    line = printable(text)
    return line if len(line) <= 150 else f"{line[:150]}..."
