"""Nothing is made twice and nothing stale is kept: what a dry run lists after each change."""

from __future__ import annotations

import ast
import os
import time
from collections import Counter
from pathlib import Path

import yaml

from .conftest import Project

ALL_TRAININGS = 9


def rules(jobs: list[tuple[str, str]]) -> Counter[str]:
    return Counter(rule for rule, _ in jobs)


def models(jobs: list[tuple[str, str]]) -> set[str]:
    """Give task/run/seed of the trainings."""
    return {
        path.removeprefix("results/tiny/models/").removesuffix(".safetensors")
        for rule, path in jobs
        if rule == "train_model"
    }


def python_files(project: Project) -> list[Path]:
    return sorted((project.folder / "workflow" / "scripts").rglob("*.py"))


class TestNothingIsListed:
    def test_after_a_finished_run_and_soon(self, finished):
        seconds = []
        for _ in range(3):
            started = time.monotonic()
            assert finished.planned() == []
            seconds.append(time.monotonic() - started)
        assert min(seconds) < 5

    def test_after_comments(self, finished):
        for path in python_files(finished):
            path.write_text(f"# A comment.\n{path.read_text()}\n# Another.\n")
        folder = finished.folder
        for path in [*folder.rglob("*.smk"), folder / "Snakefile", folder / "config.yaml"]:
            path.write_text(f"# A comment.\n{path.read_text()}\n# Another.\n")
        assert finished.planned() == []

    def test_after_reformatting(self, finished):
        for path in python_files(finished):
            path.write_text(ast.unparse(ast.parse(path.read_text())))
        for name in ("config.yaml", "workflow/presets/tiny.yaml"):
            path = finished.folder / name
            path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()), sort_keys=True))
        assert finished.planned() == []

    def test_after_touching_everything(self, finished):
        time.sleep(1.1)  # file times of a whole second would hide it
        for path in sorted(finished.folder.rglob("*")):
            if path.is_file() and ".snakemake" not in path.parts:
                os.utime(path)
        assert finished.planned() == []

    def test_after_settings_that_change_no_result(self, finished):
        finished.overlay({"device": "auto", "threads": 2, "tensorboard": True})
        finished.overlay({"tasks": {"mazes": {"evaluation": {"batch_size": 7}}}})
        assert finished.planned() == []


class TestASetting:
    def test_of_one_puzzle_lists_that_puzzle_alone(self, finished):
        finished.overlay(
            {"tasks": {"mazes": {"training": {"tiny": {"delta": {"learning_rate": 0.003}}}}}}
        )
        jobs = finished.planned()
        assert models(jobs) == {"mazes/delta/seed42"}
        assert rules(jobs) == {
            "train_model": 1,
            "evaluate_model": 1,
            "compare_runs": 1,
            "join_statistics": 1,
            "tabulate_training": 1,
            "tabulate_accuracy": 1,
            "draw_figure_1": 1,
        }
        assert not [path for _, path in jobs if "chess" in path or "prefix_sums" in path]

    def test_of_the_network_lists_all_runs_of_the_puzzle(self, finished):
        finished.overlay({"tasks": {"chess": {"network": {"width": 8}}}})
        runs = {"delta", "progressive-0", "progressive-0.5"}
        assert models(finished.planned()) == {f"chess/{run}/seed42" for run in runs}

    def test_of_evaluation_trains_nothing(self, finished):
        finished.overlay({"tasks": {"prefix_sums": {"evaluation": {"steps": 7}}}})
        jobs = finished.planned()
        assert models(jobs) == set()
        assert rules(jobs)["evaluate_model"] == 3
        assert not [path for _, path in jobs if "chess" in path or "mazes" in path]

    def test_of_the_data_makes_new_data(self, finished):
        finished.overlay({"tasks": {"mazes": {"data": {"train": {"count": 80}}}}})
        jobs = finished.planned()
        assert ("make_mazes", "results/data/mazes/train_size5_count80_seed42.npz") in jobs
        assert rules(jobs)["make_mazes"] == 1
        assert {model.split("/")[0] for model in models(jobs)} == {"mazes"}
        audited = [path for rule, path in jobs if rule == "audit_data"]
        assert audited == ["results/tiny/data/mazes.json"]

    def test_strict_audits_again_and_trains_nothing(self, finished):
        finished.overlay({"strict": True})
        assert rules(finished.planned()) == {"audit_data": 3, "tabulate_data": 1}

    def test_another_seed_lists_that_seed_alone(self, finished):
        finished.overlay({"seeds": [42, 43]})
        jobs = finished.planned()
        assert len(models(jobs)) == ALL_TRAININGS
        assert all(model.endswith("/seed43") for model in models(jobs))
        assert rules(jobs)["evaluate_model"] == ALL_TRAININGS
        assert rules(jobs)["make_mazes"] == 0

    def test_another_seed_evaluates_the_untrained_of_that_seed_alone(self, finished):
        finished.overlay({"seeds": [42, 43]})
        untrained = [path for rule, path in finished.planned() if rule == "evaluate_untrained"]
        assert len(untrained) == 3
        assert all(path.endswith("/untrained/seed43.csv") for path in untrained)

    def test_writing_one_for_one_point_zero_lists_nothing(self, finished):
        both = {loss: {"clip_norm": 1, "weight_decay": 0} for loss in ("delta", "progressive")}
        finished.overlay({"tasks": {"mazes": {"training": {"tiny": both}}}})
        assert finished.planned() == []

    def test_another_run_lists_that_run_alone(self, finished):
        runs = ["delta", "progressive-0", "progressive-0.01", "progressive-0.3"]
        finished.overlay({"tasks": {"mazes": {"runs": runs}}})
        assert models(finished.planned()) == {"mazes/progressive-0.3/seed42"}


