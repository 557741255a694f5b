"""From checkpoints that others trained, on a hub and in a folder, to their answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import yaml
from safetensors import safe_open
from safetensors.torch import load_file

from deltaloss.config.settings import NetworkSettings
from deltaloss.model.make import make_network
from deltaloss.model.network import RecallNetwork
from deltaloss.puzzles.base import load_task

from ..data.hub import LATER, REPOSITORY, REVISION, Hub, digest, serve_hub
from ..model.published_checkpoints import write_checkpoint
from .projects import ROOT, TINY

FILE = "training-of-mazes/model_best.pth"
NETWORKS = {
    task: section["network"]
    for task, section in yaml.safe_load((ROOT / TINY).read_text())["tasks"].items()
}


def network(task: str, seed: int, *, recall_relu: bool = True) -> RecallNetwork:
    settings = NetworkSettings(**NETWORKS[task], recall_relu=recall_relu)
    return make_network(load_task(task), settings, seed=seed)


def checkpoint(path: Path, one: RecallNetwork) -> bytes:
    write_checkpoint(path, one, prefix="module.")
    return path.read_bytes()


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A hub with two commits of a checkpoint of mazes, where HF_ENDPOINT says."""
    ours = {
        commit: network("mazes", seed, recall_relu=False)
        for seed, commit in enumerate((REVISION, LATER))
    }
    files = {
        (REPOSITORY, commit, FILE): checkpoint(tmp_path / f"{commit}.pth", one)
        for commit, one in ours.items()
    }
    with serve_hub(Hub(files)) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.address)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf_home"))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
        yield served


def test_released_weights_are_evaluated_without_a_training(project, hub):
    sums = network("prefix_sums", 3)
    checkpoint(project.folder / "theirs" / "model_best.pth", sums)

    def settings(revision):
        mazes = {"repository": REPOSITORY, "revision": revision, "file": FILE, "recall_relu": False}
        return {
            "tasks": {
                "mazes": {"released": {"delta": mazes}},
                "prefix_sums": {"released": {"progressive-1": {"file": "theirs"}}},
            }
        }

    done = project.make("released", settings=settings(REVISION))
    assert "rule train_model" not in done.stdout + done.stderr
    models = project.folder / "results/tiny/models"
    found = load_file(models / "prefix_sums/progressive-1/released.safetensors")
    assert all(torch.equal(found[name], one) for name, one in sums.state_dict().items())
    with safe_open(models / "mazes/delta/released.safetensors", framework="pt") as stored:
        provenance = json.loads(stored.metadata()["provenance"])
    assert provenance["settings"]["source"]["revision"] == REVISION
    assert provenance["checkpoint"] == {
        "address": f"{hub.address}/datasets/{REPOSITORY}/resolve/{REVISION}/{FILE}",
        "epoch": 7,
        "sha256": digest(hub.files[REPOSITORY, REVISION, FILE]),
    }
    evaluations = project.folder / "results/tiny/evaluations"
    summary = json.loads((evaluations / "mazes/delta/released.json").read_text())
    assert summary["settings"]["network"]["recall_relu"] is False
    assert summary["trained"] == provenance

    again = project.plan("released", settings=settings(REVISION))
    assert again.rules == {}
    later = project.plan("released", settings=settings(LATER))
    assert later.rules == {"fetch_released": 1, "convert_released": 1, "evaluate_model": 1}

    table = project.plan("results/tiny/tables/table_6.csv", settings=settings(REVISION))
    assert not any("released" in path for path in table.outputs), "they are there"
    wanted = next(job for job in table.jobs if job.rule == "tabulate_accuracy")
    assert "evaluations/mazes/delta/released.npz" in wanted.text
    compared = next(job for job in table.jobs if job.rule == "compare_runs")
    assert "released" not in compared.text


def test_weights_that_the_config_lacks_are_one_line(fresh):
    done = fresh.dry_run("results/tiny/evaluations/mazes/delta/released.npz", preset=TINY)
    assert done.returncode != 0
    shown = done.stdout + done.stderr
    assert "there are no released weights: add tasks.mazes.released.delta" in shown
