"""How many examples go where."""

from __future__ import annotations


def training_count(count: int, validation_fraction: float) -> int:
    """Give how many of `count` examples are trained on; the others are for validation.

    Rounded down, as the released code does; the small term keeps 0.8 * 10 from becoming 7.
    """
    return int((1 - validation_fraction) * count + 1e-9)
