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

from deltaloss.config.settings import NetworkSettings
from deltaloss.core.files import check_file, read_json
from deltaloss.data.store import load_examples, load_manifest, save_examples
from deltaloss.evaluation.answers import load_answers
from deltaloss.evaluation.batches import to_device
from deltaloss.evaluation.loop import evaluate
from deltaloss.evidence.paper import TASKS
from deltaloss.evidence.statistics import COMPARISONS
from deltaloss.model.make import make_network
from deltaloss.model.weights import load_weights
from deltaloss.puzzles.base import load_task
from deltaloss.training.history import HISTORY_COLUMNS, load_history

from ..evidence.latex import needs_latex, typeset
from .projects import ROOT, TINY, Project, merge, same_weights

CONFIG = merge(*(yaml.safe_load((ROOT / path).read_text()) for path in ("config.yaml", TINY)))
RUNS = {task: section["runs"] for task, section in CONFIG["tasks"].items()}
CELLS = [(task, run) for task, runs in RUNS.items() for run in runs]
RESULTS = "results/tiny/"
MODEL = "models/mazes/delta/seed42.safetensors"


@pytest.fixture
def results(tiny_run: Project) -> Path:
    return tiny_run.folder / "results" / "tiny"


class TestOutputs:
    def test_tables_and_figures_are_there_in_every_format(self, results):
        for number in (2, 4, 5, 6, 7):
            for kind in ("csv", "md", "tex", "html"):
                assert (results / "tables" / f"table_{number}.{kind}").stat().st_size > 100
        for kind, start in {"pdf": b"%PDF", "svg": b"<?xml", "png": b"\x89PNG"}.items():
            assert (results / "figures" / f"figure_1.{kind}").read_bytes().startswith(start)

    @needs_latex
    def test_tables_fit_a_page_of_the_paper_s_width(self, results, tmp_path):
        paths = [results / "tables" / f"table_{number}.tex" for number in (2, 4, 5, 6, 7)]
        assert "Overfull" not in typeset(paths, tmp_path)

    def test_each_states_its_origin(self, results):
        for kind in ("tables", "figures", "statistics"):
            for path in (results / kind).glob("*.json"):
                origin = read_json(path)
                assert set(origin) == {"settings", "inputs", "versions", "files_sha256"}
                assert len(origin["settings"]["code"]) == 16
                assert origin["inputs"]

    def test_finished_jobs_leave_no_checkpoints_and_no_temporary_files(self, tiny_run, results):
        assert not (results / "checkpoints").exists()
        assert list((tiny_run.folder / "results").rglob("*.tmp*")) == []
        assert not (results / "tensorboard").exists()

    def test_every_training_has_a_log_that_ends_with_its_last_epoch(self, results):
        for task, run in CELLS:
            log = (results / "logs" / "train" / task / run / "seed42.log").read_text()
            last, end = log.splitlines()[-2:]
            assert re.search(r" epoch 2/2, loss [\d.]+, validation [\d.]+ %, in \d+ s$", last)
            assert re.search(r" finished in [\d.]+ s$", end)

    def test_nothing_is_left_empty(self, tiny_run):
        for path in (tiny_run.folder / "results").rglob("*"):
            assert path.stat().st_size if path.is_file() else any(path.iterdir()), path

    def test_every_csv_has_its_digest_beside_it(self, tiny_run):
        paths = sorted((tiny_run.folder / "results").rglob("*.csv"))
        assert len(paths) > 20
        for path in paths:
            check_file(path)

    def test_all_files_are_as_readable_as_each_other(self, tiny_run):
        paths = [path for path in (tiny_run.folder / "results").rglob("*") if path.is_file()]
        assert len({path.stat().st_mode for path in paths}) == 1


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
        pd.testing.assert_frame_equal(curve, stored.curve(), check_dtype=False)

    def test_after_the_steps_of_training_it_solves_what_its_validation_did(
        self, results, task, run
    ):
        answers = load_answers(results / "validations" / task / run / "seed42.npz")
        history = load_history(results / "histories" / task / run / "seed42.csv")
        after_training = answers.curve()["accuracy_percent"][
            CONFIG["tasks"][task]["train_steps"] - 1
        ]
        assert after_training == history["validation_accuracy_percent"].max()


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
            tested = 8 if task == "prefix_sums" else 20
            assert audit["counts"] == {"train": 48, "valid": 12, "test": tested}
            assert audit["warnings"] == []

    def test_mcnemar_pairs_every_two_runs_of_every_puzzle(self, results):
        frame = pd.read_csv(results / "statistics" / "mcnemar.csv")
        assert frame["task"].unique().tolist() == list(TASKS)
        assert len(frame) == 3 * 3 * len(COMPARISONS)
        counted = frame[["both", "only_first", "only_second", "neither"]].sum(axis=1)
        assert (counted == frame["examples"]).all()

    def test_every_seed_has_the_accuracies_of_its_curve(self, results):
        frame = pd.read_csv(results / "statistics" / "seeds.csv")
        assert len(frame) == len(COMPARISONS) * len(CELLS)
        for row in frame.itertuples():
            path = results / "evaluations" / row.task / row.run / f"seed{row.seed}.csv"
            curve = pd.read_csv(path).set_index("step")
            assert curve.loc[row.step, "correct"] == row.correct
            assert row.low_percent <= row.accuracy_percent <= row.high_percent
            assert curve["correct"].idxmax() == row.steps_until_max_accuracy

    def test_one_seed_has_differences_between_runs_and_no_test_over_seeds(self, results):
        frame = pd.read_csv(results / "statistics" / "over_seeds.csv")
        assert frame["task"].unique().tolist() == list(TASKS)
        pairs = pd.read_csv(results / "statistics" / "mcnemar.csv")
        names = ["task", "first", "second", "comparison"]
        both = pairs.merge(frame, on=names)
        assert len(both) == len(pairs) == len(frame)
        assert (both["difference_points"] == both["mean_difference_points"]).all()
        assert (both["seeds"] == 1).all()
        assert frame[["p_value_solved", "p_value_sign_flip"]].isna().all(axis=None)

    def test_untrained_networks_are_evaluated_after_the_steps_of_training(self, results):
        frame = pd.read_csv(results / "statistics" / "untrained.csv")
        assert frame["task"].tolist() == list(TASKS)
        assert (frame["step"] == 3).all()


