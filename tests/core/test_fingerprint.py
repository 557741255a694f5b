"""The digest of code depends on its meaning and on nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deltaloss.core.fingerprint import canonical, code_digest, digest
from deltaloss.core.runs import LOSSES
from deltaloss.puzzles.card import puzzle_names

SCRIPTS = Path(__file__).resolve().parents[2] / "workflow" / "scripts"

FILES = {
    "train.py": '"""Train."""\nfrom deltaloss.training.loop import train\nimport os\ntrain()\n',
    "deltaloss/__init__.py": "",
    "deltaloss/training/__init__.py": "",
    "deltaloss/training/loop.py": (
        "from deltaloss.core import seeds\n"
        "from deltaloss.core.log import logger\n\n\n"
        'def train(x):\n    """Train."""\n    from deltaloss.model.late import y\n'
        '    logger.info("epoch %d", x)\n'
        '    if x:\n        raise ValueError("no")\n    return x + 1\n'
    ),
    "deltaloss/core/__init__.py": "",
    "deltaloss/core/seeds.py": 'SEED = "a"\n',
    "deltaloss/core/log.py": "import deltaloss.core.progress\nlogger = 1\n",
    "deltaloss/core/progress.py": "from deltaloss.figures import y\n",
    "deltaloss/model/__init__.py": "",
    "deltaloss/model/late.py": "from deltaloss.runtime.devices import y\n",
    "deltaloss/runtime/__init__.py": "",
    "deltaloss/runtime/devices.py": "y = 2\n",
    "deltaloss/figures.py": "y = 3\n",
    "deltaloss/losses/__init__.py": "from .base import z\n",
    "deltaloss/losses/base.py": "z = 5\n",
    "deltaloss/losses/delta.py": "from . import base\nLOSS = 4\n",
    "deltaloss/losses/other.py": "LOSS = 9\n",
}
OUTSIDE = {
    "deltaloss/core/log.py",
    "deltaloss/core/progress.py",
    "deltaloss/runtime/__init__.py",
    "deltaloss/runtime/devices.py",
    "deltaloss/figures.py",
    "deltaloss/losses/other.py",
}


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, FILES)
    return tmp_path


def of(folder: Path) -> str:
    return code_digest(folder / "train.py", "deltaloss.losses.delta")


@pytest.mark.parametrize("name", FILES)
def test_a_changed_constant_counts_where_a_job_imports_it(folder: Path, name: str) -> None:
    before = of(folder)
    with (folder / name).open("a") as file:
        file.write("EXTRA = 1\n")
    assert (of(folder) == before) == (name in OUTSIDE)


@pytest.mark.parametrize(
    ("old", "new", "counts"),
    [
        ("x + 1", "x + 2", True),
        ("if x", "if not x", True),
        ("import y", "import z", True),
        ("x + 1", "( x+1 )  # more", False),
        ('"""Train."""', '"""Train well.\n\n    In words.\n    """', False),
        ('ValueError("no")', 'TypeError(f"{x}: never")', False),
        ('"epoch %d", x', '"epoch %d of %d", x, 9', False),
        ('    logger.info("epoch %d", x)\n', "", False),
        ("from deltaloss.core.log import logger\n", "", False),
    ],
    ids=[
        "constant",
        "condition",
        "import",
        "comment and spaces",
        "docstring",
        "error",
        "log line",
        "no log line",
        "import of the logger",
    ],
)
def test_only_meaning_counts(folder: Path, old: str, new: str, counts: bool) -> None:
    before, path = of(folder), folder / "deltaloss/training/loop.py"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    assert (of(folder) != before) == counts


def test_moving_the_project_changes_nothing(folder: Path, tmp_path_factory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "copy"
    shutil.copytree(folder, elsewhere)
    assert of(elsewhere) == of(folder)


def test_a_module_that_is_missing_is_an_error(folder: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"deltaloss\.losses\.lost"):
        code_digest(folder / "train.py", "deltaloss.losses.lost")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Our own scripts, for changes."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(SCRIPTS, tmp_path / "scripts", ignore=ignored)
    return tmp_path / "scripts"


def job_digests(scripts: Path) -> dict[tuple[str, str], str]:
    """Digests of the jobs that cost time, as the rules ask for them."""
    tasks = [f"deltaloss.puzzles.{puzzle}.task" for puzzle in puzzle_names()]
    makers = [f"deltaloss.puzzles.{puzzle}.make" for puzzle in puzzle_names()]
    losses = [f"deltaloss.losses.{loss}" for loss in LOSSES]
    jobs = [("make_examples", maker) for maker in makers]
    jobs += [("train_model", f"{task} {loss}") for task in tasks for loss in losses]
    jobs += [("evaluate_model", task) for task in tasks]
    return {
        (script, modules): code_digest(scripts / f"{script}.py", *modules.split())
        for script, modules in jobs
    }


def test_another_loss_or_puzzle_makes_no_data_and_trains_and_evaluates_nothing(
    project: Path,
) -> None:
    before = job_digests(project)
    runs = project / "deltaloss" / "core" / "runs.py"
    assert '    "delta": None,\n' in runs.read_text()
    runs.write_text(
        runs.read_text().replace('    "delta": None,\n', '    "delta": None,\n    "toy": None,\n')
    )
    toy = {f"deltaloss/puzzles/toy/{name}.py": "X = 1\n" for name in ("card", "task", "make")}
    write(project, {"deltaloss/losses/toy.py": "LOSS = 1\n", **toy})
    assert job_digests(project) == before


def test_a_loss_reruns_its_own_trainings_only(project: Path) -> None:
    before = job_digests(project)
    with (project / "deltaloss" / "losses" / "delta.py").open("a") as file:
        file.write("EXTRA = 1\n")
    after = job_digests(project)
    changed = {job for job in before if before[job] != after[job]}
    assert changed == {job for job in before if "losses.delta" in job[1]}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda child: (
        st.lists(child, max_size=3) | st.dictionaries(st.text(max_size=3), child, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=3), JSON, max_size=4))
def test_order_of_keys_does_not_count(settings: dict[str, object]) -> None:
    backwards = dict(reversed(settings.items()))
    assert digest(settings) == digest(backwards)
    assert repr(canonical(settings)) == repr(canonical(backwards))


def test_swapped_values_count() -> None:
    assert digest({"a": 1, "b": 2}) != digest({"a": 2, "b": 1})


def test_one_and_one_point_zero_are_one_setting() -> None:
    assert repr(canonical({"clip_norm": 1.0, "decay": [0.5, 2.0]})) == repr(
        canonical({"clip_norm": 1, "decay": [0.5, 2]})
    )
    assert isinstance(canonical(1e30), float)
    assert canonical(True) is True
