"""Weights on disk as safetensors, which carries no code; conversion from and to the published form.

The published form names parameters by their place in nested containers; a checkpoint made on
several GPUs has the same names behind ``module.``. One-dimensional filters have one axis less.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from deltaloss.core.errors import DataError
from deltaloss.core.files import atomic_path, check_name, damaged
from deltaloss.model.network import RecallNetwork

PUBLISHED_NAMES = {
    "projection.weight": "projection.0.weight",
    "recall.weight": "recur_block.0.weight",
    "blocks.0.conv1.weight": "recur_block.2.0.conv1.weight",
    "blocks.0.conv2.weight": "recur_block.2.0.conv2.weight",
    "blocks.1.conv1.weight": "recur_block.2.1.conv1.weight",
    "blocks.1.conv2.weight": "recur_block.2.1.conv2.weight",
    "head.0.weight": "head.0.weight",
    "head.1.weight": "head.2.weight",
    "head.2.weight": "head.4.weight",
}


def save_weights(
    path: Path, weights: Mapping[str, Tensor], *, provenance: Mapping[str, object]
) -> None:
    """Write weights with their provenance (JSON values) and the digest of both, atomically."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    text = json.dumps(provenance, sort_keys=True)
    content = save(plain, {"provenance": text, "sha256": _sha256(plain, text)})
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def load_weights(path: Path, network: RecallNetwork) -> dict[str, object]:
    """Load weights into the network and return their provenance.

    Raises:
        DataError: the file is missing, damaged, something else or that of another training, or
            its weights do not fit.
    """
    try:
        with safe_open(path, framework="pt") as stored:
            weights = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
            notes = stored.metadata() or {}
        text = notes["provenance"]
        intact = notes["sha256"] == _sha256(weights, text)
        provenance: dict[str, object] = json.loads(text)
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such file") from error
    except (SafetensorError, OSError, KeyError, RuntimeError, TypeError, ValueError) as error:
        raise damaged(path) from error
    if not intact:
        raise damaged(path)
    check_name(path, provenance)
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise DataError(f"{path}: these weights do not fit the network: {reason}") from error
    return provenance


def _sha256(weights: Mapping[str, Tensor], provenance: str) -> str:
    """Digest of names, types, shapes and bits of contiguous weights, and of their provenance."""
    result = hashlib.sha256(provenance.encode())
    for name, tensor in sorted(weights.items()):
        result.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        result.update(tensor.numpy().data)
    return result.hexdigest()


def from_published(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Convert published weights to our names and shapes.

    Raises:
        DataError: a name of the published network is missing.
    """
    bare = {name.removeprefix("module."): tensor for name, tensor in weights.items()}
    missing = sorted(set(PUBLISHED_NAMES.values()) - set(bare))
    if missing:
        raise DataError(f"not a published checkpoint: {', '.join(missing)} not found")
    ours = {name: bare[published] for name, published in PUBLISHED_NAMES.items()}
    return {
        name: tensor.unsqueeze(2) if tensor.dim() == 3 else tensor for name, tensor in ours.items()
    }


def to_published(weights: Mapping[str, Tensor], *, dimensions: int) -> dict[str, Tensor]:
    """Convert our weights to the published names and shapes; the inverse of `from_published`."""
    return {
        published: weights[name].squeeze(2) if dimensions == 1 else weights[name]
        for name, published in PUBLISHED_NAMES.items()
    }
