"""Audit of prefix sums: every label added up again, as whole numbers.

Shape letters: N strings, L bits each.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deltaloss.datasets.audit_base import Bits, Check, Findings, chunks, describe_lengths
from deltaloss.datasets.store import Examples
from deltaloss.errors import DataError

_SURPRISE = 6.0  # standard deviations


def inspect(examples: Examples, source: str) -> Findings:
    """Verify the sums, modulo 2, of inputs [N, 1, L].

    Args:
        examples: the strings and their prefix sums.
        source: where they come from; makes no difference here.

    Raises:
        DataError: the examples are no strings of bits.
    """
    if examples.inputs.ndim != 3 or examples.inputs.shape[1] != 1:
        raise DataError(f"prefix sums: inputs are {examples.inputs.shape}, must be [N, 1, L]")
    strings, bits = examples.inputs[:, 0], examples.inputs.shape[2]
    wrong = np.zeros(len(examples), dtype=np.bool_)
    lengths = np.zeros(len(examples), dtype=np.int64)
    for part in chunks(strings):
        sums = np.cumsum(strings[part], axis=1, dtype=np.int32)
        wrong[part] = (sums % 2 != examples.targets[part]).any(axis=1)
        lengths[part] = sums[:, -1]
    return Findings(
        size=bits,
        checks=[Check(name="labels", fault="have wrong prefix sums", failed=wrong)],
        ones=int(np.count_nonzero(examples.targets)),
        counted=examples.targets.size,
        solutions=describe_lengths("ones in the input", lengths),
        prints={},
        possible={"exact": 2.0 ** min(bits, 1000)},
        details={"input_ones_percent": _percent(strings)},
        remarks=_biased(lengths, strings.size),
    )


def _percent(strings: Bits) -> float:
    return 100.0 * np.count_nonzero(strings) / max(1, strings.size)


def _biased(ones: NDArray[np.int64], total: int) -> list[str]:
    """Say so if the bits cannot well be fair."""
    excess = float(ones.sum()) - total / 2
    if abs(excess) <= _SURPRISE * (total / 4) ** 0.5:
        return []
    return [f"{50 + 100 * excess / total:.2f}% of the input bits are 1, which fair bits are not"]
