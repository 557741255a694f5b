"""A change reruns exactly the jobs that depend on it: plans of the finished tiny experiment."""

from __future__ import annotations

import ast
import os
import shutil
import time
from pathlib import Path
from typing import Any

import yaml

from .projects import TASKS, TINY, merge

TRAININGS = 9
EVIDENCE = (
    *("compare_runs", "join_statistics", "tabulate_data", "tabulate_training"),
    *("tabulate_accuracy", "draw_figure_1", "judge_claims", "make_pages"),
)
MEASURING = {"measure_efficiency", "judge_claims"}  # times are those of a device and its threads
LIBRARY = Path("workflow/scripts/deltaloss")


def of_task(task: str, **settings: Any) -> dict[str, Any]:
    return {"tasks": {task: settings}}


class Reworded(ast.NodeTransformer):
    """Changes the docstrings, log lines and error texts of a module."""

    def visit_Expr(self, node: ast.Expr) -> ast.Expr:
        match node.value:
            case ast.Constant(value=str(text)):
                node.value = ast.Constant(f"In other words: {text}")
            case ast.Call(func=ast.Attribute(value=ast.Name(id="logger"))):
                node.value.args = [ast.Constant("in other words")]
        return node

    def visit_Raise(self, node: ast.Raise) -> ast.Raise:
        return ast.parse("raise RuntimeError('in other words')").body[0]


class TestNothingIsRerun:
    def test_when_nothing_has_changed(self, tiny_run):
        assert tiny_run.plan().rules == {}

    def test_by_comments_layout_docstrings_log_lines_and_error_texts(self, finished):
        folder = finished.folder
        for path in (folder / "workflow" / "scripts").rglob("*.py"):
            module = Reworded().visit(ast.parse(path.read_text()))
            path.write_text(f"# A comment.\n{ast.unparse(ast.fix_missing_locations(module))}\n")
        for path in [*folder.rglob("*.smk"), folder / "Snakefile"]:
            path.write_text(f"# A comment.\n{path.read_text()}\n# Another.\n")
        for path in [folder / "config.yaml", folder / TINY]:
            path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()), sort_keys=True))
        assert finished.plan().rules == {}

    def test_by_code_that_reports_or_chooses_devices(self, finished):
        finished.edit("core/progress.py", "LINE_SECONDS = 600.0", "LINE_SECONDS = 700.0")
        finished.edit("core/log.py", '"%(asctime)s %(message)s"', '"%(message)s"')
        finished.edit("runtime/memory.py", "GIBIBYTE = 2**30", "GIBIBYTE = 10**9")
        assert finished.plan().rules == {}

    def test_by_newer_times_of_all_files(self, finished):
        later = time.time() + 60
        for path in sorted(finished.folder.rglob("*")):
            if path.is_file() and ".snakemake" not in path.parts:
                os.utime(path, (later, later))
        assert finished.plan().rules == {}

    def test_by_settings_that_change_no_result(self, tiny_run):
        settings = {"recompute": "steps", "threads": 2, "tensorboard": True}
        assert set(tiny_run.plan(settings={**settings, "precision": "tf32"}).rules) <= MEASURING

    def test_by_a_gpu_that_computes_as_the_cpu_or_by_another_way_to_write_a_number(self, tiny_run):
        settings = {"device": "auto", "precision": "fp32"}
        settings |= of_task("mazes", evaluation={"batch_size": 7})
        settings |= {"training": {"tiny": {"clip_norm": 1, "weight_decay": 0}}}  # were 1.0, 0.0
        assert set(tiny_run.plan(settings=settings).rules) <= MEASURING


