"""Errors for users, each one line: what, where, what is allowed, what to do."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class UserError(Exception):
    """An error that the user can correct; its text is one line and is shown without a traceback."""


class ConfigError(UserError):
    """A configuration that cannot work, found before any job starts."""


class DataError(UserError):
    """A data file that cannot be used; the text names the file, and the line if there is one."""


class TrainingError(UserError):
    """A training that cannot start, resume or continue; the text says where it stopped."""


class MemoryShortageError(UserError):
    """A device without enough memory; the text says how much there is and what to change."""


def printable(text: str) -> str:
    """Text from outside without the characters that steer a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def nearest(word: str, known: Iterable[str]) -> str:
    """Suggestion " (did you mean 'X'?)" of the nearest known word; empty where none is near."""
    matches = get_close_matches(word, [str(one) for one in known], n=1, cutoff=0.6)
    return f" (did you mean '{matches[0]}'?)" if matches else ""
