"""Settings and options of all tests."""

from __future__ import annotations

import pytest
import torch

# The networks of the tests are tiny: more threads only wait for each other.
torch.set_num_threads(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of ``pytest -m reference``: where the recorded numbers are computed again."""
    parser.addoption("--device", choices=["cpu", "cuda"], default="cpu")
    parser.addoption("--precision", choices=["fp32", "tf32", "bf16"], default="fp32")
