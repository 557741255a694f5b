"""What is published, what is refused, what is taken back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deltaloss.config.published import path_of
from deltaloss.core.errors import DataError
from deltaloss.core.files import read_json, write_json
from deltaloss.evaluation.answers import load_answers, save_answers
from deltaloss.evidence.published import MISSING, SAME, list_changes, publish, restore

from .publishing import (
    ANSWERS,
    AUDIT,
    CURVE,
    EXPECTED,
    FILES,
    HISTORY,
    ROOT,
    SUMMARIES,
    TABLE,
    make_results,
)

ALL = [*FILES, *SUMMARIES]
NETWORK = [path for path in ALL if "/tables/" not in path and "/data/" not in path]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_results()
    return tmp_path


def reseal(path: str, **changes: object) -> None:
    """Change a summary as somebody does who writes a matching digest."""
    write_json(Path(path), {**read_json(Path(path)), **changes})


def tree(folder: str) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in Path(folder).rglob("*") if p.is_file()}


def test_results_are_copied_with_their_summaries_byte_for_byte():
    publish(ALL, EXPECTED)
    for path in ALL:
        assert Path(path_of(path)).read_bytes() == Path(path).read_bytes()
    assert len(tree("results/published")) == len(set(ALL))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"code": "0000", "seed": 1, "training": {"epochs": 2, "rate": 0.1}}, "code 0000 (now aaa"),
        (
            {"code": "aaaa", "seed": 1, "training": {"epochs": 2, "rate": 0.3}},
            "training.rate 0.3 (now 0.1)",
        ),
        ({"code": "aaaa", "seed": 2, "training": {"epochs": 2, "rate": 0.1}}, "seed 2 (now 1)"),
        ({"code": "aaaa", "seed": 1, "training": {"rate": 0.1}}, "training.epochs unset (now 2)"),
        ({"code": "0000", "seed": 2, "training": {"epochs": 9, "rate": 0.1}}, "(now 1), 1 more"),
    ],
    ids=["code", "setting", "seed", "unset", "several"],
)
def test_a_history_of_other_settings_is_refused_by_its_name_and_theirs(settings, said):
    summary = HISTORY.replace(".csv", ".json")
    reseal(summary, settings=settings)
    with pytest.raises(DataError) as refused:
        publish(ALL, EXPECTED)
    assert str(refused.value).startswith(f"{summary}: made with ")
    assert said in str(refused.value)
    assert not Path("results/published").exists()


def test_every_kind_of_result_is_refused_if_its_code_has_changed():
    for path in SUMMARIES:
        before = Path(path).read_bytes()
        old = read_json(Path(path))
        settings = {**old.get("settings", {}), "code": "0000"}
        reseal(path, **({"code": "0000"} if path == AUDIT else {"settings": settings}))
        with pytest.raises(DataError, match=r"made with code 0000|damaged"):
            publish(ALL, EXPECTED)
        Path(path).write_bytes(before)
    publish(ALL, EXPECTED)


def test_answers_of_other_weights_or_examples_are_refused():
    make_results(rate=0.3)
    reseal(HISTORY.replace(".csv", ".json"), settings=read_json_settings())
    with pytest.raises(DataError, match=r"seed1.json: of weights made with training.rate 0.3"):
        publish(ALL, EXPECTED)
    make_results(digest="others")
    with pytest.raises(
        DataError, match=r"evaluations.*made with other examples than those audited"
    ):
        publish(ALL, EXPECTED)


def read_json_settings() -> dict[str, object]:
    return {"code": "aaaa", "seed": 1, "training": {"epochs": 2, "rate": 0.1}}


def test_a_table_of_other_answers_is_refused():
    before = tree(f"{ROOT}/tables")
    make_results(correct=((0, 0), (1, 1), (0, 1)))
    for path, content in before.items():
        Path(path).write_bytes(content)
    with pytest.raises(DataError, match=f"table_6.json: made of another {ANSWERS}"):
        publish(ALL, EXPECTED)


def flip_and_reseal(path: Path) -> None:
    """Swap a right answer for a wrong one; the archive's own checksums fit."""
    stored = load_answers(path)
    changed = stored.correct.copy()
    changed[0, 0] ^= True
    save_answers(path, type(stored)(**{**vars(stored), "correct": changed}))


def test_answers_that_do_not_fit_their_curve_are_refused():
    flip_and_reseal(Path(ANSWERS))
    with pytest.raises(DataError, match=r"seed1.npz: damaged or changed"):
        publish(ALL, EXPECTED)


@pytest.mark.parametrize("name", NETWORK)
@pytest.mark.parametrize("damage", ["flipped", "cut", "resealed"])
def test_a_damaged_published_file_is_refused_by_its_name_and_nothing_is_copied(name, damage):
    publish(ALL, EXPECTED)
    for path in NETWORK:
        Path(path).unlink()
    copy = Path(path_of(name))
    content = bytearray(copy.read_bytes())
    if damage == "resealed":
        if copy.suffix != ".npz":
            return
        flip_and_reseal(copy)
    else:
        content[len(content) // 2] ^= 1
        copy.write_bytes(content[: len(content) // 2] if damage == "cut" else content)
    with pytest.raises(DataError, match=r"results/published/.*seed1.*: damaged.*git checkout"):
        restore(NETWORK, EXPECTED, [AUDIT])
    assert not any(Path(path).exists() for path in NETWORK)


def test_published_results_are_taken_back_byte_for_byte():
    publish(ALL, EXPECTED)
    before = tree(ROOT)
    for path in NETWORK:
        Path(path).unlink()
    restore(NETWORK, EXPECTED, [AUDIT])
    assert tree(ROOT) == before


def test_published_results_of_other_examples_are_refused():
    publish(ALL, EXPECTED)
    make_results(audited="others")
    with pytest.raises(DataError, match=r"results/published/.*made with other examples than those"):
        restore(NETWORK, EXPECTED, [AUDIT])


def test_changes_since_are_listed_by_group():
    publish([path for path in ALL if path != TABLE], EXPECTED)
    Path(path_of(TABLE.replace(".csv", ".json"))).unlink()
    name = f"{ROOT}/histories/mazes/delta/*.json"
    expected = {**EXPECTED, name: {**EXPECTED[name], "code": "eeee"}}
    states = list_changes(SUMMARIES, expected)
    assert states.pop(name) == {"code aaaa (now eeee)": 1}
    assert states.pop(TABLE.replace(".csv", ".json")) == {MISSING: 1}
    assert all(state == {SAME: 1} for state in states.values())
    assert CURVE.replace("seed1.csv", "*.json") in states


def test_answers_are_small():
    rng = np.random.default_rng(0)
    make_results(correct=tuple(tuple(row) for row in rng.random((500, 50)) < np.ones((500, 1)) / 2))
    assert Path(ANSWERS).stat().st_size < 6000
