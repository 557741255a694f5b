"""Named random streams: random numbers depend on seed and purpose, not on the order of calls."""

from __future__ import annotations

import hashlib


def derive_seed(seed: int, *purpose: str | int) -> int:
    """Seed of the random stream named by `purpose`, a whole number in [0, 2**63).

    Streams of different purposes are independent, so a job draws the same numbers beside any other
    job and in any order: ``derive_seed(42, "shuffle", epoch)``.
    """
    text = "/".join(str(part) for part in (seed, *purpose))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
