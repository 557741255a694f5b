"""Projects for tests that run Snakemake: fresh copies, and one finished tiny run for all tests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from .projects import Project, copy_project, share


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("workflow")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project in which nothing has been run."""
    return copy_project(tmp_path / "project")


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project in which nothing has been run, for plans only: its files are not to be changed."""
    return copy_project(tmp_path_factory.mktemp("fresh") / "project")


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project in which the whole tiny preset has been run. Its files are not to be changed."""
    made = share(tmp_path_factory, "tiny_run", lambda folder: copy_project(folder).make())
    own = tmp_path_factory.mktemp("tiny") / "project"  # which no other worker reads
    shutil.copytree(made, own)
    return Project(own)


@pytest.fixture
def finished(tiny_run: Project, tmp_path: Path) -> Iterator[Project]:
    """A copy of the finished project, which the test may change."""
    shutil.copytree(tiny_run.folder, tmp_path / "project")
    yield Project(tmp_path / "project")
    shutil.rmtree(tmp_path / "project")
