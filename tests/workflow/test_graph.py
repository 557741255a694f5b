"""What a command builds, what is refused before anything starts, and the habits of the rules."""

from __future__ import annotations

import ast
import os
import re
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml

from .conftest import ROOT, Project, merge

LICHESS = """\
PuzzleId,FEN,Moves,Rating,RatingDeviation,Popularity,NbPlays,Themes,GameUrl,OpeningTags
00008,r6k/pp2r2p/4Rp1Q/3p4/8/1N1P2R1/PqP2bPP/7K b - - 0 24,f2g3 e6e7 b2b1 b3c1,1798,77,95,8,a,b,
0000D,5rk1/1p3ppp/pq3b2/8/8/1P1Q1N2/P4PPP/3R2K1 w - - 2 27,d3d6 f8d8 d6d8 f6d8,1501,73,97,11,a,b,
0009B,r2qr1k1/b1p2ppp/pp4n1/P1P1p3/4P1n1/B2P2Pb/3NBP1P/RN1QR1K1 b - - 1 16,b6c5 e2g4,1112,7,8,6,a,b,
"""


class TestThePaper:
    @pytest.fixture
    def jobs(self, project: Project):
        return project.planned("--resources", "gpu=1", preset=None)

    def test_nine_trainings_each_evaluated(self, jobs):
        counted = Counter(rule for rule, _ in jobs)
        assert counted["train_model"] == counted["evaluate_model"] == 9
        assert (counted["read_archive"], counted["read_chess_archive"]) == (4, 1)

    def test_figure_1_and_tables_2_and_4_to_7(self, jobs):
        outputs = {path for _, path in jobs}
        tables = {f"results/paper/tables/table_{number}.csv" for number in (2, 4, 5, 6, 7)}
        wanted = {"results/paper/figures/figure_1.pdf", "results/paper/statistics/mcnemar.csv"}
        assert tables | wanted <= outputs

    def test_each_puzzle_is_audited(self, jobs):
        assert [path for rule, path in jobs if rule == "audit_data"] == [
            f"results/paper/data/{task}.json" for task in ("chess", "mazes", "prefix_sums")
        ]

    def test_training_and_evaluation_hold_the_gpu(self, project):
        done = project.snakemake("--dry-run", "--resources", "gpu=1", preset=None)
        jobs = re.findall(r"^rule (\w+):\n((?:    .*\n)+)", done.stdout + done.stderr, re.MULTILINE)
        holding = {rule for rule, lines in jobs if "gpu=1" in lines}
        assert holding == {"train_model", "evaluate_model", "evaluate_untrained"}

    def test_the_other_hyperparameters(self, project):
        jobs = project.planned("--config", "hyperparameters=paper", preset=None)
        assert Counter(rule for rule, _ in jobs)["train_model"] == 9


class TestParts:
    @pytest.mark.parametrize("task", ["chess", "mazes", "prefix_sums"])
    def test_one_puzzle(self, project, task):
        jobs = project.planned(task)
        counted = Counter(rule for rule, _ in jobs)
        assert (counted["train_model"], counted["tabulate_accuracy"]) == (3, 1)
        others = {"chess", "mazes", "prefix_sums"} - {task}
        assert not [path for _, path in jobs for other in others if f"/{other}/" in path]

    @pytest.mark.parametrize(
        ("target", "rules"),
        [
            ("data", {"make_mates", "make_mazes", "make_prefix_sums", "audit_data"}),
            ("models", {"make_mates", "make_mazes", "make_prefix_sums", "train_model"}),
        ],
    )
    def test_one_stage(self, project, target, rules):
        assert {rule for rule, _ in project.planned(target)} == rules

    def test_the_data_s_figure_and_table_train_nothing(self, project):
        figure, table = (
            f"results/tiny/{name}" for name in ("figures/data.png", "tables/table_2.csv")
        )
        making = {"make_mates", "make_mazes", "make_prefix_sums"}
        for path, rules in [(figure, {"draw_data"}), (table, {"audit_data", "tabulate_data"})]:
            made = {rule for rule, _ in project.planned(path)}
            assert rules <= made <= rules | making
        assert "draw_data" in {rule for rule, _ in project.planned("figures")}

    @pytest.mark.parametrize(("target", "last"), [("tables", "tabulate"), ("figures", "draw")])
    def test_one_kind_of_result(self, project, target, last):
        made = {rule for rule, _ in project.planned(target)}
        assert any(rule.startswith(last) for rule in made)
        assert "compare_runs" not in made

    def test_one_model_by_its_path(self, project):
        jobs = project.planned("results/tiny/models/mazes/progressive-0.25/seed7.safetensors")
        assert [rule for rule, _ in jobs] == ["make_mazes", "train_model"]


