"""The tiny experiment, run whole and once: its outputs agree with its config and each other."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from safetensors.torch import load_file

from deltaloss.config.settings import NetworkSettings
from deltaloss.data.store import load_examples, load_manifest, save_examples
from deltaloss.evaluation.answers import load_answers
from deltaloss.evaluation.batches import to_device
from deltaloss.evaluation.loop import evaluate
from deltaloss.evidence.paper import TASKS
from deltaloss.model.network import make_network
from deltaloss.model.weights import load_weights
from deltaloss.puzzles.base import load_task
from deltaloss.training.history import HISTORY_COLUMNS, load_history

from .projects import ROOT, TINY, Project, merge

CONFIG = merge(*(yaml.safe_load((ROOT / path).read_text()) for path in ("config.yaml", TINY)))
RUNS = {task: section["runs"] for task, section in CONFIG["tasks"].items()}
CELLS = [(task, run) for task, runs in RUNS.items() for run in runs]


@pytest.fixture
def results(tiny_run: Project) -> Path:
    return tiny_run.folder / "results" / "tiny"


class TestOutputs:
    def test_tables_and_figures_are_there_in_every_format(self, results):
        for number in (2, 4, 5, 6, 7):
            for kind in ("csv", "md", "tex"):
                assert (results / "tables" / f"table_{number}.{kind}").stat().st_size > 100
        for kind, start in {"pdf": b"%PDF", "svg": b"<?xml", "png": b"\x89PNG"}.items():
            assert (results / "figures" / f"figure_1.{kind}").read_bytes().startswith(start)

    def test_each_states_its_origin(self, results):
        for kind in ("tables", "figures", "statistics"):
            for path in (results / kind).glob("*.json"):
                origin = json.loads(path.read_text())
                assert set(origin) == {"settings", "inputs", "versions"}
                assert len(origin["settings"]["code"]) == 16
                assert origin["inputs"]

    def test_finished_jobs_leave_no_checkpoints_and_no_temporary_files(self, tiny_run, results):
        assert [path for path in (results / "checkpoints").rglob("*") if path.is_file()] == []
        assert list((tiny_run.folder / "results").rglob("*.tmp*")) == []
        assert not (results / "tensorboard").exists()

    def test_every_training_has_a_log_that_ends_with_its_last_epoch(self, results):
        for task, run in CELLS:
            log = (results / "logs" / "train" / task / run / "seed42.log").read_text()
            assert re.search(r" 6/6 batches, epoch 2/2, loss [\d.]+, .* 0 s left\n$", log)


@pytest.mark.parametrize(("task", "run"), CELLS)
class TestEveryRun:
    def test_its_history_and_summary_agree(self, results, task, run):
        folder = results / "histories" / task / run
        history = load_history(folder / "seed42.csv")
        assert tuple(history.columns) == HISTORY_COLUMNS
        assert history["epoch"].tolist() == [1, 2]
        assert np.isfinite(history.to_numpy()).all()
        summary = json.loads((folder / "seed42.json").read_text())
        best = history["validation_accuracy_percent"].argmax() + 1
        assert summary["best_epoch"] == best
        assert summary["train_examples"] + summary["validation_examples"] == 60
        for key in ("settings", "data_digest", "machine"):
            assert summary[key]

    def test_its_weights_give_its_answers_at_another_batch_size(self, tiny_run, results, task, run):
        section = CONFIG["tasks"][task]
        stored = load_answers(results / "evaluations" / task / run / "seed42.npz")
        (path,) = (tiny_run.folder / "results" / "data" / task).rglob("test.npz")
        network = make_network(load_task(task), NetworkSettings(**section["network"]))
        load_weights(results / "models" / task / run / "seed42.safetensors", network)
        again = evaluate(
            network.eval(),
            to_device(load_examples(path), torch.device("cpu")),
            task=load_task(task),
            steps=section["evaluation"]["steps"],
            batch_size=7,
        )
        np.testing.assert_array_equal(again.correct, stored.correct)
        curve = pd.read_csv(results / "evaluations" / task / run / "seed42.csv")
        pd.testing.assert_frame_equal(curve, stored.curve())


class TestEvidence:
    def test_some_puzzles_are_solved_and_some_are_not(self, results):
        """Otherwise all accuracies were equal, and the tests of this class could not fail."""
        correct = load_answers(results / "evaluations/prefix_sums/delta/seed42.npz").correct
        assert correct.any()
        assert not correct.all()

    @pytest.mark.parametrize(("task", "number"), [("chess", 5), ("mazes", 6), ("prefix_sums", 7)])
    def test_accuracy_tables_hold_the_best_steps_of_the_answers(self, results, task, number):
        table = pd.read_csv(results / "tables" / f"table_{number}.csv")
        assert len(table) == len(RUNS[task])
        for (_, row), run in zip(table.iterrows(), RUNS[task], strict=True):
            answers = load_answers(results / "evaluations" / task / run / "seed42.npz")
            best = answers.best_step()
            assert row["steps_until_max_accuracy"] == best
            assert row["max_accuracy_percent"] == 100 * answers.correct[best - 1].mean()

    def test_audits_count_the_examples_and_have_no_warnings(self, results):
        table = pd.read_csv(results / "tables" / "table_2.csv")
        assert table["task"].tolist() == [task for task in TASKS for _ in range(2)]
        assert table["warnings"].tolist() == [0] * 6
        for task in TASKS:
            audit = json.loads((results / "data" / f"{task}.json").read_text())
            assert audit["counts"] == {"train": 48, "valid": 12, "test": 20}
            assert audit["warnings"] == []

    def test_mcnemar_pairs_every_two_runs_of_every_puzzle(self, results):
        frame = pd.read_csv(results / "statistics" / "mcnemar.csv")
        assert frame["task"].unique().tolist() == list(TASKS)
        assert len(frame) == 3 * 3 * 3
        counted = frame[["both", "only_first", "only_second", "neither"]].sum(axis=1)
        assert (counted == frame["examples"]).all()

    def test_untrained_networks_are_evaluated_after_the_steps_of_training(self, results):
        frame = pd.read_csv(results / "statistics" / "untrained.csv")
        assert frame["task"].tolist() == list(TASKS)
        assert (frame["step"] == 3).all()


def test_one_model_made_alone_is_the_same_to_the_bit(tiny_run, project):
    """Without the other jobs beside it, from data made anew."""
    path = "results/tiny/models/mazes/progressive-0.01/seed42.safetensors"
    project.make(path)
    ours, theirs = (load_file(one.folder / path) for one in (project, tiny_run))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_small_outputs_are_published_byte_for_byte_with_the_origin_of_the_run(finished):
    finished.make("publish")
    published = finished.folder / "results" / "published" / "tiny"
    for path in ("tables/table_6.csv", "figures/figure_1.png", "statistics/mcnemar.csv"):
        original = finished.folder / "results" / "tiny" / path
        assert (published / path).read_bytes() == original.read_bytes()
    assert len(json.loads((published / "run.json").read_text())["trainings"]) == len(CELLS)
    assert sum(path.stat().st_size for path in published.rglob("*") if path.is_file()) < 1e6


def errors(project: Project, *arguments: str, **options: Any) -> list[str]:
    """Run, and return the lines of the jobs that fail, each behind the job's name."""
    done = project.snakemake(*arguments, **options)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    return [line for line in done.stderr.splitlines() if re.match(r"\[[a-z]", line)]


