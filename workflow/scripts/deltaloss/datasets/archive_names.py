"""How the original archives are called."""

from __future__ import annotations

CHESS = "chess_data.tar.gz"


def archive_name(task: str, split: str, size: int | str) -> str:
    """Name the archive of prefix sums, one for all lengths, or of mazes of one size."""
    return f"maze_data_{split}_{size}.tar.gz" if task == "mazes" else "prefix_sums_data.tar.gz"
