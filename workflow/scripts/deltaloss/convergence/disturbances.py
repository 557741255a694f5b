"""Names and sizes of the disturbances of a network's states; see `convergence.recovery`."""

from __future__ import annotations

RECOVERY_EXAMPLES = 100
"""First examples that are disturbed."""

NOISES = {"noise_0.1": 0.1, "noise_1": 1.0}
"""Norms of the added noise, relative to that of the state."""

SWAPPED = "swapped"

RECOVERY_COLUMNS = (
    *("example", "disturbance", "undisturbed_correct", "correct", "recovery_steps", "alignment"),
)