class TestASetting:
    def test_of_one_training_reruns_it_and_its_evidence(self, tiny_run):
        rate = {"tiny": {"delta": {"learning_rate": 0.003}}}
        plan = tiny_run.plan(settings=of_task("mazes", training=rate))
        assert plan.of("train_model") == plan.of("evaluate_model") == ["mazes/delta/seed42"]
        assert plan.rules == {
            "train_model": 1,
            "evaluate_model": 1,
            "evaluate_validation": 1,
            "compare_runs": 1,
            "join_statistics": 3,
            "judge_claims": 1,
            "make_pages": 1,
            "tabulate_training": 1,
            "tabulate_accuracy": 1,
            "draw_figure_1": 1,
        }
        assert [o for o in plan.outputs if "chess" in o or "prefix_sums" in o] == []

    def test_of_a_network_reruns_all_runs_of_its_puzzle(self, tiny_run):
        plan = tiny_run.plan(settings=of_task("chess", network={"width": 8}))
        runs = ["chess/delta/seed42", "chess/progressive-0.5/seed42", "chess/progressive-0/seed42"]
        assert sorted(plan.of("train_model")) == runs
        assert plan.of("evaluate_untrained") == ["chess/untrained/seed42"]

    def test_of_evaluation_reruns_evaluations_and_no_training(self, tiny_run):
        plan = tiny_run.plan(settings=of_task("prefix_sums", evaluation={"steps": 7}))
        assert plan.rules == {
            "evaluate_model": 3,
            "evaluate_validation": 3,
            "compare_runs": 1,
            "join_statistics": 3,
            "judge_claims": 1,
            "make_pages": 1,
            "tabulate_accuracy": 1,
            "draw_figure_1": 1,
        }
        assert [o for o in plan.outputs if "chess" in o or "mazes" in o] == []

    def test_of_what_is_plotted_reruns_tables_and_figure(self, tiny_run):
        plan = tiny_run.plan(settings=of_task("mazes", plotted=["delta"]))
        evidence = ("tabulate_training", "tabulate_accuracy", "draw_figure_1", *MEASURING)
        assert plan.rules == dict.fromkeys(evidence, 1)

    def test_of_the_data_makes_new_data_of_that_split(self, tiny_run):
        plan = tiny_run.plan(settings=of_task("mazes", data={"train": {"count": 80}}))
        assert plan.of("make_examples") == ["mazes/generate_size5_count80_seed42/train"]
        assert {name.split("/")[0] for name in plan.of("train_model")} == {"mazes"}
        assert plan.of("audit_data") == ["data/mazes"]

    def test_of_the_audit_s_strictness_audits_again_and_trains_nothing(self, tiny_run):
        plan = tiny_run.plan(settings={"strict": True})
        assert plan.rules["audit_data"] == 3
        assert set(plan.rules) <= {"audit_data", *EVIDENCE}

    def test_of_precision_reruns_all_that_a_gpu_may_compute(self, tiny_run):
        plan = tiny_run.plan(settings={"device": "auto", "precision": "tf32"})
        counted = {rule: plan.rules[rule] for rule in ("train_model", "evaluate_untrained")}
        assert counted == {"train_model": TRAININGS, "evaluate_untrained": 3}
        assert plan.rules["make_examples"] == plan.rules["audit_data"] == 0