class TestCode:
    def test_arithmetic_of_all_losses_lists_all_trainings(self, finished):
        finished.edit("losses/base.py", "F.cross_entropy(", "2 * F.cross_entropy(")
        assert len(models(finished.planned())) == ALL_TRAININGS

    def test_arithmetic_of_one_loss_lists_its_trainings(self, finished):
        finished.edit("losses/delta.py", "return ", "return 1 and ")
        assert models(finished.planned()) == {
            f"{task}/delta/seed42" for task in ("chess", "mazes", "prefix_sums")
        }

    def test_a_puzzle_s_decoding_lists_that_puzzle(self, finished):
        finished.edit("tasks/mazes.py", "dimensions: int = 2", "dimensions: int = 1 + 1")
        jobs = finished.planned()
        assert {model.split("/")[0] for model in models(jobs)} == {"mazes"}

    def test_a_figure_lists_the_figure(self, finished):
        finished.edit("figures.py", "linewidth=0.8", "linewidth=0.9")
        assert finished.planned() == [("draw_figure_1", "results/tiny/figures/figure_1.pdf")]

    def test_what_is_only_said_trains_nothing(self, finished):
        finished.edit("titles.py", 'mazes"', 'mazes there"')
        finished.edit("jobs.py", "s left", "sec left")
        finished.edit("watchers.py", "s left", "sec left")
        finished.edit("epochs.py", "is not finite in epoch", "broke in epoch")
        counted = rules(finished.planned())
        assert set(counted) == {"draw_figure_1", "tabulate_training", "tabulate_accuracy"}

    def test_an_audit_lists_that_puzzle_s_audit(self, finished):
        finished.edit("datasets/audit_mazes.py", "BORDER = 3", "BORDER = 1 + 2")
        assert finished.planned() == [
            ("audit_data", "results/tiny/data/mazes.json"),
            ("tabulate_data", "results/tiny/tables/table_2.csv"),
        ]

    def test_the_statistics_train_and_evaluate_nothing(self, finished):
        finished.edit("statistics.py", "max(abs(", "max(+abs(")
        counted = rules(finished.planned())
        assert counted["compare_runs"] == 3
        assert counted["train_model"] == counted["evaluate_model"] == 0

    def test_another_loss_beside_the_others_trains_nothing(self, finished):
        folder = finished.folder / "workflow" / "scripts" / "deltaloss" / "losses"
        (folder / "last.py").write_text((folder / "delta.py").read_text())
        finished.edit("runs.py", '"progressive": True', '"progressive": True, "last": False')
        assert models(finished.planned()) == set()
