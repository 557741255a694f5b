"""Which run a file belongs to, and what is said of the origin of results."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from deltaloss import evidence
from deltaloss.core.files import check_file, file_sha256, read_json, write_csv, write_json
from deltaloss.evidence.provenance import describe_run, read_runs, save_provenance
from deltaloss.puzzles.card import puzzle_names

ROOM = Path(evidence.__path__[0])


def test_files_are_grouped_by_puzzle_run_and_weights():
    names = [
        *("chess/delta/seed1", "chess/delta/seed2", "chess/progressive-0.5/seed1"),
        *("mazes/delta/released",),
    ]
    results = read_runs([Path(f"results/x/evaluations/{name}.csv") for name in names], str)
    assert [(one.task, one.run.name, list(one.by_weights)) for one in results] == [
        ("chess", "delta", ["seed1", "seed2"]),
        ("chess", "progressive-0.5", ["seed1"]),
        ("mazes", "delta", ["released"]),
    ]
    assert results[0].by_weights["seed2"] == "results/x/evaluations/chess/delta/seed2.csv"


def test_a_result_names_its_settings_inputs_and_versions(tmp_path):
    source = tmp_path / "curve.csv"
    source.write_text("step\n1\n")
    table = tmp_path / "table.csv"
    table.write_text("best\n1\n")
    save_provenance(
        tmp_path / "table.json", {"code": "abc"}, inputs=[str(source)], outputs=[str(table)]
    )
    check_file(table)
    written = read_json(tmp_path / "table.json")
    assert written["settings"] == {"code": "abc"}
    assert written["inputs"] == {str(source): file_sha256(source)}
    assert written["versions"]["numpy"]


@pytest.fixture
def summary(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COMMIT", raising=False)
    path = tmp_path / "histories" / "mazes" / "delta" / "seed42.json"
    frame = pd.DataFrame({"train_seconds": [1.5, 2.0], "validation_seconds": [0.25, 0.25]})
    history = path.with_suffix(".csv")
    write_csv(history, frame)
    write_json(path, {"best_epoch": 2, "data_digest": "abc"}, files=[history])
    return path


def git(*arguments: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True, timeout=60)


def test_a_run_outside_a_repository_has_its_trainings_and_no_commit(summary, monkeypatch):
    described = describe_run("trial", [summary])
    assert (described["commit"], described["changed_files"]) == (None, None)
    assert described["processor"]
    (training,) = described["trainings"].values()
    digests = {"seed42.csv": file_sha256(summary.with_suffix(".csv"))}
    assert training == {
        "best_epoch": 2,
        "data_digest": "abc",
        "files_sha256": digests,
        "wall_seconds": 4.0,
    }
    assert list(described["trainings"]) == ["mazes/delta/seed42"]
    monkeypatch.setenv("COMMIT", "carried")
    assert describe_run("trial", [summary])["commit"] == "carried"


def test_changed_files_are_listed_but_results_are_not(summary, tmp_path):
    git("init")
    (tmp_path / "results").mkdir()
    for name in ("config.yaml", "results/README.md"):
        (tmp_path / name).write_text("before")
    git("add", "config.yaml", "results")
    git("commit", "-m", "first")
    assert describe_run("trial", [summary])["changed_files"] == []
    for name in ("config.yaml", "results/README.md"):
        (tmp_path / name).write_text("after")
    described = describe_run("trial", [summary])
    assert described["changed_files"] == ["config.yaml"]
    assert len(str(described["commit"])) == 40


def test_no_module_of_the_room_imports_torch():
    modules = [f"deltaloss.evidence.{path.stem}" for path in ROOM.glob("[!_]*.py")]
    code = f"import sys, {', '.join(modules)}; sys.exit('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(ROOM.parents[1]), "MPLCONFIGDIR": "/tmp"},
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", sorted(ROOM.glob("[!_]*.py")), ids=lambda path: path.stem)
def test_puzzles_are_named_in_the_paper_only(path):
    strings = {
        node.value
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    named = {name for name in puzzle_names() for text in strings if name in text.lower()}
    assert bool(named) == (path.stem == "paper")
