"""Which run a file belongs to, and what is said of the origin of results."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from deltaloss import evidence
from deltaloss.core.files import check_file, file_sha256, read_json
from deltaloss.evidence.provenance import describe_run, read_runs, save_provenance
from deltaloss.puzzles.card import puzzle_names

ROOM = Path(evidence.__path__[0])


def test_files_are_grouped_by_puzzle_run_and_weights():
    names = [
        *("chess/delta/seed1", "chess/delta/seed2", "chess/progressive-0.5/seed1"),
        *("mazes/delta/seed1", "mazes/delta/released"),
    ]
    results = read_runs([Path(f"results/x/evaluations/{name}.csv") for name in names], str)
    assert [(one.task, one.run.name, list(one.by_weights)) for one in results] == [
        ("chess", "delta", ["seed1", "seed2"]),
        ("chess", "progressive-0.5", ["seed1"]),
        ("mazes", "delta", ["seed1"]),
        ("mazes", "delta", ["released"]),
    ]
    assert [one.released for one in results] == [False, False, False, True]
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


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COMMIT", raising=False)


def test_a_publication_outside_a_repository_has_its_machine_and_no_commit(monkeypatch):
    described = describe_run("trial")
    assert (described["commit"], described["changed_files"]) == (None, None)
    assert described["experiment"] == "trial"
    assert described["processor"]
    packages = {"numpy", "pandas", "scipy", "matplotlib"}
    assert set(described["versions"]) == {"workflow", "python", *packages}
    monkeypatch.setenv("COMMIT", "carried")
    assert describe_run("trial")["commit"] == "carried"


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
def test_puzzles_are_named_in_what_the_paper_says_only(path):
    strings = {
        node.value
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    named = {name for name in puzzle_names() for text in strings if name in text.lower()}
    assert bool(named) == (path.stem in ("paper", "claims", "contradictions"))
