"""The digest sees what code means and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deltaloss.fingerprint import canonical, code_digest, digest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    package = tmp_path / "deltaloss"
    (package / "losses").mkdir(parents=True)
    files = {
        "train.py": '"""Train."""\nfrom deltaloss.training import train\nimport os\ntrain()\n',
        "deltaloss/__init__.py": '"""Library."""\n',
        "deltaloss/training.py": (
            'from deltaloss import seeds\n\n\ndef train():\n    """Do it."""\n'
            "    from deltaloss.late import x\n    return x\n"
        ),
        "deltaloss/seeds.py": "SEED = 1\n",
        "deltaloss/late.py": "x = 2\n",
        "deltaloss/figures.py": "y = 3\n",
        "deltaloss/losses/__init__.py": "from .base import z\n",
        "deltaloss/losses/base.py": "z = 5\n",
        "deltaloss/losses/delta.py": "from . import base\nLOSS = 4\n",
        "deltaloss/losses/other.py": "LOSS = 9\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def of(folder: Path) -> str:
    return code_digest(folder / "train.py", "deltaloss.losses.delta")


@pytest.mark.parametrize(
    "name",
    [
        "train.py",
        "deltaloss/__init__.py",
        "deltaloss/training.py",
        "deltaloss/seeds.py",
        "deltaloss/late.py",
        "deltaloss/losses/__init__.py",
        "deltaloss/losses/base.py",
        "deltaloss/losses/delta.py",
    ],
)
def test_every_module_in_use_counts(folder: Path, name: str) -> None:
    before = of(folder)
    path = folder / name
    path.write_text(path.read_text() + "extra = 1\n")
    assert of(folder) != before


@pytest.mark.parametrize("name", ["deltaloss/figures.py", "deltaloss/losses/other.py"])
def test_modules_not_in_use_do_not(folder: Path, name: str) -> None:
    before = of(folder)
    (folder / name).write_text("y = 99\n")
    (folder / "deltaloss" / "added.py").write_text("w = 1\n")
    assert of(folder) == before


def test_words_and_looks_do_not_count(folder: Path) -> None:
    before = of(folder)
    (folder / "deltaloss/training.py").write_text(
        '"""Now with words."""\n\nfrom deltaloss import (\n    seeds,\n)  # the seeds\n\n'
        'def train( ):\n  """Do it well."""\n  from deltaloss.late import x\n  return (x)\n'
    )
    assert of(folder) == before


def test_a_string_that_is_not_a_docstring_counts(folder: Path) -> None:
    (folder / "deltaloss/seeds.py").write_text('SEED = "a"\n')
    before = of(folder)
    (folder / "deltaloss/seeds.py").write_text('SEED = "b"\n')
    assert of(folder) != before


def test_moving_the_project_changes_nothing(folder: Path, tmp_path_factory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "copy"
    shutil.copytree(folder, elsewhere)
    assert of(elsewhere) == of(folder)


def test_jobs_of_the_project_use_what_they_should() -> None:
    """A loss decides its own trainings; a figure decides no training."""
    scripts = ROOT / "workflow" / "scripts"
    delta = code_digest(scripts / "train_model.py", "deltaloss.losses.delta")
    assert delta != code_digest(scripts / "train_model.py", "deltaloss.losses.progressive")
    assert delta != code_digest(scripts / "train_model.py")


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
    assert canonical(1e30) == 1e30
    assert isinstance(canonical(1e30), float)
    assert canonical(True) is True


def test_what_errors_say_does_not_count(folder: Path) -> None:
    script = folder / "speaking.py"
    script.write_text("def main(x):\n    if x:\n        raise ValueError('no')\n")
    before = code_digest(script)
    script.write_text("def main(x):\n    if x:\n        raise ValueError(f'{x}: never')\n")
    assert code_digest(script) == before
    script.write_text("def main(x):\n    if not x:\n        raise ValueError('no')\n")
    assert code_digest(script) != before
