"""Publishing a run, verifying another against it, and going on from what was published."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest
import yaml

from deltaloss.core.files import read_json
from deltaloss.evaluation.answers import load_answers
from deltaloss.evidence.bundle import check_bundle

from .projects import ROOT, TASKS, Project, copy_project, share
from .test_tiny_run import errors

RESULTS = "results/tiny"
PUBLISHED = "results/published/tiny"
RUNS = ("delta", "progressive-0", "progressive-0.01")
HISTORY = "histories/mazes/delta/seed42.csv"
ANSWERS = "evaluations/mazes/delta/seed42.npz"
RESUME = {"resume_published": True}
BY_TIME = ("--rerun-triggers", "mtime")


def publish(folder: Path, tiny_run: Project) -> None:
    shutil.copytree(tiny_run.folder, folder)
    Project(folder).make("publish")


@pytest.fixture(scope="module")
def published(tiny_run: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose finished tiny run has been published. Its files are not to be changed."""
    return Project(share(tmp_path_factory, "published", lambda folder: publish(folder, tiny_run)))


@pytest.fixture
def copied(published: Project, tmp_path: Path) -> Project:
    """A copy of that project, which the test may change."""
    shutil.copytree(published.folder, tmp_path / "project")
    return Project(tmp_path / "project")


