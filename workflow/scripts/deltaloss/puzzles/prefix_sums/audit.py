"""Audit of prefix sums: every label added up again, as whole numbers.

Shape letters: N strings, L bits each.
"""

from __future__ import annotations

import numpy as np

from deltaloss.core.errors import DataError
from deltaloss.puzzles.base import Examples
from deltaloss.puzzles.checks import Check, Findings, chunks, describe_lengths

_SURPRISE = 6.0  # standard deviations


def inspect(examples: Examples, source: str) -> Findings:
    """Verify the sums, modulo 2, of inputs [N, 1, L].

    Args:
        examples: the strings and their prefix sums.
        source: makes no difference here.

    Raises:
        DataError: the examples are no strings of bits.
    """
    if examples.inputs.ndim != 3 or examples.inputs.shape[1] != 1:
        raise DataError(f"prefix sums: inputs are {examples.inputs.shape}, must be [N, 1, L]")
    strings = examples.inputs[:, 0]
    wrong = np.zeros(len(strings), dtype=np.bool_)
    lengths = np.zeros(len(strings), dtype=np.int64)
    for part in chunks(strings):
        sums = np.cumsum(strings[part], axis=1, dtype=np.int32)
        wrong[part] = (sums % 2 != examples.targets[part]).any(axis=1)
        lengths[part] = sums[:, -1]
    total, bits = strings.size, strings.shape[1]
    percent = 100.0 * float(lengths.sum()) / total
    biased = abs(percent - 50) > _SURPRISE * 50 / total**0.5
    return Findings(
        size=bits,
        checks=[Check(name="labels", fault="have wrong prefix sums", failed=wrong)],
        ones=int(np.count_nonzero(examples.targets)),
        counted=examples.targets.size,
        solutions=describe_lengths("ones in the input", lengths),
        possible={"exact": 2.0 ** min(bits, 1000)},
        details={"input_ones_percent": percent},
        remarks=[f"{percent:.2f}% of the input bits are 1, fair bits are not so"] if biased else [],
    )
