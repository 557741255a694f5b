"""Runs: a loss, and its alpha where it has one, as written in configs, paths and tables."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from deltaloss.errors import ConfigError
from deltaloss.suggestions import nearest

# For each loss, a module of deltaloss.losses, whether its runs carry an alpha.
LOSSES = {"delta": False, "progressive": True}

_NUMBER = re.compile(r"[0-9]*\.?[0-9]+(e-?[0-9]+)?")


@dataclass(frozen=True, kw_only=True)
class Run:
    """One way to train: ``delta``, or ``progressive-0.5`` with alpha 0.5."""

    loss: str
    alpha: float | None = None

    @property
    def name(self) -> str:
        """The run as it is written in paths."""
        return self.loss if self.alpha is None else f"{self.loss}-{write_alpha(self.alpha)}"

    @property
    def label(self) -> str:
        """The run as figures and tables name it."""
        loss = self.loss.replace("_", " ").capitalize()
        return loss if self.alpha is None else f"{loss}, α = {write_alpha(self.alpha)}"


def write_alpha(alpha: float) -> str:
    """Write alpha exactly, as short as can be and without an exponent: 0.5, 1, 0.0000001."""
    return f"{Decimal(repr(alpha)).normalize():f}"


def run_pattern() -> str:
    """Give a regular expression of how runs are written in paths."""
    alpha = r"(0|1|0\.[0-9]+)"
    return "|".join(f"{loss}-{alpha}" if has_alpha else loss for loss, has_alpha in LOSSES.items())


def check_loss(loss: str) -> None:
    """Refuse the name of a loss that does not exist, or has no module."""
    if loss not in LOSSES:
        known = ", ".join(LOSSES)
        raise ConfigError(f"there is no loss '{loss}'{nearest(loss, LOSSES)}; known: {known}")
    if not (Path(__file__).parent / "losses" / f"{loss}.py").is_file():
        raise ConfigError(f"the loss '{loss}' is in deltaloss/runs.py, but has no losses/{loss}.py")


def parse_run(text: str) -> Run:
    """Read a run as written in a config.

    Raises:
        ConfigError: an unknown loss, an alpha that is missing, not wanted or outside [0, 1].
    """
    loss, _, number = text.partition("-")
    check_loss(loss)
    if not LOSSES[loss]:
        if number or text != loss:
            raise ConfigError(f"'{text}': the {loss} loss has no alpha; write '{loss}'")
        return Run(loss=loss)
    if not _NUMBER.fullmatch(number):
        raise ConfigError(
            f"'{text}': the {loss} loss needs an alpha from 0 to 1; write for example '{loss}-0.5'"
        )
    if not 0 <= float(number) <= 1:
        raise ConfigError(f"'{text}': alpha is {number}, allowed is 0 to 1")
    return Run(loss=loss, alpha=float(number))
