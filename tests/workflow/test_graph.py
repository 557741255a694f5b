"""What a command builds, and what is refused before anything starts."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from .projects import ROOT, TASKS, TINY, Plan, Project, merge, run

MAKING = {"make_examples", "make_joint_examples"}
COMPUTING = {"train_model", "evaluate_model", "evaluate_validation", "evaluate_untrained"}


@pytest.fixture(scope="module")
def plan(fresh: Project) -> Plan:
    """The experiment of config.yaml, on one GPU."""
    return fresh.plan("--resources", "gpu=1", preset=None)


class TestThePaper:
    def test_trains_nine_networks_on_the_published_data_and_evaluates_each(self, plan):
        assert plan.rules["train_model"] == plan.rules["evaluate_model"] == 9
        assert plan.rules["evaluate_untrained"] == plan.rules["audit_data"] == 3
        archives = {Path(path).name for path in plan.outputs if "/archives/" in path}
        assert archives == {
            "chess_data.tar.gz",
            "maze_data_test_59.tar.gz",
            "maze_data_train_9.tar.gz",
            "prefix_sums_data.tar.gz",
        }

    def test_ends_in_figure_1_the_tables_and_the_statistics(self, plan):
        wanted = [*(f"tables/table_{number}.csv" for number in (2, 4, 5, 6, 7))]
        wanted += ["figures/figure_1.pdf"]
        wanted += [
            f"statistics/{name}.csv" for name in ("mcnemar", "seeds", "over_seeds", "untrained")
        ]
        assert {f"results/paper/{path}" for path in wanted} <= plan.outputs

    def test_holds_the_gpu_in_training_and_evaluation_only(self, plan):
        assert {job.rule for job in plan.jobs if "gpu=1" in job.text} == {
            *COMPUTING,
            "measure_efficiency",
        }

    def test_logs_every_job(self, plan):
        assert [
            job.output for job in plan.jobs if not re.search(r"^    log: ", job.text, re.M)
        ] == []


class TestTargets:
    """Parts of an experiment in which nothing has been run."""

    @pytest.mark.parametrize("puzzle", ["chess", "prefix_sums"])
    def test_a_puzzle_builds_its_own_results_only(self, fresh, puzzle):
        plan = fresh.plan(puzzle)
        assert plan.rules["train_model"] == plan.rules["evaluate_model"] == 3
        assert plan.rules["tabulate_accuracy"] == plan.rules["draw_panel"] == 1
        others = [other for other in TASKS if other != puzzle]
        assert [o for o in plan.outputs if any(other in o for other in others)] == []

    @pytest.mark.parametrize(
        ("target", "rules"),
        [
            ("data", MAKING | {"audit_data"}),
            ("models", MAKING | {"train_model"}),
            ("statistics", MAKING | COMPUTING | {"audit_data", "compare_runs", "join_statistics"}),
            ("efficiency", {"measure_efficiency", "tabulate_efficiency"}),
            (
                "convergence",
                MAKING
                | {"train_model", "audit_data", "measure_convergence"}
                | {"tabulate_convergence", "tabulate_stopping", "draw_convergence"},
            ),
            ("results/tiny/tables/table_2.csv", MAKING | {"audit_data", "tabulate_data"}),
            ("results/tiny/figures/data.png", MAKING | {"draw_data"}),
        ],
        ids=[
            *("data", "models", "statistics", "efficiency", "convergence"),
            *("table-2", "figure-of-the-data"),
        ],
    )
    def test_a_stage_builds_nothing_beyond_it(self, fresh, target, rules):
        assert set(fresh.plan(target).rules) == rules

    @pytest.mark.parametrize(
        ("target", "needed"),
        [("tables", ("tabulate", "compare")), ("figures", ("draw",))],  # tables show the tests
        ids=["tables", "figures"],
    )
    def test_one_kind_of_result_builds_no_other(self, fresh, target, needed):
        kinds = ("tabulate", "draw", "compare", "join")
        evidence = {rule for rule in fresh.plan(target).rules if rule.startswith(kinds)}
        assert {rule.partition("_")[0] for rule in evidence} == set(needed)

    def test_a_path_asks_for_a_run_and_a_seed_that_the_config_does_not_list(self, fresh):
        plan = fresh.plan("results/tiny/models/mazes/progressive-0.25/seed7.safetensors")
        assert plan.of("train_model") == ["mazes/progressive-0.25/seed7"]
        assert set(plan.rules) == {"make_examples", "train_model"}

    def test_every_target_is_explained_in_the_list(self, fresh):
        listed = fresh.make("--list", preset=None).stdout
        files = [ROOT / "workflow" / "Snakefile", ROOT / "workflow" / "rules" / "publish.smk"]
        texts = "".join(path.read_text() for path in files)
        targets = re.findall(r'^rule (\w+):\n    """', texts, re.MULTILINE)
        assert len(targets) >= 8
        for target in (*targets, *TASKS):
            assert re.search(rf"^{target} \(.{{10,}}\)$", listed, re.MULTILINE), target


