"""Version and commit of the code."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from deltaloss.core.source import VERSION, describe_source, source_version

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COMMIT", raising=False)


def git(*arguments: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True, timeout=60)


def make_repository(folder: Path) -> None:
    git("init")
    (folder / "results").mkdir()
    for name in ("config.yaml", "results/README.md"):
        (folder / name).write_text("before")
    git("add", "config.yaml", "results")
    git("commit", "-m", "first")


def test_changed_files_are_listed_but_results_are_not(tmp_path):
    make_repository(tmp_path)
    assert describe_source()["changed_files"] == []
    for name in ("config.yaml", "results/README.md"):
        (tmp_path / name).write_text("after")
    described = describe_source()
    assert described["changed_files"] == ["config.yaml"]
    assert len(str(described["commit"])) == 40


def test_the_version_has_tag_commit_and_whether_files_have_changed(tmp_path):
    make_repository(tmp_path)
    assert re.fullmatch(rf"{VERSION} \([0-9a-f]{{7,}}\)", source_version())
    git("tag", "v1")
    assert source_version() == f"{VERSION} (v1)"
    (tmp_path / "results" / "README.md").write_text("published")
    assert source_version() == f"{VERSION} (v1)"
    (tmp_path / "config.yaml").write_text("after")
    assert source_version() == f"{VERSION} (v1, changed)"


def test_outside_a_repository_there_is_the_version_and_a_commit_that_was_carried(monkeypatch):
    assert source_version() == VERSION
    assert describe_source() == {"commit": None, "changed_files": None}
    monkeypatch.setenv("COMMIT", "0123456789abcdef")
    assert source_version() == f"{VERSION} (0123456789ab)"
    assert describe_source()["commit"] == "0123456789abcdef"


def test_the_citation_has_the_same_version():
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == VERSION
