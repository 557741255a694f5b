"""The order of the house: imports only go down, light rooms stay light, scripts fit their rules."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = ROOT / "workflow" / "scripts"
LIBRARY = SCRIPTS / "deltaloss"
RULES = sorted((ROOT / "workflow" / "rules").glob("*.smk"))

ROOMS = (
    *("core", "puzzles", "data", "config", "model", "runtime", "evaluation", "convergence"),
    *("losses", "training", "efficiency", "evidence"),
)
MODULES = {
    ".".join(path.relative_to(SCRIPTS).with_suffix("").parts): path
    for path in sorted(LIBRARY.rglob("*.py"))
    if path.name != "__init__.py"
}
# Modules that are imported by a name from settings, by the script that imports them.
NAMED = {
    "make_examples": r"puzzles\.\w+\.make|data\.published_sets",
    "audit_data": r"puzzles\.\w+\.audit",
    "train_model": r"puzzles\.\w+\.task|losses\.\w+",
    "evaluate_model": r"puzzles\.\w+\.task",
    "evaluate_untrained": r"puzzles\.\w+\.task",
    "measure_convergence": r"puzzles\.\w+\.task",
    "measure_recovery": r"puzzles\.\w+\.task",
    "tabulate_convergence": r"puzzles\.\w+\.card",
    "draw_convergence": r"puzzles\.\w+\.card",
    "tabulate_sizes": r"puzzles\.\w+\.card",
    "draw_sizes": r"puzzles\.\w+\.card",
    "measure_efficiency": r"puzzles\.\w+\.task|losses\.\w+",
    "tabulate_efficiency": r"puzzles\.\w+\.card",
    "draw_data": r"puzzles\.\w+\.(picture|card)",
    "record_thinking": r"puzzles\.\w+\.task",
    "draw_thinking": r"puzzles\.\w+\.(answer_picture|card)",
    "draw_figure_1": r"puzzles\.\w+\.card",
    "tabulate_results": r"puzzles\.\w+\.card",
}


@cache
def imports(path: Path) -> frozenset[str]:
    """Full names that a file imports when it runs, of modules and of names in them."""
    names: set[str] = set()
    for node in _running(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports are not followed here"
            names.add(str(node.module))
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return frozenset(names)


def _running(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes, except under ``if TYPE_CHECKING``."""
    yield node
    if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
        return
    for child in ast.iter_child_nodes(node):
        yield from _running(child)


def packages(*paths: Path) -> set[str]:
    """Other packages that files import, themselves and through the library."""
    waiting, seen = list(paths), set(paths)
    found: set[str] = set()
    while waiting:
        for name in imports(waiting.pop()):
            if name in MODULES and MODULES[name] not in seen:
                seen.add(MODULES[name])
                waiting.append(MODULES[name])
            found.add(name.split(".")[0])
    return found - set(sys.stdlib_module_names) - {"deltaloss"}


def test_every_room_is_known_and_every_init_is_empty():
    rooms = {path.name for path in LIBRARY.iterdir() if list(path.glob("*.py"))}
    assert rooms == set(ROOMS)
    assert [path for path in LIBRARY.glob("*/**/__init__.py") if path.read_text()] == []


@pytest.mark.parametrize("room", ROOMS)
def test_imports_only_go_down(room):
    allowed = {*ROOMS[: ROOMS.index(room) + 1]}
    for path in (LIBRARY / room).rglob("*.py"):
        used = {name.split(".")[1] for name in imports(path) if name.startswith("deltaloss.")}
        assert used <= allowed, f"{path.relative_to(LIBRARY)} imports {used - allowed}"


def test_no_room_imports_snakemake():
    assert [name for name, path in MODULES.items() if "snakemake" in packages(path)] == []


@pytest.mark.parametrize(
    ("modules", "heavy"),
    [
        (r"core\.", {"torch", "pandas", "matplotlib"}),
        (r"config\.", {"torch", "pandas", "matplotlib"}),
        (r"puzzles\.(base|card|\w+\.card)$", {"torch", "pandas", "matplotlib"}),
        (
            r"evidence\.|evaluation\.(answers|thinking)|convergence\.behaviour|training\.history",
            {"torch"},
        ),
    ],
    ids=["core", "config", "puzzles", "evidence"],
)
def test_light_modules_import_no_heavy_package(modules, heavy):
    chosen = {n: p for n, p in MODULES.items() if re.match(rf"deltaloss\.({modules})", n)}
    assert chosen
    for name, path in chosen.items():
        assert packages(path) & heavy == set(), name


def test_files_are_short():
    limits = dict.fromkeys([*SCRIPTS.rglob("*.py"), *RULES], 300)
    limits |= {ROOT / "workflow" / "rules" / "common.smk": 150, ROOT / "workflow" / "Snakefile": 80}
    long = [path for path, most in limits.items() if len(path.read_text().splitlines()) > most]
    assert long == []


def rules() -> dict[str, str]:
    """Texts of the rules that run scripts, by the script's name."""
    text = "\n".join(path.read_text() for path in RULES)
    blocks = re.split(r"^(?= *(?:use )?rule[ :])", text, flags=re.MULTILINE)[1:]
    named = {re.search(r'"\.\./scripts/(\w+)\.py"', block): block for block in blocks}
    return {match[1]: block for match, block in named.items() if match}


def test_every_script_belongs_to_a_rule():
    assert set(rules()) == {path.stem for path in SCRIPTS.glob("*.py")}


@pytest.mark.parametrize("script", sorted(path.stem for path in SCRIPTS.glob("*.py")))
def test_a_rule_s_environment_has_all_that_its_script_imports(script):
    environment = re.search(r'"\.\./\.\./(envs/\w+\.yaml)"', rules()[script])
    assert environment, "the rule has no conda environment"
    named = rf"deltaloss\.({NAMED.get(script, 'none')})"
    modules = [path for name, path in MODULES.items() if re.fullmatch(named, name)]
    pins = {name.lower().replace("-", "_") for name in pinned(ROOT / environment[1])}
    missing = {name.lower() for name in packages(SCRIPTS / f"{script}.py", *modules)} - pins
    assert missing == set()


def pinned(environment: Path) -> dict[str, str]:
    """Packages of a conda environment and their versions."""
    after = environment.with_suffix(".post-deploy.sh")
    text = environment.read_text() + (after.read_text() if after.is_file() else "")
    return dict(re.findall(r"([\w-]+)==([\w.]+)", text))


def test_pins_of_all_environments_agree():
    texts = [path.read_text() for path in (ROOT / "envs").glob("*.txt")]
    pins = dict(pair for text in texts for pair in re.findall(r"^([\w-]+)==([\w.]+)", text, re.M))
    environments = sorted((ROOT / "envs").glob("*.yaml"))
    assert environments
    for path in environments:
        assert yaml.safe_load(path.read_text())["dependencies"]
        for name, version in pinned(path).items():
            assert pins[name] == version, f"{path.name}: {name}"
