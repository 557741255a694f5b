"""How the original archives are called."""

from __future__ import annotations

import re

CHESS = "chess_data.tar.gz"

_KNOWN = re.compile(
    r"(chess_data|prefix_sums_data|maze_data_(train|test)_[0-9]+)\.tar\.gz|[^/]+\.zst"
)


def archive_name(task: str, split: str, size: int) -> str:
    """Name the archive of prefix sums, one for all lengths, or of mazes of one size."""
    return f"maze_data_{split}_{size}.tar.gz" if task == "mazes" else "prefix_sums_data.tar.gz"


def is_known(name: str) -> bool:
    """Tell whether an archive, or a compressed puzzle file, can have this name."""
    return _KNOWN.fullmatch(name) is not None