def refused(project: Project, *arguments: str) -> str:
    """Run, not dry; give the one line that says why nothing started."""
    done = project.snakemake("--quiet", *arguments)
    output = done.stdout + done.stderr
    assert done.returncode != 0, output
    assert "Traceback" not in output, output
    assert not (project.folder / "results").is_dir(), "something was made"
    lines = [line for line in output.splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith(("Using workflow", "Config file"))]
    assert len(told) == 1, output
    return told[0]


class TestRefused:
    @pytest.mark.parametrize(
        ("settings", "said"),
        [
            ({"sedes": [1]}, r"sedes: unknown key \(did you mean 'seeds'\?\)"),
            (
                {"tasks": {"mazes": {"train_stesp": 3}}},
                r"tasks\.mazes\.train_stesp: unknown key \(did you mean 'train_steps'\?\)",
            ),
            ({"tasks": {"chess": {"runs": ["progressive-1.5"]}}}, r"alpha is 1\.5, allowed is 0"),
            ({"tasks": {"chess": {"runs": ["delta-0.5"]}}}, r"the delta loss has no alpha"),
            ({"tasks": {"mazes": {"plotted": ["progressive-0.3"]}}}, r"is not listed in"),
            ({"tasks": {"mazes": {"evaluation": {"steps": 2}}}}, r"less than .*train_steps \(3\)"),
            ({"tasks": {"mazes": {"data": {"test": {"size": 8}}}}}, r"8 is even"),
            ({"tasks": {"chess": {"data": {"puzzles": "a.csv"}}}}, r"is read with source lichess"),
            ({"tasks": {"chess": {"data": {"source": "lichess"}}}}, r"needs the path of a CSV"),
            ({"tasks": {"mazes": {"data": {"source": "lichess"}}}}, r"allowed: archive, generate"),
            ({"archives": {"mirrors": []}}, r"archives\.mirrors: \[\]: must list at least 1"),
            ({"strict": "yes"}, r"strict: 'yes': must be true or false"),
            ({"seeds": [3, 4, 3]}, r"seeds: 3 is listed twice"),
            (
                {"tasks": {"chess": {"data": {"source": "lichess", "puzzles": "no.csv"}}}},
                r"no\.csv: there is no such",
            ),
        ],
    )
    def test_a_config_that_cannot_be(self, project, settings, said):
        project.overlay(settings)
        assert re.search(said, refused(project))

    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            ("5rk1/1p3ppp", "5rk1/1p3pppp", r"puzzles\.csv, line 3: .*FEN"),
            ("d3d6 f8d8", "d3d6 f8a1", r"puzzles\.csv, line 3: .*f8a1"),
            (",1112,", ",hard,", r"puzzles\.csv, line 4: .*hard"),
            ("Moves", "Zuege", r"puzzles\.csv, line 1: .*Moves"),
            ("d3d6 f8d8", "d3d6 f8d8", r"3 puzzles, but 60 for training and 20 for testing"),
        ],
        ids=["FEN", "move", "rating", "column", "count"],
    )
    def test_a_puzzle_file_that_cannot_be(self, project, old, new, said):
        assert old in LICHESS
        (project.folder / "puzzles.csv").write_text(LICHESS.replace(old, new))
        project.overlay(
            {"tasks": {"chess": {"data": {"source": "lichess", "puzzles": "puzzles.csv"}}}}
        )
        done = project.snakemake("--quiet")
        output = done.stdout + done.stderr
        assert done.returncode != 0
        assert re.search(said, output), output
        assert "Traceback" not in output
        assert not list(project.folder.glob("results/**/*.npz"))

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
    def test_a_results_folder_that_cannot_be_written(self, project):
        project.folder.chmod(0o555)
        try:
            assert "cannot be written" in refused(project)
        finally:
            project.folder.chmod(0o755)

    def test_a_results_folder_that_is_a_file(self, project):
        (project.folder / "results").write_text("")
        assert "results is not a folder" in refused(project)


def test_a_good_puzzle_file_is_read_once(project):
    (project.folder / "puzzles.csv").write_text(LICHESS)
    counts = {"train": {"count": 2}, "test": {"count": 1}, "validation_fraction": 0.5}
    project.overlay(
        {"tasks": {"chess": {"data": {"source": "lichess", "puzzles": "puzzles.csv", **counts}}}},
    )
    settings = yaml.safe_load((project.folder / "workflow/presets/tiny.yaml").read_text())
    small = {"tiny": {loss: {"batch_size": 1} for loss in ("delta", "progressive")}}
    settings = merge(settings, {"tasks": {"chess": {"training": small}}})
    (project.folder / "workflow/presets/tiny.yaml").write_text(yaml.safe_dump(settings))
    jobs = project.planned("data")
    assert "convert_lichess" in {rule for rule, _ in jobs}
    (known,) = (project.folder / ".snakemake/deltaloss/puzzle_files").iterdir()
    before = known.stat().st_mtime_ns
    project.planned("data")
    assert known.stat().st_mtime_ns == before


