"""The workflow as a module of another one, from a folder and from a git repository."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from .projects import (
    ROOT,
    TINY,
    Project,
    copy_project,
    install_library,
    make_repository,
    merge,
    run,
    same_weights,
)

WEIGHTS = "results/tiny/models/prefix_sums/delta/seed42.safetensors"
MODULE = """
configfile: "config.yaml"

module delta:
    snakefile: {snakefile}
    config: config

use rule * from delta as {names}
"""


def make_user(folder: Path, snakefile: str, names: str = "*") -> Project:
    """Write a workflow that uses this one, with the whole config of its own and our profile."""
    folder.mkdir()
    (folder / "Snakefile").write_text(MODULE.format(snakefile=snakefile, names=names))
    configs = (yaml.safe_load((ROOT / path).read_text()) for path in ("config.yaml", TINY))
    (folder / "config.yaml").write_text(yaml.safe_dump(merge(*configs)))
    shutil.copytree(ROOT / "profiles", folder / "profiles")
    return Project(folder)


def test_a_module_in_a_folder_makes_the_same_weights(tiny_run, tmp_path):
    module = copy_project(tmp_path / "übung 1" / "delta loss")
    user = make_user(
        tmp_path / "user", repr(str(module.folder / "workflow" / "Snakefile")), "our_*"
    )
    done = user.make(WEIGHTS, preset=None)
    assert "rule our_train_model:" in done.stderr
    assert same_weights(user.folder / WEIGHTS, tiny_run.folder / WEIGHTS)
    assert not (module.folder / "results").exists()


def test_a_module_from_git_makes_the_same_weights_with_the_library_from_pip(
    tiny_run, tmp_path, monkeypatch
):
    module = make_repository(tmp_path / "delta")
    commit = run(["git", "rev-parse", "HEAD"], module).stdout.strip()
    install_library(module, tmp_path / "installed")
    place = f'gitfile({str(module)!r}, path="workflow/Snakefile", commit="{commit}")'
    user = make_user(tmp_path / "user", place)
    lost = user.snakemake(WEIGHTS, preset=None)
    assert "No module named 'deltaloss'" in lost.stdout + lost.stderr
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "installed"))
    user.make(WEIGHTS, preset=None)
    assert same_weights(user.folder / WEIGHTS, tiny_run.folder / WEIGHTS)


@pytest.mark.parametrize("settings", [None, {"seeds": [1]}], ids=["whole", "changed"])
def test_the_workflow_s_own_snakefile_plans_the_same(fresh, settings):
    """Catalogs and modules look for workflow/Snakefile."""
    plans = [
        fresh.plan("--snakefile", path, settings=settings)
        for path in ("Snakefile", "workflow/Snakefile")
    ]
    assert plans[0].outputs == plans[1].outputs
    assert len(plans[0].jobs) > 40
