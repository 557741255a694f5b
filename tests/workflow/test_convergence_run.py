"""Convergence and recovery of the tiny networks, really measured."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest

from deltaloss.core.files import check_file, read_json
from deltaloss.evaluation.answers import load_answers

from .projects import DELTA, TASKS, Project


@pytest.fixture(scope="module")
def measured(tiny_run: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose networks have been measured. Its files are not to be changed."""
    folder = tmp_path_factory.mktemp("measured") / "project"
    shutil.copytree(tiny_run.folder, folder)
    project = Project(folder)
    project.make("convergence", "recovery", settings=DELTA)
    return project


def test_a_second_call_does_nothing(measured: Project):
    assert measured.plan("convergence", "recovery", settings=DELTA).jobs == ()


def test_every_network_is_measured(measured: Project):
    results = measured.folder / "results" / "tiny"
    for task in TASKS:
        steps, examples = (
            results / "convergence" / task / "delta" / f"seed42{part}.csv"
            for part in ("", "_examples")
        )
        for path in (steps, examples):
            check_file(path)
            assert read_json(path.with_suffix(".json"))["settings"]["precision"] == "fp32"
        answers = load_answers(results / "evaluations" / task / "delta" / "seed42.npz")
        assert len(pd.read_csv(steps)) == answers.steps
        ends = pd.read_csv(examples)
        np.testing.assert_array_equal(ends["correct"], answers.correct[-1])
        assert ends["radius"].notna().sum() == min(20, answers.examples)
        for kind in ("pdf", "svg", "png"):
            assert (results / "figures" / f"convergence_{task}.{kind}").stat().st_size > 1000
    table = pd.concat(
        pd.read_csv(results / "statistics" / f"convergence_{task}.csv") for task in TASKS
    )
    assert table["task"].tolist() == list(TASKS)
    shares = table.filter(regex="^(fixed|cycle|growing|drifting|not)_.*percent$").sum(axis=1)
    np.testing.assert_allclose(shares, 100)
    for task in TASKS:
        assert (results / "tables" / f"convergence_{task}.md").read_text().count("| Delta") == 2
        assert (results / "tables" / f"stopping_{task}.md").read_text().count("| Delta") == 2
        stops = pd.read_csv(results / "statistics" / f"stopping_{task}.csv")
        curve = pd.read_csv(results / "evaluations" / task / "delta" / "seed42.csv")
        best = stops[stops["rule"] == "best"].iloc[0]
        assert best["accuracy_percent"] == curve["accuracy_percent"].max()
        assert best["step"] == curve.loc[curve["accuracy_percent"].idxmax(), "step"]


def test_recovery_starts_from_the_evaluation_s_answers(measured: Project):
    results = measured.folder / "results" / "tiny"
    for task in TASKS:
        path = results / "recovery" / task / "delta" / "seed42.csv"
        check_file(path)
        rows = pd.read_csv(path)
        answers = load_answers(results / "evaluations" / task / "delta" / "seed42.npz")
        for _, disturbed in rows.groupby("disturbance"):
            right = answers.correct[-1, disturbed["example"]]
            assert not (disturbed["undisturbed_correct"] & ~right).any()
        assert (results / "tables" / f"recovery_{task}.md").read_text().count("| Delta") == 5
