"""Training settings of each loss, from named sets of defaults and differences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deltaloss.core.errors import ConfigError, nearest
from deltaloss.core.runs import LOSSES

Sets = Mapping[str, Mapping[str, Any]]

BASE = "released"
"""The set below every other one."""


def resolve_training(
    shared: Sets, own: Sets, chosen: str, *, key: str
) -> dict[str, dict[str, Any]]:
    """Resolve the training settings of a puzzle by loss: set `released`, then the chosen set.

    In a set, plain keys hold for every loss and the keys under a loss's name for that loss; within
    a set the puzzle's keys override the shared ones, and a loss's keys override plain ones.

    Args:
        shared: sets of the section `training`.
        own: sets of the puzzle's section `training`.
        chosen: name of a set.
        key: the puzzle's section in the config, for error messages.

    Raises:
        ConfigError: neither section has the chosen set.
    """
    known = [*dict.fromkeys([*shared, *own])]
    if chosen not in known:
        raise ConfigError(
            f"hyperparameters: '{chosen}'{nearest(chosen, known)}: neither training nor "
            f"{key}.training has such a set; they have {', '.join(known)}"
        )
    layers = [
        sets.get(name, {}) for name in dict.fromkeys([BASE, chosen]) for sets in (shared, own)
    ]
    return {loss: _overlay(layers, loss) for loss in LOSSES}


def _overlay(layers: list[Mapping[str, Any]], loss: str) -> dict[str, Any]:
    """Return the settings of one loss; later layers win."""
    settings: dict[str, Any] = {}
    for layer in layers:
        settings |= {name: value for name, value in layer.items() if name not in LOSSES}
        settings |= layer.get(loss, {})
    return settings
