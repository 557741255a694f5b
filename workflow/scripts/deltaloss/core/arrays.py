"""Arrays on disk as .npz, in which zip's checksums show damage."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltaloss.core.errors import DataError
from deltaloss.core.files import atomic_path, damaged


def save_arrays(path: Path, *, compress: bool, **arrays: NDArray[Any]) -> None:
    """Write arrays by name, atomically. Equal arrays that are not compressed are equal bytes."""
    save = np.savez_compressed if compress else np.savez
    with atomic_path(path) as temporary:
        save(temporary, allow_pickle=False, **arrays)


def load_arrays(path: Path, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Read the named arrays.

    Raises:
        DataError: the file is missing, damaged, or something else.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in names}
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such file") from error
    except Exception as error:  # numpy, zipfile and zlib raise anything on a damaged file
        raise damaged(path) from error
    if not all(isinstance(array, np.ndarray) for array in arrays.values()):
        raise damaged(path)
    return arrays
