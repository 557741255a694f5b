"""Errors that a user can cause, each one clear line: what, where, what is allowed, what to do."""

from __future__ import annotations


class UserError(Exception):
    """Something the user can put right. Its text is one line and needs no traceback."""


class ConfigError(UserError):
    """A configuration that cannot work, found before any job starts."""


class DataError(UserError):
    """A data file that cannot be used; the text names the file and the line, if there is one."""


class TrainingError(UserError):
    """A training that cannot go on; the text names the epoch and batch."""


class OneTooManyError(UserError):
    """A device whose memory does not hold one example."""
