"""Losses, runs and weights as configs, paths and tables name them.

A run is a loss, with the value of its parameter where it has one: ``delta``, ``progressive-0.5``.
Where both the selected weights of a training and those of its last epoch are kept, the latter are
a run of their own, ``delta@last``. The weights of a run are named by the seed they were trained
from, ``seed42``, or ``released``.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from deltaloss.core.errors import ConfigError, nearest


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """The number that distinguishes the runs of one loss.

    Attributes:
        name: in error messages, and of the argument of the loss.
        symbol: in tables and figures.
        low: smallest value allowed, not negative.
        high: largest value allowed.
        whole: whether only whole numbers are.
    """

    name: str
    symbol: str
    low: float
    high: float
    whole: bool = False


# One line for each loss, a module of deltaloss.losses: its parameter, or None.
LOSSES: dict[str, Parameter | None] = {
    "delta": None,
    "progressive": Parameter(name="alpha", symbol="α", low=0, high=1),
    "delta_random": None,
    "delta_every": Parameter(name="lambda", symbol="λ", low=1, high=100, whole=True),
    "all_steps": None,
}

PAPER_LOSSES = ("delta", "progressive")
"""The losses that the paper compares and its released code has."""

RELEASED = "released"
"""Name of published weights, which belong to no seed of ours."""

LAST = "@last"
"""Ends the name of a run whose weights are those of the last epoch."""

WEIGHTS_PATTERN = rf"seed(?:0|[1-9][0-9]*)|{RELEASED}"

_NUMBER = re.compile(r"[0-9]*\.?[0-9]+(e-?[0-9]+)?")


@dataclass(frozen=True, kw_only=True)
class Run:
    """A loss and the value of its parameter.

    Attributes:
        value: None for a loss without a parameter.
        last: whether the weights are those of the last epoch, beside selected ones.
    """

    loss: str
    value: float | None = None
    last: bool = False

    @property
    def name(self) -> str:
        """The run in configs and paths: "progressive-0.5"."""
        value = "" if self.value is None else f"-{write_number(self.value)}"
        return f"{self.loss}{value}{LAST if self.last else ''}"

    @property
    def label(self) -> str:
        """The run in figures and tables: "Progressive, α = 0.5, last epoch"."""
        label, parameter = self.loss.replace("_", " ").capitalize(), LOSSES[self.loss]
        if self.value is not None and parameter is not None:
            label += f", {parameter.symbol} = {write_number(self.value)}"
        return f"{label}, last epoch" if self.last else label


def write_number(value: float) -> str:
    """Shortest exact decimal without an exponent: 0.5, 1, 0.0000001."""
    return f"{Decimal(repr(value)).normalize():f}"


def run_pattern() -> str:
    """Regular expression of the names of trained runs, with numbers as `write_number` does."""
    return "|".join(
        loss if parameter is None else f"{loss}-{_number_pattern(parameter)}"
        for loss, parameter in LOSSES.items()
    )


def _number_pattern(parameter: Parameter) -> str:
    """Regular expression of the values between the whole numbers around a parameter's range."""
    low, high = math.floor(parameter.low), math.ceil(parameter.high)
    whole = "|".join(str(number) for number in range(low, high))
    fraction = "" if parameter.whole else r"(?:\.[0-9]*[1-9])?"
    return rf"(?:(?:{whole}){fraction}|{high})"


def parse_run(text: str) -> Run:
    """Read the name of a run.

    Raises:
        ConfigError: an unknown loss, or one without a module; a value that is missing, not wanted
            or out of range.
    """
    name = text.removesuffix(LAST)
    loss, _, number = name.partition("-")
    last = name != text
    parameter = _parameter(loss)
    if parameter is None:
        if name != loss:
            raise ConfigError(f"'{text}': the {loss} loss has no parameter; write '{loss}'")
        return Run(loss=loss, last=last)
    low, high = parameter.low, parameter.high
    if not _NUMBER.fullmatch(number):
        example = write_number(high if parameter.whole else (low + high) / 2)
        raise ConfigError(
            f"'{text}': the {loss} loss needs {parameter.name}, a number from {low} to {high}; "
            f"write for example '{loss}-{example}'"
        )
    if not low <= float(number) <= high:
        raise ConfigError(f"'{text}': {parameter.name} is {number}, allowed is {low} to {high}")
    if parameter.whole and not float(number).is_integer():
        raise ConfigError(f"'{text}': {parameter.name} is {number}, it must be a whole number")
    return Run(loss=loss, value=float(number), last=last)


def _parameter(loss: str) -> Parameter | None:
    """Parameter of a loss. ConfigError: there is no such loss, or it has no module."""
    if loss not in LOSSES:
        known = ", ".join(LOSSES)
        raise ConfigError(f"there is no loss '{loss}'{nearest(loss, LOSSES)}; known: {known}")
    if not (Path(__file__).parents[1] / "losses" / f"{loss}.py").is_file():
        raise ConfigError(f"the loss '{loss}' is in core/runs.py, but has no losses/{loss}.py")
    return LOSSES[loss]


def weights_name(seed: int) -> str:
    """Name of the weights trained from a seed: "seed42"."""
    return f"seed{seed}"


def weights_seed(name: str) -> int | None:
    """Seed of weights that we trained; None for released ones."""
    return None if name == RELEASED else int(name.removeprefix("seed"))
