"""The known word nearest to an unknown one, for error messages."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(word: str, known: Iterable[str]) -> str:
    """Give " (did you mean 'X'?)" where a known word is near, and nothing otherwise."""
    matches = get_close_matches(word, [str(one) for one in known], n=1, cutoff=0.6)
    return f" (did you mean '{matches[0]}'?)" if matches else ""
