"""The recipes of docs/extending.md, executed exactly as written."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.forks import run_snakemake
from tests.workflow.projects import check, run, share

from .documents import ROOT, read_blocks

DEADLINE_SECONDS = 600.0  # of each command; one takes 20 seconds of one core
NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv", ".snakemake", "results", "__pycache__", ".*_cache", ".hypothesis"
)

pytestmark = pytest.mark.workflow


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project in which a reader has followed both recipes."""
    return share(tmp_path_factory, "extended", follow_recipes)


def follow_recipes(folder: Path) -> None:
    """Apply the files and edits of the document and run its commands, in their order."""
    shutil.copytree(ROOT, folder, ignore=NOT_COPIED)
    for block in read_blocks(ROOT / "docs" / "extending.md"):
        if block.kind:
            block.apply(folder)
            continue
        assert block.language == "sh", f"a block that is neither file, edit nor sh:\n{block.text}"
        for line in block.text.splitlines():
            words = shlex.split(line)
            if words[0] == "snakemake":
                check(run_snakemake(words[1:], folder, DEADLINE_SECONDS))
            else:
                check(run(words, folder, DEADLINE_SECONDS))


@pytest.mark.parametrize(
    ("experiment", "task", "run_name"),
    [
        ("discounted", "prefix_sums", "discounted-0.5"),
        ("reversal", "reversal", "delta"),
        ("reversal", "reversal", "progressive-0.5"),
    ],
    ids=["loss", "puzzle-delta", "puzzle-progressive"],
)
def test_a_new_run_is_trained_and_evaluated(extended, experiment, task, run_name):
    results = extended / "results" / experiment
    model = results / "models" / task / run_name / "seed42.safetensors"
    assert model.stat().st_size > 1000
    history = pd.read_csv(results / "histories" / task / run_name / "seed42.csv")
    assert history["epoch"].tolist() == [1, 2]
    assert history["train_loss"].between(0, 10).all()
    curve = pd.read_csv(results / "evaluations" / task / run_name / "seed42.csv")
    assert curve["step"].tolist() == [1, 2, 3, 4, 5, 6]


def test_a_new_loss_has_a_row_without_the_paper_s_value(extended):
    tables = extended / "results" / "discounted" / "tables"
    row = pd.read_csv(tables / "table_7.csv").set_index("loss").loc["discounted"]
    assert row["lambda"] == 0.5
    assert pd.isna(row["max_accuracy_percent_paper"])
    assert row["max_accuracy_percent"] >= row["last_accuracy_percent"]
    printed = cells(tables / "table_7.md", "Discounted, λ = 0.5")
    assert printed[2] == f"{row['steps_until_max_accuracy']:.0f}"


def test_a_new_puzzle_has_a_table_without_the_paper_s_values(extended):
    tables = extended / "results" / "reversal" / "tables"
    table = pd.read_csv(tables / "table_8.csv")
    assert table["loss"].tolist() == ["delta", "progressive"]
    assert table["max_accuracy_percent_paper"].isna().all()
    text = (tables / "table_8.md").read_text(encoding="utf-8")
    assert text.startswith("Table 8: Reversal")
    assert "paper" not in text


def cells(table: Path, label: str) -> list[str]:
    """Return the cells of the row of a Markdown table whose first cell begins with a label."""
    rows = [line.strip("|").split("|") for line in table.read_text(encoding="utf-8").splitlines()]
    (row,) = [row for row in rows if row[0].strip().startswith(label)]
    return [cell.strip() for cell in row]


@pytest.mark.parametrize(
    "panel",
    ["discounted/figures/figure_1_prefix_sums", "reversal/figures/figure_1_reversal"],
    ids=["loss", "puzzle"],
)
@pytest.mark.parametrize(
    ("kind", "start"),
    [("pdf", b"%PDF"), ("svg", b"<?xml"), ("png", b"\x89PNG")],
    ids=["pdf", "svg", "png"],
)
def test_the_panels_are_drawn(extended, panel, kind, start):
    assert (extended / "results" / f"{panel}.{kind}").read_bytes().startswith(start)


def test_the_labels_of_a_new_puzzle_are_proven(extended):
    report = pd.read_json(
        extended / "results" / "reversal" / "data" / "reversal.json", typ="series"
    )
    for split in ("train", "test"):
        assert report[split]["checks"]["labels"]["failed"] == 0
        assert report[split]["checks"]["labels"]["checked"] == report[split]["count"]
    assert not any("proven" in line for line in report["warnings"])


def test_the_code_of_the_recipes_passes_the_linter(extended):
    new = [b.path for b in read_blocks(ROOT / "docs" / "extending.md") if b.path.endswith(".py")]
    for command in (["check"], ["format", "--check"]):
        done = run([sys.executable, "-m", "ruff", *command, *new], extended)
        assert done.returncode == 0, done.stdout
