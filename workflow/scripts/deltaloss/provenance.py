"""Where a small result comes from: the file beside each table, figure and statistic."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("numpy", "pandas", "scipy", "matplotlib")


def describe_job(settings: Mapping[str, object], inputs: Iterable[str]) -> dict[str, object]:
    """Describe a job that reads files and computes little; its device does not matter.

    Args:
        settings: of the job, the digest of its code among them.
        inputs: the files it read; each has its own provenance beside or in it.
    """
    return {
        "settings": settings,
        "inputs": {path: _digest(Path(path)) for path in inputs},
        "versions": {"python": platform.python_version(), **{p: version(p) for p in PACKAGES}},
    }


def _digest(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