def test_a_wrong_label_stops_a_strict_audit_in_one_line(finished):
    (path,) = (finished.folder / "results" / "data" / "mazes").rglob("test.npz")
    examples = load_examples(path)
    examples.targets[3] = examples.targets[4]
    save_examples(path, examples, manifest=load_manifest(path))
    said = errors(finished, "results/tiny/data/mazes.json", settings={"strict": True})[-1]
    assert said.startswith("[mazes audit] ")
    assert "1 of 20 examples looked at have a label that is not the path from start" in said
    assert said.endswith("strict: false lets it pass")


def test_damaged_weights_and_answers_are_named(finished):
    weights = "results/tiny/models/mazes/delta/seed42.safetensors"
    answers = "results/tiny/evaluations/chess/delta/seed42.npz"
    for path in (weights, answers):
        content = (finished.folder / path).read_bytes()
        (finished.folder / path).write_bytes(content[: len(content) // 2])
    read_weights = "results/tiny/evaluations/mazes/delta/seed42.npz"
    read_answers = "results/tiny/statistics/mcnemar_chess.csv"
    said = "\n".join(errors(finished, read_weights, read_answers, "--keep-going"))
    assert f"[evaluate mazes delta seed42] {weights}: these weights cannot be used" in said
    assert f"[compare chess] {answers}: not a file of answers, or a damaged one" in said