def test_one_model_made_alone_is_the_same_to_the_bit(tiny_run, project):
    """Without the other jobs beside it, from data made anew."""
    path = "results/tiny/models/mazes/progressive-0.01/seed42.safetensors"
    done = project.make(path)
    predicted = done.stderr.index("1 trainings and evaluations: about 5 s on one CPU core")
    assert predicted < done.stderr.index("parameters on cpu")
    assert same_weights(project.folder / path, tiny_run.folder / path)


def errors(project: Project, *arguments: str, **options: Any) -> list[str]:
    """Run, and return the lines of the jobs that fail, each behind the job's name."""
    done = project.snakemake(*arguments, **options)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    # Anywhere in a line: Snakemake and its jobs write to the terminal at the same time.
    return re.findall(r"\[[a-z][a-z_]*(?: [^\]\n]*)?\] .*", done.stderr)


def test_wrong_labels_reach_no_training(project):
    """Mazes whose path begins behind the start."""
    project.edit(
        "puzzles/mazes/make.py", "cells, onward = ends,", "cells, onward = parents[mazes, ends],"
    )
    said = errors(project, "mazes", "--keep-going")
    assert [line for line in said if "examples looked at have a label that is not the path" in line]
    data_only = ("[mazes data]", "[efficiency mazes]")  # the latter is measured without data
    assert all(line.startswith(data_only) for line in said), said
    assert not list(project.folder.glob("results/data/mazes/*/*"))


@pytest.mark.parametrize(
    ("split", "upon"),
    [
        ("train", ["models/mazes/delta/seed7.safetensors"]),
        ("test", ["evaluations/mazes/delta/seed42.npz", "evaluations/mazes/untrained/seed42.csv"]),
    ],
    ids=["training", "test"],
)
def test_other_examples_in_the_place_of_the_audited_ones_are_refused(finished, split, upon):
    (path,) = (finished.folder / "results" / "data" / "mazes").rglob(f"{split}.npz")
    examples = load_examples(path)
    examples.targets[3] = examples.targets[4]
    save_examples(path, examples, manifest=load_manifest(path))
    targets = [RESULTS + name for name in upon]
    said = errors(finished, *targets, "--keep-going", "--forcerun", *targets)
    assert len(said) >= len(upon)
    file = path.relative_to(finished.folder)
    assert all(
        f"{file}: not the examples that were made and audited" in line
        for line in said
        if "examples at a time" not in line
    )


def test_leaks_warn_and_stop_all_evidence_if_strict(project):
    """The test strings are the first of the training strings."""
    project.edit("puzzles/prefix_sums/make.py", '"prefix_sums", split, size', '"prefix_sums", size')
    data = {"train": {"size": 30}, "test": {"size": 30}}
    settings = {"tasks": {"prefix_sums": {"data": data}}}
    leak = "8 test examples are among the training examples"
    done = project.make("results/tiny/data/prefix_sums.json", settings=settings)
    assert f"[prefix_sums audit] warning: {leak}" in done.stderr
    said = errors(project, "results/tiny/tables/table_7.md", settings={**settings, "strict": True})
    assert any(f"prefix_sums data: {leak}" in line for line in said), said
    assert not list(project.folder.glob("results/tiny/tables/*"))


DAMAGED = {  # file -> a result that is made of it
    "weights-answers-histories-audits": {
        MODEL: "evaluations/mazes/delta/seed42.npz",
        "evaluations/chess/delta/seed42.npz": "statistics/mcnemar_chess.csv",
        "evaluations/prefix_sums/untrained/seed42.csv": "statistics/untrained.csv",
        "histories/chess/delta/seed42.csv": "tables/table_4.csv",
        "data/chess.json": "tables/table_2.csv",
    },
    "statistics": {"statistics/mcnemar_chess.csv": "statistics/mcnemar.csv"},
    "tests-of-a-table": {"statistics/over_seeds_chess.csv": "tables/table_5.csv"},
    "answers-of-a-table": {"evaluations/chess/delta/seed42.npz": "tables/table_5.csv"},
}


@pytest.mark.parametrize("damage", ["cut", "flipped"])
@pytest.mark.parametrize("made_of", DAMAGED.values(), ids=DAMAGED)
def test_every_damaged_file_is_refused_by_name(finished, damage, made_of):
    for name, result in made_of.items():
        file = finished.folder / RESULTS / name
        content = bytearray(file.read_bytes())
        if damage == "cut":
            del content[-len(content) // 2 :]
        else:
            content[len(content) // 2] ^= 1
        file.write_bytes(content)
        (finished.folder / RESULTS / result).unlink()
    results = [RESULTS + result for result in made_of.values()]
    said = "\n".join(errors(finished, *results, "--keep-going"))
    for name in made_of:
        assert f"{RESULTS}{name}: damaged or changed; delete it, then make it again" in said
