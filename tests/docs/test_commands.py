"""The printed commands: planned by a dry run, or parsed by make, exactly as written."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from tests.forks import run_snakemake
from tests.workflow.projects import ROOT, run, tail

from .documents import DOCUMENTS, read_blocks, read_commands
from .test_extending import NOT_COPIED

SOURCES = [*DOCUMENTS, ROOT / "Makefile", *sorted((ROOT / "workflow" / "presets").glob("*.yaml"))]

pytestmark = pytest.mark.workflow


def printed_commands() -> list[str]:
    """Commands of the documents' shell blocks, and of the comments of Makefile and presets."""
    commands = [
        command
        for document in DOCUMENTS
        if document.name != "extending.md"  # whose commands are really run
        for command in read_commands(document)
    ]
    for source in SOURCES[len(DOCUMENTS) :]:
        text = source.read_text(encoding="utf-8")
        commands += re.findall(r"^#  ? ?(?:make \w+ +or +)?(snakemake .*)$", text, re.MULTILINE)
    return sorted(set(commands))


def test_links_between_documents_lead_to_files() -> None:
    targets = [
        (document, target)
        for document in [*DOCUMENTS, ROOT / "results" / "README.md"]
        for target in re.findall(r"\]\(([^)#]+)\)", document.read_text(encoding="utf-8"))
        if "://" not in target
    ]
    assert len(targets) > 10
    assert [t for document, t in targets if not (document.parent / t).exists()] == []


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with the files that the documents tell the reader to write."""
    folder = tmp_path_factory.mktemp("commands") / "project"
    shutil.copytree(ROOT, folder, ignore=NOT_COPIED)
    for block in (block for document in DOCUMENTS for block in read_blocks(document)):
        named = re.match(r"# ([\w-]+\.yaml):", block.text)
        if block.language == "yaml" and named and not block.kind:
            (folder / named[1]).write_text(block.text, encoding="utf-8")
    return folder


def test_the_documents_print_commands() -> None:
    assert any(command.startswith("make ") for command in printed_commands())
    assert sum(command.startswith("snakemake ") for command in printed_commands()) > 8


def on_slurm(command: str) -> list[pytest.MarkDecorator]:
    """The mark of commands that need the executor, which `make test-system` installs."""
    return [pytest.mark.system] if "profiles/slurm" in command else []


@pytest.mark.parametrize(
    "command", [pytest.param(one, marks=on_slurm(one)) for one in printed_commands()]
)
def test_a_printed_command_is_planned_without_an_error(project: Path, command: str) -> None:
    program, *arguments = shlex.split(command)
    if program == "make":
        done = run(["make", "--dry-run", *arguments], project, seconds=120.0)
    else:
        assert program == "snakemake", f"a command that is not tested: {command}"
        done = run_snakemake([*arguments, "--dry-run", "--quiet"], project, seconds=300.0)
    shown = done.stdout + done.stderr
    assert done.returncode == 0, tail(shown)
    assert "Traceback" not in shown


@pytest.mark.parametrize("target", ["quick", "verify", "tiny", "paper", "report", "bundle"])
def test_a_run_is_planned_as_make_calls_it(project: Path, target: str) -> None:
    shown = run(["make", "--dry-run", "CORES=2", target], project, seconds=120.0).stdout
    commands = re.findall(r"&& snakemake (?!--report)(.*)", shown)
    assert commands
    for command in commands:
        arguments = [*shlex.split(command), "--dry-run"]
        done = run_snakemake(arguments, project, seconds=300.0)
        assert done.returncode == 0, tail(done.stdout + done.stderr)
