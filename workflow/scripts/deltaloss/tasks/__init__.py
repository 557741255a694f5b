"""One module a puzzle, named as in the config, each with its `TASK`.

A module is imported only when its puzzle is asked for, so adding a puzzle retrains nothing.
"""

from __future__ import annotations

from importlib import import_module

from deltaloss.tasks.base import Task

__all__ = ["Task", "load_task"]


def load_task(name: str) -> Task:
    """Give the puzzle of that name."""
    task: Task = import_module(f"{__name__}.{name}").TASK
    return task
