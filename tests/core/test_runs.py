"""Names of runs and weights are read back as written, and wrong ones are refused."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deltaloss.core.errors import ConfigError
from deltaloss.core.runs import (
    LOSSES,
    WEIGHTS_PATTERN,
    Parameter,
    Run,
    parse_run,
    run_pattern,
    weights_name,
    weights_seed,
)


@given(st.floats(0, 1))
def test_every_alpha_is_read_back_from_its_name_and_fits_the_pattern(alpha: float) -> None:
    name = Run(loss="progressive", value=alpha).name
    assert parse_run(name) == Run(loss="progressive", value=alpha)
    assert re.fullmatch(run_pattern(), name)


@pytest.mark.parametrize(
    ("text", "name", "label"),
    [
        ("delta", "delta", "Delta"),
        ("progressive-0.50", "progressive-0.5", "Progressive, α = 0.5"),
        ("progressive-1e-3", "progressive-0.001", "Progressive, α = 0.001"),
        ("progressive-1.0", "progressive-1", "Progressive, α = 1"),
        ("delta@last", "delta@last", "Delta, last epoch"),
        ("progressive-1.0@last", "progressive-1@last", "Progressive, α = 1, last epoch"),
    ],
)
def test_a_run_has_one_name_and_a_label(text, name, label):
    run = parse_run(text)
    assert (run.name, run.label) == (name, label)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dleta", r"there is no loss 'dleta' \(did you mean 'delta'\?\); known: "),
        ("delta-0.5", r"the delta loss has no parameter; write 'delta'"),
        ("delta@first", r"there is no loss 'delta@first'"),
        ("delta@last@last", r"there is no loss 'delta@last'"),
        ("delta-", r"the delta loss has no parameter"),
        ("progressive", r"needs alpha, a number from 0 to 1; write for example 'progressive-0\.5'"),
        ("progressive-nan", r"needs alpha"),
        ("progressive--0.5", r"needs alpha"),
        ("progressive-1.5", r"'progressive-1\.5': alpha is 1\.5, allowed is 0 to 1"),
    ],
)
def test_a_wrong_run_is_refused(text, message):
    with pytest.raises(ConfigError, match=message):
        parse_run(text)


def test_a_loss_without_a_module_is_refused(monkeypatch):
    monkeypatch.setitem(LOSSES, "lost", None)
    with pytest.raises(
        ConfigError, match=r"'lost' is in core/runs\.py, but has no losses/lost\.py"
    ):
        parse_run("lost")


def test_paths_hold_each_run_under_one_name_only():
    pattern = re.compile(run_pattern())
    refused = ("delta-0.5", "progressive", "progressive-2", "progressive-.5", "progressive-0.50")
    assert not [name for name in refused if pattern.fullmatch(name)]


def test_another_loss_has_a_parameter_of_its_own(monkeypatch):
    steps = Parameter(name="steps", symbol="n", low=2, high=12)
    monkeypatch.setitem(LOSSES, "delta", steps)
    assert parse_run("delta-10").label == "Delta, n = 10"
    matched = [
        n for n in ("1", "2", "2.5", "12", "13") if re.fullmatch(run_pattern(), f"delta-{n}")
    ]
    assert matched == ["2", "2.5", "12"]
    with pytest.raises(ConfigError, match="steps is 13, allowed is 2 to 12"):
        parse_run("delta-13")


def test_a_parameter_may_be_whole():
    assert parse_run("delta_every-5").label == "Delta every, λ = 5"
    names = ("delta_every-1", "delta_every-100", "delta_every-2.5", "delta_every-0")
    assert [name for name in names if re.fullmatch(run_pattern(), name)] == list(names[:2])
    with pytest.raises(ConfigError, match=r"lambda is 2\.5, it must be a whole number"):
        parse_run("delta_every-2.5")
    with pytest.raises(ConfigError, match="write for example 'delta_every-100'"):
        parse_run("delta_every")


def test_weights_are_named_by_their_seed_or_released():
    assert weights_seed(weights_name(42)) == 42
    assert weights_seed("released") is None
    names = ("seed0", "seed42", "released", "seed042", "seed", "best")
    assert [name for name in names if re.fullmatch(WEIGHTS_PATTERN, name)] == list(names[:3])
