"""A copy of the project, and a finished tiny run of it, for tests that run Snakemake."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("Snakefile", "config.yaml", "envs", "profiles", "workflow")
TINY = "workflow/presets/tiny.yaml"

_JOB = re.compile(
    r"^(?:local)?rule (\w+):\n(?:    (?!output).*\n)*    output: ([^,\n]+)", re.MULTILINE
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all of this folder, and let one worker do it: the tiny run is made once."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("workflow")
            item.add_marker(pytest.mark.xdist_group("workflow"))


@dataclass(frozen=True)
class Project:
    """A copy of the project in a folder of its own."""

    folder: Path

    def snakemake(self, *arguments: str, preset: str | None = TINY) -> subprocess.CompletedProcess:
        """Run Snakemake in the project as a user would."""
        config = ["--configfile", preset] if preset else []
        return subprocess.run(
            [sys.executable, "-m", "snakemake", "--cores", "2", *arguments, *config],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )

    def planned(self, *arguments: str, preset: str | None = TINY) -> list[tuple[str, str]]:
        """Dry-run and give what would be done: rule and first output of each job."""
        done = self.snakemake("--dry-run", *arguments, preset=preset)
        assert done.returncode == 0, done.stdout + done.stderr
        return sorted(set(_JOB.findall(done.stdout + done.stderr)))

    def overlay(self, settings: dict[str, Any]) -> None:
        """Change the tiny preset: lay settings over it."""
        path = self.folder / TINY
        path.write_text(yaml.safe_dump(merge(yaml.safe_load(path.read_text()), settings)))

    def edit(self, path: str, old: str, new: str) -> None:
        """Change a file of the library."""
        file = self.folder / "workflow" / "scripts" / "deltaloss" / path
        text = file.read_text()
        assert text.count(old) >= 1, f"{path} has no {old!r}; the test must follow the code"
        file.write_text(text.replace(old, new))


def merge(base: Any, overlay: Any) -> Any:
    """Lay one config over another."""
    if isinstance(base, dict) and isinstance(overlay, dict):
        return {**base, **{key: merge(base.get(key), value) for key, value in overlay.items()}}
    return overlay


def copy_project(folder: Path) -> Project:
    """Copy what belongs to the workflow, nothing that it makes."""
    folder.mkdir(parents=True)
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, folder / part)
    return Project(folder)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project in which nothing has been run."""
    return copy_project(tmp_path / "project")


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project in which the tiny preset has been run, whole. Not to be changed."""
    made = copy_project(tmp_path_factory.mktemp("tiny") / "project")
    started = time.monotonic()
    done = made.snakemake()
    assert done.returncode == 0, done.stdout + done.stderr
    print(f"the tiny run took {time.monotonic() - started:.0f} s")
    return made


@pytest.fixture
def finished(tiny_run: Project, tmp_path: Path) -> Iterator[Project]:
    """A finished project that the test may change."""
    shutil.copytree(tiny_run.folder, tmp_path / "project")
    yield Project(tmp_path / "project")
    shutil.rmtree(tmp_path / "project")
