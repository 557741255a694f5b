"""Where a small result comes from: the file beside each table, figure and statistic."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path

from deltaloss.files import file_sha256

PACKAGES = ("numpy", "pandas", "scipy", "matplotlib")


def describe_job(settings: Mapping[str, object], inputs: Iterable[str]) -> dict[str, object]:
    """Describe a job that reads files and computes little; its device does not matter.

    Args:
        settings: of the job, the digest of its code among them.
        inputs: the files it read; each has its own provenance beside or in it.
    """
    return {
        "settings": settings,
        "inputs": {path: file_sha256(Path(path)) for path in inputs},
        "versions": {"python": platform.python_version(), **{p: version(p) for p in PACKAGES}},
    }
