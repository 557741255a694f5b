"""Version and commit of the code that computes."""

from __future__ import annotations

import os
import subprocess

VERSION = "0.1.0"
"""Also in CITATION.cff; pyproject.toml reads it here."""


def describe_source() -> dict[str, object]:
    """Return the commit and the tracked files, results aside, that differ from it.

    Outside a repository the commit is the environment variable `COMMIT`, or None.
    """
    commit = _git("rev-parse", "HEAD") or os.environ.get("COMMIT")
    return {"commit": commit, "changed_files": _changed_files()}


def source_version() -> str:
    """Return the version and, in a repository, what `git describe` says.

    Examples: "0.1.0", "0.1.0 (c5ec6e6)", "0.1.0 (v0.1.0-3-gc5ec6e6, changed)".
    """
    described = _git("describe", "--always", "--tags") or os.environ.get("COMMIT", "")[:12]
    if not described:
        return VERSION
    changed = ", changed" if _changed_files() else ""
    return f"{VERSION} ({described}{changed})"


def _changed_files() -> list[str] | None:
    """Tracked files, results aside, that differ from the commit; None outside a repository."""
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", ":!results")
    return None if changed is None else [line[3:] for line in changed.splitlines()]


def _git(*arguments: str) -> str | None:
    """Return the output of a git command in the current folder; None when it fails."""
    try:
        done = subprocess.run(
            ["git", *arguments], capture_output=True, text=True, check=True, timeout=30
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.rstrip("\n")
