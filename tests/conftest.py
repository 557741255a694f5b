"""Settings and options of all tests."""

from __future__ import annotations

import hypothesis
import pytest
import torch

# The networks of the tests are tiny: more threads only wait for each other.
torch.set_num_threads(1)

# No test asserts a time: the machine may be busy.
hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.load_profile("any machine")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what needs the finished tiny run first: one worker makes it while others run."""
    items.sort(key=lambda item: "tiny_run" not in getattr(item, "fixturenames", ()))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of ``pytest -m reference``: where the recorded numbers are computed again."""
    parser.addoption("--device", choices=["cpu", "cuda"], default="cpu")
    parser.addoption("--precision", choices=["fp32", "tf32", "bf16"], default="fp32")
