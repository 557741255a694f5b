"""Results of an audit: checks, findings, and prints that identify equal examples.

The audit is `inspect(examples, source)` in ``puzzles/{name}/audit.py``; `source` is the value of
`data.source` in the config. This module stands apart from `puzzles.base`, so that a change of an
audit retrains nothing.

Shape letters: N examples, K of them looked at, C channels, *S pixels.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

CHUNK_BYTES = 1 << 25  # of inputs looked at together: bounds the scratch memory
_BINS = 20
_PRINT_BYTES = 8  # of 600,000 different examples two have one print with a chance of 1 in 10^8

Bits = NDArray[np.uint8]
Flags = NDArray[np.bool_]
Prints = NDArray[np.uint64]


@dataclass(frozen=True, kw_only=True)
class Check:
    """One question about many examples.

    Attributes:
        name: key in the report.
        fault: what a failing example does, after "12 of 400 examples ...".
        failed: bool [K].
        rows: numbers [K], from 0, of the examples looked at; None for all.
        proves: whether the label of an example that fails is wrong or unproven, so that nothing may
            be trained on it; otherwise the example is only unusual.
    """

    name: str
    fault: str
    failed: Flags
    rows: NDArray[np.int64] | None = None
    proves: bool = True

    def report(self) -> dict[str, int]:
        """Count the examples looked at and the failures."""
        return {"checked": len(self.failed), "failed": int(self.failed.sum())}

    def faults(self) -> list[str]:
        """List one line if there is a failure, with the first example that shows it."""
        failures = np.flatnonzero(self.failed)
        if not len(failures):
            return []
        first = int(failures[0]) if self.rows is None else int(self.rows[failures[0]])
        return [
            f"{len(failures)} of {len(self.failed)} examples looked at {self.fault} "
            f"(the first is number {first}, from 0)"
        ]


@dataclass(frozen=True, kw_only=True)
class Findings:
    """Results of a puzzle's audit for one file of examples.

    Attributes:
        checks: the questions asked.
        ones: how many of the counted target pixels are 1.
        counted: how many target pixels the loss counts.
        size: as in the config; None where there is one size only.
        solutions: `what` was measured of the solutions, such as their lengths, and the numbers.
        prints: name -> a number [N] for each example, equal where examples are equal in the sense
            of the name; "exact" is added to them.
        possible: name -> number of equally likely inputs, from which follows how many examples
            repeat by chance; where a name of `prints`, or "exact", is missing, any repetition is
            a surprise.
        details: further entries of the report.
        remarks: further warnings.
    """

    checks: list[Check]
    ones: int
    counted: int
    size: int | None = None
    solutions: Mapping[str, object] = field(default_factory=lambda: {"what": "not measured"})
    prints: Mapping[str, Prints] = field(default_factory=dict)
    possible: Mapping[str, float] = field(default_factory=dict)
    details: Mapping[str, object] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


def chunks(array: Bits) -> Iterator[slice]:
    """Yield slices over the examples of [N, ...], each of at most `CHUNK_BYTES` or one example."""
    step = max(1, CHUNK_BYTES // max(1, array[:1].size))
    for start in range(0, len(array), step):
        yield slice(start, start + step)


def prints_of(bits: Bits) -> Prints:
    """Compute a number [N] for each example of [N, ...], equal for equal bits, up to chance."""
    numbers = np.empty(len(bits), dtype=np.uint64)
    for part in chunks(bits):
        chunk = bits[part]
        numbers[part] = [
            int.from_bytes(hashlib.blake2b(row.data, digest_size=_PRINT_BYTES).digest())
            for row in np.packbits(chunk.reshape(len(chunk), -1), axis=1)
        ]
    return numbers


def describe_lengths(what: str, lengths: NDArray[np.int64]) -> dict[str, object]:
    """Sum up lengths [N]: the extremes, the middle, and at most 20 bins of whole numbers.

    Bin i holds the lengths from edges[i] to edges[i + 1] - 1.
    """
    if not len(lengths):
        return {"what": what, "count": 0}
    low, high = int(lengths.min()), int(lengths.max())
    width = -(-(high - low + 1) // _BINS)
    edges = np.arange(low, high + width + 1, width)
    counts, _ = np.histogram(lengths, edges)
    return {
        "what": what,
        "count": len(lengths),
        "least": low,
        "median": float(np.median(lengths)),
        "mean": float(lengths.mean()),
        "most": high,
        "edges": edges.tolist(),
        "counts": counts.tolist(),
    }
