"""Named random streams: a random number comes from (seed, purpose), not from the order of calls."""

from __future__ import annotations

import hashlib


def derive_seed(seed: int, *purpose: str | int) -> int:
    """Give the seed of the stream that `purpose` names, a whole number in [0, 2**63).

    The streams of two purposes are independent, so a job gives the same numbers beside any other
    job and in any order: ``derive_seed(42, "shuffle", epoch)``.
    """
    text = "/".join(str(part) for part in (seed, *purpose))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