def test_another_folder_for_results(project, tmp_path):
    """As the error about an unwritable folder advises."""
    elsewhere = tmp_path / "elsewhere"
    preset = str(project.folder / "workflow/presets/tiny.yaml")
    done = project.snakemake("--dry-run", "--directory", str(elsewhere), preset=preset)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "train_model" in done.stdout + done.stderr


def test_a_results_data_that_is_a_file(project):
    (project.folder / "results").mkdir()
    (project.folder / "results" / "data").write_text("")
    done = project.snakemake("--quiet")
    assert done.returncode != 0
    assert "results/data is not a folder" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


class TestHabits:
    def test_lint(self, project):
        done = project.snakemake("--lint", preset=None)
        assert done.returncode == 0, done.stdout + done.stderr

    def test_one_script_a_rule(self):
        rules = "".join(path.read_text() for path in (ROOT / "workflow" / "rules").glob("*.smk"))
        named = set(re.findall(r'"\.\./scripts/(\w+)\.py"', rules))
        there = {path.stem for path in (ROOT / "workflow" / "scripts").glob("*.py")}
        assert named == there
        assert named <= set(re.findall(r"^rule (\w+):", rules, re.MULTILINE))

    def test_pins_of_the_environments_agree(self):
        pins = dict(
            line.split("#")[0].strip().split("==")
            for name in ("requirements.txt", "constraints.txt")
            for line in (ROOT / "envs" / name).read_text().splitlines()
            if "==" in line.split("#")[0]
        )
        for path in sorted((ROOT / "envs").glob("*.yaml")):
            for entry in yaml.safe_load(path.read_text())["dependencies"]:
                if isinstance(entry, dict):
                    for name, version in (pin.split("==") for pin in entry["pip"]):
                        assert pins[name] == version, f"{path.name}: {name}"

    def test_every_environment_has_what_its_rules_import(self):
        """The imports of each script and of the library below it, by the packages' own names."""
        rules = "".join(path.read_text() for path in (ROOT / "workflow" / "rules").glob("*.smk"))
        for block in re.split(r"^(?=rule )", rules, flags=re.MULTILINE)[1:]:
            script = re.search(r'"\.\./scripts/(\w+)\.py"', block)
            environment = re.search(r'"\.\./\.\./envs/(\w+)\.yaml"', block)
            if script and environment:
                pins = pinned(environment.group(1))
                for package in third_party(script.group(1)):
                    assert package.lower() in pins, f"{script.group(1)} imports {package}"

    def test_no_room_of_the_library_imports_snakemake(self):
        library = ROOT / "workflow" / "scripts" / "deltaloss"
        importing = [
            path
            for path in library.rglob("*.py")
            if re.search(r"^\s*(from|import) snakemake", path.read_text(), re.MULTILINE)
        ]
        assert importing == []


def pinned(environment: str) -> set[str]:
    """Give the packages of a conda environment, as they are imported."""
    folder = ROOT / "envs"
    text = (folder / f"{environment}.yaml").read_text()
    after = folder / f"{environment}.post-deploy.sh"
    text += after.read_text() if after.is_file() else ""
    return {name.lower().replace("-", "_") for name in re.findall(r"([\w-]+)==", text)}


def third_party(script: str) -> set[str]:
    """Give the packages that a script and the library's modules below it import."""
    scripts = ROOT / "workflow" / "scripts"
    waiting, seen, packages = [scripts / f"{script}.py"], set(), set()
    while waiting:
        path = waiting.pop()
        if path in seen or not path.is_file():
            continue
        seen.add(path)
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            for name in names:
                if name.startswith("deltaloss"):
                    base = scripts.joinpath(*name.split("."))
                    waiting += [base.with_suffix(".py"), base / "__init__.py"]
                elif name.split(".")[0] not in sys.stdlib_module_names:
                    packages.add(name.split(".")[0])
    return packages


def test_files_are_short():
    """Under 300 lines each, and the rules' helpers under 150."""
    files = [*(ROOT / "workflow").rglob("*.py"), *(ROOT / "workflow").rglob("*.smk")]
    assert [str(path) for path in files if len(Path(path).read_text().splitlines()) >= 300] == []
    common = ROOT / "workflow" / "rules" / "common.smk"
    assert len(common.read_text().splitlines()) < 150