class TestConfigs:
    def test_a_profile_plans_a_part_of_its_experiment(self, fresh):
        plan = fresh.plan("mazes", "--profile", "profiles/quick", preset=None)
        assert plan.of("train_model")[0] == "mazes/delta/seed42"
        assert "results/quick/tables/table_6.csv" in plan.outputs

    def test_settings_of_the_command_line_are_laid_over_the_config(self, fresh):
        chosen = ("hyperparameters=paper", "experiment=paper-table-3", "seeds=[1,2]")
        plan = fresh.plan("--config", *chosen, preset=None)
        assert plan.rules["train_model"] == 18
        assert "results/paper-table-3/tables/table_5.csv" in plan.outputs

    def test_results_go_to_the_folder_that_is_asked_for(self, fresh, tmp_path):
        preset = str(fresh.folder / TINY)
        plan = fresh.plan("models", "--directory", str(tmp_path), preset=preset)
        assert plan.rules["train_model"] == 9

    def test_parsing_imports_neither_torch_nor_pandas_nor_matplotlib(self, fresh):
        code = (
            "import sys\nfrom snakemake.cli import main\nbefore = set(sys.modules)\n"
            "try:\n    main(['--dry-run', '--quiet', '--cores', '1'])\n"
            "except SystemExit as end:\n    assert end.code == 0\n"
            "assert 'deltaloss.config.experiment' in sys.modules\n"
            "print({'torch', 'pandas', 'matplotlib'} & (set(sys.modules) - before))\n"
        )
        done = run([sys.executable, "-c", code], fresh.folder)
        assert done.returncode == 0, done.stderr
        assert done.stdout.endswith("set()\n"), done.stdout


def refusal(project: Project, *arguments: str, **options: Any) -> str:
    """Run, and return the one line that says why nothing started."""
    done = project.snakemake("--quiet", *arguments, **options)
    output = done.stdout + done.stderr
    assert done.returncode != 0, output
    assert "Traceback" not in output, output
    assert not list(project.folder.glob("results/*/*")), "something was made"
    ours = [line for line in output.splitlines() if line.strip()]
    said = [line for line in ours if not line.startswith(("Using workflow", "Config file"))]
    assert len(said) == 1, output
    return said[0]


class TestRefused:
    @pytest.mark.parametrize(
        ("settings", "said"),
        [
            ({"sedes": [1]}, r"^config: sedes: unknown key \(did you mean 'seeds'\?\)"),
            (
                {"tasks": {"chess": {"data": {"source": "lichess", "puzzles": "no.csv"}}}},
                r"^config: .*no\.csv: there is no such",
            ),
        ],
        ids=["key", "puzzle-file"],
    )
    def test_a_config_that_cannot_work_is_one_line(self, fresh, settings, said):
        assert re.search(said, refusal(fresh, settings=settings))

    def test_a_key_that_stands_twice_in_a_config_file_is_one_line(self, fresh, tmp_path):
        (tmp_path / "twice.yaml").write_text("seeds: [1]\nseeds: [2]\n")
        said = refusal(fresh, preset=str(tmp_path / "twice.yaml"))
        assert re.search(r"^config: .*/twice\.yaml, line 2: key 'seeds' stands in line 1", said)

    def test_a_key_that_stands_twice_in_config_yaml_is_one_line(self, project):
        with (project.folder / "config.yaml").open("a") as file:
            file.write("threads: 2\n")
        assert re.search(r"config\.yaml, line \d+: key 'threads' stands", refusal(project))

    def test_a_nested_setting_of_the_command_line_is_refused_as_the_number_it_is(self, fresh):
        said = refusal(fresh, "--config", "tasks={mazes: {train_steps: 1}}")
        assert said == "config: tasks.mazes.train_steps: 1: must be at least 2"

    def test_a_results_folder_that_is_a_file_is_one_line(self, project):
        (project.folder / "results").mkdir()
        (project.folder / "results" / "data").write_text("")
        assert "results/data is not a folder" in refusal(project)

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
    def test_a_results_folder_that_cannot_be_written_is_one_line(self, project):
        project.folder.chmod(0o555)
        try:
            assert "cannot be written" in refusal(project)
        finally:
            project.folder.chmod(0o755)

    def test_a_puzzle_that_the_config_leaves_out_is_named(self, project):
        config = merge(
            yaml.safe_load((project.folder / "config.yaml").read_text()),
            yaml.safe_load((project.folder / TINY).read_text()),
        )
        del config["tasks"]["chess"]
        (project.folder / "config.yaml").write_text(yaml.safe_dump(config))
        assert project.plan(preset=None).rules["train_model"] == 6
        done = project.dry_run("chess", preset=None)
        assert done.returncode != 0
        said = "chess: not among the tasks of the config (mazes, prefix_sums)"
        assert said in done.stdout + done.stderr