class TestAdding:
    def test_a_seed_runs_that_seed_only(self, tiny_run):
        plan = tiny_run.plan(settings={"seeds": [42, 43]})
        for rule in ("train_model", "evaluate_model", "evaluate_validation", "evaluate_untrained"):
            assert all(name.endswith("/seed43") for name in plan.of(rule))
        assert plan.rules["train_model"] == plan.rules["evaluate_model"] == TRAININGS
        assert plan.rules["make_examples"] == plan.rules["audit_data"] == 0

    def test_a_run_trains_and_evaluates_that_run_only(self, tiny_run):
        runs = ["delta", "progressive-0", "progressive-0.01", "progressive-0.3"]
        plan = tiny_run.plan(settings=of_task("mazes", runs=runs))
        added = ["mazes/progressive-0.3/seed42"]
        assert plan.of("train_model") == plan.of("evaluate_model") == added

    def test_a_loss_and_a_puzzle_trains_and_evaluates_none_of_the_others(self, finished):
        library = finished.folder / LIBRARY
        shutil.copy(library / "losses" / "delta.py", library / "losses" / "toy.py")
        finished.edit("core/runs.py", '"delta": None,', '"delta": None,\n    "toy": None,')
        shutil.copytree(library / "puzzles" / "prefix_sums", library / "puzzles" / "riddles")
        finished.edit("puzzles/riddles/card.py", '"prefix_sums"', '"riddles"')
        finished.edit("puzzles/riddles/card.py", "table=7", "table=8")
        config, preset = (
            yaml.safe_load((finished.folder / path).read_text()) for path in ("config.yaml", TINY)
        )
        puzzle = merge(config, preset)["tasks"]["prefix_sums"]
        tasks = {
            "chess": {"runs": [*config["tasks"]["chess"]["runs"], "toy"]},
            "riddles": {**puzzle, "runs": ["delta", "toy"], "plotted": ["delta"]},
        }
        plan = finished.plan(settings={"tasks": tasks})
        added = ["chess/toy/seed42", "riddles/delta/seed42", "riddles/toy/seed42"]
        assert plan.of("train_model") == plan.of("evaluate_model") == added
        assert plan.of("evaluate_untrained") == ["riddles/untrained/seed42"]
        assert {name.split("/")[0] for name in plan.of("make_examples")} == {"riddles"}
        assert plan.of("audit_data") == ["data/riddles"]
        assert "results/tiny/tables/table_8.csv" in plan.outputs


class TestCode:
    def test_of_the_network_reruns_trainings_and_evaluations_and_no_data(self, finished):
        finished.edit("model/network.py", "CLASSES = 2", "CLASSES = 1 + 1")
        plan = finished.plan()
        assert plan.rules["train_model"] == plan.rules["evaluate_model"] == TRAININGS
        assert plan.rules["evaluate_untrained"] == 3
        assert plan.rules["make_examples"] == plan.rules["audit_data"] == 0

    def test_of_a_loss_reruns_its_trainings(self, finished):
        finished.edit("losses/delta.py", "states[-1]", "states[-2 + 1]")
        trained = [f"{puzzle}/delta/seed42" for puzzle in TASKS]
        plan = finished.plan()
        assert plan.of("train_model") == plan.of("evaluate_model") == trained
        assert plan.rules["evaluate_untrained"] == 0

    def test_of_a_puzzle_reruns_that_puzzle(self, finished):
        finished.edit("puzzles/mazes/task.py", "dimensions: int = 2", "dimensions: int = 1 + 1")
        plan = finished.plan()
        assert {name.split("/")[0] for name in plan.of("train_model")} == {"mazes"}
        assert plan.of("evaluate_untrained") == ["mazes/untrained/seed42"]
        assert plan.rules["make_examples"] == 0

    def test_of_an_audit_reruns_that_audit_and_evidence_only(self, finished):
        finished.edit("puzzles/prefix_sums/audit.py", "_SURPRISE = 6.0", "_SURPRISE = 5.0")
        plan = finished.plan()
        assert plan.of("audit_data") == ["data/prefix_sums"]
        assert set(plan.rules) <= {"audit_data", *EVIDENCE}

    def test_of_all_audits_makes_no_examples_again(self, finished):
        finished.edit("data/repeats.py", "6 * math.sqrt(chance)", "5 * math.sqrt(chance)")
        finished.edit("puzzles/checks.py", "_BINS = 20", "_BINS = 19")
        plan = finished.plan()
        assert plan.rules["audit_data"] == 3
        assert set(plan.rules) <= {"audit_data", *EVIDENCE}

    def test_of_a_table_reruns_tables(self, finished):
        finished.edit("evidence/data_table.py", "DIGEST_DIGITS = 12", "DIGEST_DIGITS = 13")
        assert finished.plan().rules == {
            "tabulate_data": 1,
            "tabulate_training": 1,
            "tabulate_accuracy": 3,
        }

    def test_of_a_figure_redraws_it(self, finished):
        finished.edit("evidence/figure_1.py", "MARKERS = 5", "MARKERS = 6")
        assert finished.plan().rules == {"draw_figure_1": 1}
