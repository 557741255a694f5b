"""The whole graph, run for real at the smallest size, and its outputs read back."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from deltaloss.config.settings import NetworkSettings
from deltaloss.data.store import load_examples, load_manifest, save_examples
from deltaloss.evaluation.answers import HISTORY_COLUMNS, load_evaluation
from deltaloss.evaluation.batches import to_device
from deltaloss.evaluation.loop import evaluate
from deltaloss.evidence.paper import TASKS
from deltaloss.model.network import make_network
from deltaloss.model.weights import load_weights
from deltaloss.puzzles.base import load_task

from .conftest import ROOT, merge

RUNS = {
    "chess": ["delta", "progressive-0", "progressive-0.5"],
    "mazes": ["delta", "progressive-0", "progressive-0.01"],
    "prefix_sums": ["delta", "progressive-0", "progressive-1"],
}
CELLS = [(task, run) for task, runs in RUNS.items() for run in runs]


@pytest.fixture(scope="module")
def results(tiny_run):
    return tiny_run.folder / "results" / "tiny"


def test_everything_that_is_promised_is_there(results):
    for number in (2, 4, 5, 6, 7):
        for kind in ("csv", "md", "tex"):
            assert (results / "tables" / f"table_{number}.{kind}").stat().st_size > 100
    for kind, start in {"pdf": b"%PDF", "svg": b"<?xml", "png": b"\x89PNG"}.items():
        assert (results / "figures" / f"figure_1.{kind}").read_bytes().startswith(start)


@pytest.mark.parametrize(("task", "run"), CELLS)
def test_the_bits_are_those_of_the_weights(tiny_run, results, task, run):
    """Evaluate the written weights again, at another batch size: the same bits."""
    settings = merge(
        yaml.safe_load((ROOT / "config.yaml").read_text()),
        yaml.safe_load((ROOT / "workflow" / "presets" / "tiny.yaml").read_text()),
    )["tasks"][task]
    stored = load_evaluation(results / "evaluations" / task / run / "seed42.npz")
    (path,) = (tiny_run.folder / "results" / "data" / task).rglob("test*.npz")
    network = make_network(load_task(task), NetworkSettings(**settings["network"]))
    load_weights(results / "models" / task / run / "seed42.safetensors", network)
    again = evaluate(
        network.eval(),
        to_device(load_examples(path), torch.device("cpu")),
        task=load_task(task),
        steps=settings["evaluation"]["steps"],
        batch_size=7,
        provenance={},
    )
    np.testing.assert_array_equal(again.correct, stored.correct)
    curve = pd.read_csv(results / "evaluations" / task / run / "seed42.csv")
    pd.testing.assert_frame_equal(curve, stored.curve())


def test_some_puzzles_are_solved(results):
    """Else all of the numbers below would be zeros, and say nothing."""
    path = results / "evaluations" / "prefix_sums" / "delta" / "seed42.npz"
    assert load_evaluation(path).correct.any()


def test_small_results_say_where_they_come_from(results):
    for path in ("tables/table_4", "tables/table_7", "figures/figure_1", "statistics/mcnemar"):
        said = json.loads((results / f"{path}.json").read_text())
        assert set(said) == {"settings", "inputs", "versions"}
        assert said["settings"]["code"]
        assert said["inputs"]


@pytest.mark.parametrize(("task", "run"), CELLS)
def test_histories(results, task, run):
    folder = results / "histories" / task / run
    history = pd.read_csv(folder / "seed42.csv")
    assert tuple(history.columns) == HISTORY_COLUMNS
    assert history["epoch"].tolist() == [1, 2]
    assert np.isfinite(history.to_numpy()).all()
    summary = json.loads((folder / "seed42.json").read_text())
    best = history["validation_accuracy_percent"].argmax() + 1
    assert summary["best_epoch"] == best
    assert summary["train_examples"] + summary["validation_examples"] == 60
    for key in ("settings", "data_digest", "machine"):
        assert summary[key]


def test_finished_trainings_leave_no_checkpoints(results):
    assert not [path for path in (results / "checkpoints").rglob("*") if path.is_file()]
    assert not (results / "tensorboard").exists()


@pytest.mark.parametrize(("task", "number"), [("chess", 5), ("mazes", 6), ("prefix_sums", 7)])
def test_tables_say_what_the_evaluations_say(results, task, number):
    table = pd.read_csv(results / "tables" / f"table_{number}.csv")
    assert len(table) == len(RUNS[task])
    for (_, row), run in zip(table.iterrows(), RUNS[task], strict=True):
        stored = load_evaluation(results / "evaluations" / task / run / "seed42.npz")
        best = stored.best_step()
        assert row["steps_until_max_accuracy"] == best
        assert row["max_accuracy_percent"] == 100 * stored.correct[best - 1].mean()


def test_the_audits_have_no_warnings(results):
    table = pd.read_csv(results / "tables" / "table_2.csv")
    assert table["task"].tolist() == [task for task in TASKS for _ in range(2)]
    assert table["warnings"].tolist() == [0] * 6
    for task in TASKS:
        audit = json.loads((results / "data" / f"{task}.json").read_text())
        assert audit["counts"] == {"train": 48, "valid": 12, "test": 20}
        assert audit["warnings"] == []
        assert audit["code"]


def test_a_wrong_label_is_a_warning_and_strictly_an_error(finished):
    (path,) = (finished.folder / "results" / "data" / "mazes").glob("test*.npz")
    examples = load_examples(path)
    examples.targets[3] = examples.targets[4]
    save_examples(path, examples, manifest=load_manifest(path))
    report = "results/tiny/data/mazes.json"
    done = finished.snakemake(report, "--forcerun", "audit_data")
    assert done.returncode == 0, done.stderr
    (line,) = json.loads((finished.folder / report).read_text())["warnings"]
    assert "1 of 20 examples looked at have a label that is not the shortest path" in line
    assert f"warning: {line}" in done.stderr
    finished.overlay({"strict": True})
    done = finished.snakemake(report)
    assert done.returncode != 0
    assert f"mazes data: {line}; strict: false lets it pass" in done.stderr
    assert "Traceback" not in done.stderr


def test_mcnemar_has_every_pair_of_every_puzzle(results):
    frame = pd.read_csv(results / "statistics" / "mcnemar.csv")
    assert frame["task"].unique().tolist() == list(TASKS)
    assert len(frame) == 3 * 3 * 3
    counted = frame[["both", "only_first", "only_second", "neither"]].sum(axis=1)
    assert (counted == frame["examples"]).all()


def test_untrained_networks_are_there_to_compare_with(results):
    frame = pd.read_csv(results / "statistics" / "untrained.csv")
    assert frame["task"].tolist() == list(TASKS)
    assert (frame["step"] == 3).all()


def test_every_job_has_a_log(results):
    for task, run in CELLS:
        log = (results / "logs" / "train" / task / run / "seed42.log").read_text()
        assert re.search(r"epoch 2/2, batch \d/\d, loss [\d.]+", log)


def test_one_model_alone_is_the_same_to_the_bit(tiny_run, project):
    """Beside other jobs or alone, in another order: the same weights."""
    path = "results/tiny/models/mazes/progressive-0.01/seed42.safetensors"
    done = project.snakemake(path)
    assert done.returncode == 0, done.stderr
    with (project.folder / path).open("rb") as alone, (tiny_run.folder / path).open("rb") as one:
        assert weights(alone.read()) == weights(one.read())


def test_small_outputs_are_published(finished):
    done = finished.snakemake("publish")
    assert done.returncode == 0, done.stderr
    published = finished.folder / "results" / "published" / "tiny"
    for path in ("tables/table_6.csv", "figures/figure_1.png", "statistics/mcnemar.csv"):
        original = finished.folder / "results" / "tiny" / path
        assert (published / path).read_bytes() == original.read_bytes()
    assert len(json.loads((published / "run.json").read_text())["trainings"]) == len(CELLS)
    assert sum(path.stat().st_size for path in published.rglob("*") if path.is_file()) < 1e6


def weights(file: bytes) -> bytes:
    """Give what a safetensors file holds after its header, which names the machine."""
    return file[8 + int.from_bytes(file[:8], "little") :]


def test_a_loss_that_is_not_finite_stops_the_job_with_one_line(project):
    broken = {"optimizer": "sgd", "learning_rate": 1.0e30, "clip_norm": None}
    project.overlay({"tasks": {"prefix_sums": {"training": {"tiny": {"delta": broken}}}}})
    path = "results/tiny/models/prefix_sums/delta/seed42.safetensors"
    done = project.snakemake(path)
    assert done.returncode != 0
    said = [line for line in done.stderr.splitlines() if "not finite" in line]
    assert len(said) == 1
    assert re.search(r"epoch 1, batch \d+ of 3; no epoch was finished", said[0])
    assert "Traceback" not in done.stderr
    assert not (project.folder / path).exists()
