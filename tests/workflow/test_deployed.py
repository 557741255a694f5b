"""The workflow as snakedeploy deploys it, from a repository that stands in for one on GitHub."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
import yaml

from .projects import (
    ROOT,
    TINY,
    Project,
    check,
    finish,
    install_library,
    make_repository,
    run,
    same_weights,
)

WEIGHTS = "results/tiny/models/prefix_sums/delta/seed42.safetensors"
ADDRESS = "https://github.com/some/delta-loss"

pytestmark = pytest.mark.system


@pytest.fixture
def hosted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a tag, to which git goes for the address."""
    repository = make_repository(tmp_path / "hosted")
    check(run(["git", "tag", "v9"], repository))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.file://{repository}.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", ADDRESS)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))  # Snakemake keeps clones there
    return repository


def test_deployed_into_an_empty_folder_it_makes_the_same_weights(
    hosted: Path, tiny_run: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("snakedeploy")
    folder, installed = tmp_path / "deployed", tmp_path / "installed"
    deploy = "import sys; from snakedeploy.client import main; sys.exit(main())"
    given = ["deploy-workflow", ADDRESS, str(folder), "--tag", "v9"]
    check(run([sys.executable, "-c", deploy, *given], tmp_path))
    install_library(hosted, installed)
    monkeypatch.setenv("PYTHONPATH", str(installed))
    config = yaml.safe_load((folder / "config" / "config.yaml").read_text())
    assert config["experiment"] == "paper"
    shutil.copytree(ROOT / Path(TINY).parent, folder / Path(TINY).parent)
    check(finish(Project(folder).start(WEIGHTS)))
    assert same_weights(folder / WEIGHTS, tiny_run.folder / WEIGHTS)
