"""What is said of a run whose outputs are committed."""

from __future__ import annotations

import subprocess

import pandas as pd
import pytest

from deltaloss.files import write_json
from deltaloss.publishing import describe_run


@pytest.fixture
def summary(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "histories" / "mazes" / "delta" / "seed42.json"
    write_json(path, {"best_epoch": 2, "data_digest": "abc"})
    frame = pd.DataFrame({"train_seconds": [1.5, 2.0], "validation_seconds": [0.25, 0.25]})
    frame.to_csv(path.with_suffix(".csv"), index=False)
    return path


def git(*arguments: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


def test_each_training_with_its_seconds(summary):
    trainings = describe_run("trial", [summary])["trainings"]
    assert trainings == {
        "mazes/delta/seed42": {"best_epoch": 2, "data_digest": "abc", "wall_seconds": 4.0}
    }


def test_outside_a_repository_the_commit_is_unknown(summary):
    described = describe_run("trial", [summary])
    assert (described["commit"], described["changed_files"]) == (None, None)
    assert described["processor"]


def test_commit_and_files_that_differ_from_it(summary, tmp_path):
    git("init")
    (tmp_path / "config.yaml").write_text("a")
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "README.md").write_text("a")
    git("add", "config.yaml", "results")
    git("commit", "-m", "first")
    assert describe_run("trial", [summary])["changed_files"] == []
    (tmp_path / "config.yaml").write_text("b")
    (tmp_path / "results" / "README.md").write_text("b")
    described = describe_run("trial", [summary])
    assert described["changed_files"] == ["config.yaml"]
    assert len(str(described["commit"])) == 40