@pytest.fixture(scope="module")
def cloned(published: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that has the published results only. Its files are not to be changed."""
    project = copy_project(tmp_path_factory.mktemp("cloned") / "project")
    shutil.copytree(published.folder / PUBLISHED, project.folder / PUBLISHED)
    return project


@pytest.fixture
def clone(cloned: Project, tmp_path: Path) -> Project:
    """A copy of that project, which the test may change."""
    shutil.copytree(cloned.folder, tmp_path / "project")
    return Project(tmp_path / "project")


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


class TestPublishing:
    def test_small_results_are_copied_byte_for_byte_with_their_origin(self, published):
        original, copies = (tree(published.folder / one) for one in (RESULTS, PUBLISHED))
        about = {"run.json", *(f"run_{task}.json" for task in TASKS)}
        assert copies.keys() - original.keys() == about
        assert all(copies[name] == original[name] for name in copies.keys() - about)
        assert {HISTORY, ANSWERS, "data/mazes.json", "tables/table_6.csv"} <= copies.keys()
        assert not any("models/" in name for name in copies)
        assert sum(map(len, copies.values())) < 1e6
        run = read_json(published.folder / PUBLISHED / "run.json")
        assert set(run) == {
            *("experiment", "published", "commit", "changed_files", "processor", "versions")
        }

    def test_everything_is_bundled_with_its_settings_and_read_back(self, copied):
        copied.make("bundle")
        bundle = copied.folder / RESULTS / "bundle.zip"
        head, _ = check_bundle(bundle)
        assert "experiment tiny" in head
        with zipfile.ZipFile(bundle) as archive:
            names = set(archive.namelist())
            assert yaml.safe_load(archive.read("config.yaml"))["experiment"] == "tiny"
        model = f"{RESULTS}/models/mazes/delta/seed42.safetensors"
        assert {"LICENSE", "CITATION.cff", "run.json", model, f"{RESULTS}/{ANSWERS}"} <= names
        answers = copied.folder / RESULTS / ANSWERS
        answers.write_bytes(answers.read_bytes()[:-1])
        said = errors(copied, "bundle", "--forcerun", "bundle_results", *BY_TIME)
        assert any(f"{ANSWERS}: damaged" in line for line in said), said

    def test_every_training_says_its_machine(self, published):
        machine = read_json(published.folder / PUBLISHED / HISTORY.replace("csv", "json"))[
            "machine"
        ]
        assert {"processor", "instructions", "torch", "device", "threads"} <= machine.keys()

    def test_one_puzzle_is_published_by_itself(self, published):
        plan = published.plan("publish_mazes", "--forcerun", "publish_mazes")
        assert plan.rules == {"publish_mazes": 1}
        (job,) = plan.jobs
        named = job.text.partition("jobid")[0]
        assert f"{PUBLISHED}/{ANSWERS}" in named
        assert "/chess/" not in named
        assert "figures/figure_1." not in named

    def test_a_failed_publication_leaves_the_one_before(self, copied):
        before = tree(copied.folder / PUBLISHED)
        table = copied.folder / RESULTS / "tables/table_6.csv"
        table.write_text(table.read_text() + "edited")
        said = errors(copied, "publish")
        assert any("table_6.csv: damaged or changed" in line for line in said)
        assert tree(copied.folder / PUBLISHED) == before

    def test_results_of_other_settings_or_code_are_refused_though_snakemake_is_told_to_use_them(
        self, copied
    ):
        by_time = ("publish_mazes", "--rerun-triggers", "mtime", "--forcerun", "publish_mazes")
        rate = {"tasks": {"mazes": {"training": {"tiny": {"learning_rate": 0.003}}}}}
        said = errors(copied, *by_time, settings=rate)
        wrong = "training.learning_rate 0.002 (now 0.003)"
        assert any(
            f"{RESULTS}/{HISTORY.replace('csv', 'json')}: made with {wrong}" in s for s in said
        )
        copied.edit("losses/delta.py", "states[-1]", "states[-2 + 1]")
        (line,) = errors(copied, *by_time)
        assert f"[publish] {RESULTS}/{HISTORY.replace('csv', 'json')}: made with code " in line


class TestVerification:
    def test_the_same_results_pass(self, published):
        done = published.make("verify_results")
        assert "0 different" in done.stderr

    def test_changed_results_fail_and_are_named(self, copied):
        curve = copied.folder / RESULTS / "evaluations/chess/delta/seed42.csv"
        lines = curve.read_text().splitlines()
        curve.write_text("\n".join([*lines[:-1], lines[-1].replace("0", "1", 1), ""]))
        done = copied.snakemake("verify_results")
        assert done.returncode == 1
        assert f"{RESULTS}/evaluations/chess/delta/seed42.csv" in done.stderr
        assert "evaluations/chess/delta/seed42.csv: damaged or changed" in done.stderr
        assert (
            "2 of the differences are errors" in done.stderr
        )  # what differs, and that it was edited

    def test_results_that_are_taken_from_the_published_ones_are_not_compared(self, cloned):
        done = cloned.snakemake("verify_results", settings=RESUME)
        assert done.returncode == 1
        assert "published results would be compared with themselves" in done.stderr

    def test_changes_since_are_listed(self, copied):
        assert "results are of the present" in (done := copied.make("list_changes")).stderr
        assert done.stderr.count("[published]") == 1
        copied.edit("losses/delta.py", "states[-1]", "states[-2 + 1]")
        lines = copied.make("list_changes").stderr.splitlines()
        changed = [line for line in lines if "code" in line and "(now" in line]
        trained = [line for line in changed if "/delta/*.json: 1: code " in line]
        measured = [line for line in changed if "/efficiency/" in line]
        assert (len(trained), len(measured), len(changed)) == (3, 3, 6)


class TestGoingOn:
    def test_only_seeds_that_are_not_published_are_trained(self, cloned):
        plan = cloned.plan(settings={**RESUME, "seeds": [42, 43]})
        for rule in ("train_model", "evaluate_model", "evaluate_untrained"):
            assert all(name.endswith("/seed43") for name in plan.of(rule))
        assert plan.rules["train_model"] == plan.rules["evaluate_model"] == 9
        assert {rule for rule in plan.rules if rule.startswith("restore")} == {
            *("restore_chess", "restore_mazes", "restore_prefix_sums")
        }

    def test_without_the_key_everything_is_trained(self, cloned):
        plan = cloned.plan()
        assert plan.rules["train_model"] == 9
        assert not any(rule.startswith("restore") for rule in plan.rules)

    @pytest.mark.parametrize(
        ("settings", "trained"),
        [
            ({"training": {"tiny": {"delta": {"learning_rate": 0.003}}}}, ["delta"]),
            ({"evaluation": {"steps": 7}}, RUNS),
            ({"data": {"test": {"count": 21}}}, RUNS),
            ({"data": {"train": {"count": 61}}}, RUNS),
        ],
        ids=["training", "evaluation", "test-data", "training-data"],
    )
    def test_other_settings_train_again(self, cloned, settings, trained):
        plan = cloned.plan("mazes", settings={**RESUME, "tasks": {"mazes": settings}})
        names = sorted(f"mazes/{run}/seed42" for run in trained)
        assert sorted(plan.of("train_model")) == sorted(plan.of("evaluate_model")) == names

    def test_other_code_of_a_loss_trains_its_runs_again(self, clone):
        clone.edit("losses/delta.py", "states[-1]", "states[-2 + 1]")
        assert clone.plan("mazes", settings=RESUME).of("train_model") == ["mazes/delta/seed42"]

    def test_both_selections_are_taken_or_none(self, cloned):
        plan = cloned.plan("mazes", settings={**RESUME, "select": "both"})
        assert plan.rules["train_model"] == 3
        assert plan.rules["evaluate_model"] == 6

    def test_published_results_give_the_same_evidence_without_training(self, clone, published):
        plan = clone.plan("mazes", settings=RESUME)
        assert not {"train_model", "evaluate_model", "evaluate_untrained"} & plan.rules.keys()
        done = clone.make("mazes", settings=RESUME)
        assert "3 trainings and their answers are taken from results/published/" in done.stderr
        for name in (HISTORY, ANSWERS, "tables/table_6.csv", "statistics/over_seeds_mazes.csv"):
            ours, theirs = (one.folder / RESULTS / name for one in (clone, published))
            assert ours.read_bytes() == theirs.read_bytes()
        assert clone.plan("mazes", settings=RESUME).rules == {}

    def test_weights_are_refused_with_the_way_to_them(self, cloned):
        model = f"{RESULTS}/models/mazes/delta/seed42.safetensors"
        done = cloned.dry_run(model, settings=RESUME)
        assert done.returncode != 0
        assert "has no weights; to train this network here, add --config resume_p" in done.stdout
        assert cloned.plan(model).of("train_model") == ["mazes/delta/seed42"]

    def test_a_training_that_was_done_here_is_not_taken(self, published):
        assert published.plan(settings=RESUME).rules == {}

    def test_a_damaged_file_is_refused_by_its_name(self, clone):
        answers = clone.folder / PUBLISHED / ANSWERS
        content = bytearray(answers.read_bytes())
        content[len(content) // 2] ^= 1
        answers.write_bytes(content)
        said = errors(clone, f"{RESULTS}/tables/table_6.csv", settings=RESUME)
        (line,) = [line for line in said if line.startswith("[restore mazes]")]
        assert f"{PUBLISHED}/{ANSWERS}: damaged or changed; take back the committed one" in line
        assert not (clone.folder / RESULTS / HISTORY).exists()
        summary = clone.folder / PUBLISHED / HISTORY.replace("csv", "json")
        summary.write_text(summary.read_text().replace('"epochs": 2', '"epochs": 3'))
        done = clone.dry_run(settings=RESUME)
        assert done.returncode == 1
        assert f"config: {PUBLISHED}/{HISTORY.replace('csv', 'json')}: damaged" in done.stderr
        for path in (answers, summary):
            path.unlink()
        plan = clone.plan("mazes", settings=RESUME)
        assert plan.of("train_model") == ["mazes/delta/seed42"]


class TestCommitted:
    """What lies in results/published/ of this project."""

    def test_the_pages_say_whether_the_quick_run_is_of_the_present_code(self, tmp_path):
        project = copy_project(tmp_path / "project")
        quick = "results/published/quick"
        shutil.copytree(ROOT / quick, project.folder / quick)
        done = project.make("list_changes", preset="workflow/presets/quick.yaml")
        networks = ("histories/", "evaluations/")
        changed = [
            line
            for line in done.stderr.splitlines()
            if any(f"{quick}/{n}" in line for n in networks)
        ]
        for page in ("README.md", "docs/quick.md"):
            text = (ROOT / page).read_text()
            assert ("made by former code" in text) == bool(changed), changed

    @pytest.mark.parametrize(
        "path", sorted((ROOT / "results" / "published").glob("*/evaluations/*/*/*.npz")), ids=str
    )
    def test_answers_are_those_of_their_curve(self, path):
        curve = path.with_suffix(".csv").read_text()
        assert load_answers(path).curve()["correct"].tolist() == [
            int(line.split(",")[1]) for line in curve.splitlines()[1:]
        ]

    @pytest.mark.parametrize("run", ["delta", "progressive-1"])
    @pytest.mark.parametrize("seed", [1, 2, 3, 4, 5])
    def test_two_studies_with_equal_settings_on_equal_machines_have_equal_answers(self, run, seed):
        found = []
        for study in ("alpha-sweep", "losses"):
            folder = ROOT / "results" / "published" / study / "evaluations" / "prefix_sums" / run
            found.append(load_answers(folder / f"seed{seed}.npz"))
        first, second = (one.provenance["settings"] for one in found)
        assert {**first, "code": None} == {**second, "code": None}
        assert (found[0].correct == found[1].correct).all()

    def test_the_laptop_study_goes_on_and_the_quick_one_starts_anew(self):
        laptop, quick, paper = (
            yaml.safe_load((ROOT / path).read_text())
            for path in (
                "workflow/presets/laptop.yaml",
                "workflow/presets/quick.yaml",
                "config.yaml",
            )
        )
        assert laptop["resume_published"] is True
        assert "resume_published" not in quick
        assert paper["resume_published"] is False
