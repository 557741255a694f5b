"""The processor of this machine, in words."""

from __future__ import annotations

import pytest

from deltaloss.core.machine import processor, processor_model


@pytest.mark.parametrize(
    ("text", "model"),
    [
        ("2 x AMD EPYC", "AMD EPYC"),
        ("16 x Intel(R) Xeon(R) x 2", "Intel(R) Xeon(R) x 2"),
        ("?", "?"),
    ],
)
def test_the_model_is_without_the_number(text, model):
    assert processor_model(text) == model


def test_this_machine_has_one():
    assert processor()
