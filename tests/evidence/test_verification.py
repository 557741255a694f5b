"""Which differences from published results are found, named, and refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from deltaloss.config.published import path_of
from deltaloss.core.errors import DataError
from deltaloss.core.files import read_json, write_json
from deltaloss.evidence.provenance import save_provenance
from deltaloss.evidence.published import publish
from deltaloss.evidence.verification import Difference, compare, pair_files, verify

from .publishing import (
    ANSWERS,
    AUDIT,
    EXPECTED,
    FILES,
    HISTORY,
    MACHINE,
    ROOT,
    SUMMARIES,
    TABLE,
    make_results,
)
from .test_published import flip_and_reseal

ALL = [*FILES, *SUMMARIES]
BITS = ((0, 0), (1, 0), (1, 1))


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_results()
    publish(ALL, EXPECTED)
    return tmp_path


def seal(path: Path) -> None:
    """Give a history that a test has changed the digest of its new content."""
    summary = read_json(path.with_suffix(".json"))
    write_json(path.with_suffix(".json"), summary, files=[path])


def found() -> list[Difference]:
    return compare(pair_files(Path(ROOT), map(Path, ALL)))[0]


def check() -> list[str]:
    return verify(pair_files(Path(ROOT), map(Path, ALL)))


def test_the_same_results_are_the_same_bytes():
    assert (
        check()[-1] == f"{len(set(ALL))} files: 8 the same bytes, 0 the same but for what is "
        "left out, 0 different"
    )


def test_times_machines_and_code_do_not_count():
    make_results(seconds=11.0, machine={**MACHINE, "threads": 2})
    summary = Path(HISTORY).with_suffix(".json")
    write_json(summary, {**read_json(summary), "settings": {**settings(), "code": "eeee"}})
    assert found() == []
    assert "0 different" in check()[-1]
    assert "columns of CSV files with seconds or hours" in check()[-2]


def settings() -> dict[str, object]:
    return dict(read_json(Path(HISTORY).with_suffix(".json"))["settings"])


def test_a_number_in_a_table_is_named_with_its_column_size_and_rows():
    path = Path(HISTORY)
    path.write_text(path.read_text().replace("0.25", "0.375"))
    seal(path)
    assert found() == [Difference(file=path, what="train_loss", largest=0.125, count="1 of 2 rows")]
    with pytest.raises(DataError, match=r"train_loss +0.125 +1 of 2 rows\n(.*\n)*1 of the differ"):
        check()


@pytest.mark.parametrize("edited", [HISTORY, path_of(HISTORY)], ids=["made", "published"])
def test_an_edited_file_is_an_error_on_every_machine(edited):
    make_results(machine={**MACHINE, "processor": "4 x Other CPU"})
    Path(edited).write_text(Path(edited).read_text().replace("0.25", "0.375"))
    with pytest.raises(DataError, match=rf"{edited}: damaged or changed") as refused:
        check()
    assert "train_loss" in str(refused.value)  # and what differs


def test_a_bit_of_the_answers_is_counted_and_a_broken_one_is_damage():
    flip_and_reseal(Path(ANSWERS))
    one, other = found()
    assert other.broken  # they no longer fit their curve
    assert (one.file, one.what, one.count) == (Path(ANSWERS), "correct", "1 of 6 values")
    content = bytearray(Path(ANSWERS).read_bytes())
    content[len(content) // 2] ^= 1
    Path(ANSWERS).write_bytes(content)
    (one,) = found()
    assert one.broken
    assert "seed1.npz: damaged or changed" in one.what


def test_a_setting_is_named():
    make_results(rate=0.3)
    named = {one.what: one.largest for one in found()}
    assert named["settings.training.rate"] == pytest.approx(0.2)
    assert named["trained.settings.training.rate"] == pytest.approx(0.2)


@pytest.mark.parametrize(("gone", "what"), [(HISTORY, "not made"), (path_of(HISTORY), "not pub")])
def test_a_missing_file_is_an_error_on_every_machine(gone, what):
    make_results(machine={**MACHINE, "processor": "2 x Other CPU"})
    Path(gone).unlink()
    (one,) = found()
    assert one.what.startswith(what)
    with pytest.raises(DataError, match=rf"{HISTORY} +{what}"):
        check()


def test_a_published_file_that_is_no_longer_made_is_an_error():
    old = Path(path_of(f"{ROOT}/tables/table_9.csv"))
    old.write_text("step\n1\n")
    Path(path_of(f"{ROOT}/run_mazes.json")).write_text("{}")
    (one,) = found()
    assert (one.file, one.what) == (Path(f"{ROOT}/tables/table_9.csv"), "not made")


def test_on_another_kind_of_machine_differences_are_reported_and_no_error():
    make_results(loss=0.26, machine={**MACHINE, "processor": "4 x Other CPU"})
    report = check()
    assert report[1].split() == [HISTORY, "train_loss", "0.01", "1", "of", "2", "rows"]
    assert "Other CPU" in report[-1]
    assert "published from cpu (x86_64), fp32, Some CPU, AVX2" in report[-1]
    make_results(loss=0.26, machine={**MACHINE, "processor": "4 x Some CPU"})
    with pytest.raises(DataError, match="1 of the differences are errors"):
        check()


def test_rows_and_columns_that_are_missing_are_named():
    frame = pd.read_csv(HISTORY)
    frame.head(1).drop(columns="epoch").to_csv(HISTORY, index=False)
    seal(Path(HISTORY))
    assert [one.what for one in found()] == ["columns: epoch", "number of rows"]
    frame.assign(train_loss=[0.5, np.nan]).to_csv(HISTORY, index=False)
    seal(Path(HISTORY))
    (one,) = found()
    assert one.count == "1 of 2 rows"


def test_typeset_tables_count_unless_their_numbers_hold_times():
    for path, column in ((TABLE, "step"), (f"{ROOT}/tables/table_4.csv", "hours_to_max_sd")):
        for place in (path, path_of(path)):
            Path(place).parent.mkdir(parents=True, exist_ok=True)
            Path(place).write_text(f"{column}\n1\n")
            Path(place).with_suffix(".md").write_text(place)
            made = [str(Path(place).with_suffix(kind)) for kind in (".csv", ".md")]
            save_provenance(Path(place).with_suffix(".json"), {}, inputs=[], outputs=made)
    assert [one.file.name for one in found()] == ["table_6.md"]


def test_an_audit_is_compared_without_its_code():
    write_json(Path(AUDIT), {**read_json(Path(AUDIT)), "code": "eeee"})
    assert found() == []
    write_json(Path(AUDIT), {**read_json(Path(AUDIT)), "task": "chess"})
    assert [one.what for one in found()] == ["task"]
