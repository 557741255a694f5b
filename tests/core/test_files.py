"""Files are written whole or not at all."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deltaloss.core.errors import DataError
from deltaloss.core.files import (
    atomic_path,
    check_file,
    read_json,
    remove_stale,
    result_name,
    write_csv,
    write_json,
    write_text,
)


def test_a_file_is_written_whole_with_its_folder(tmp_path):
    write_text(tmp_path / "a" / "b.txt", "α\n")
    assert (tmp_path / "a" / "b.txt").read_text(encoding="utf-8") == "α\n"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.txt"]


def write_half(path):
    with atomic_path(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError


def test_an_error_leaves_the_old_file_alone(tmp_path):
    path = tmp_path / "b.txt"
    write_text(path, "old")
    with pytest.raises(RuntimeError):
        write_half(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_json_refuses_numbers_that_are_not_finite(tmp_path):
    with pytest.raises(ValueError, match="Out of range float"):
        write_json(tmp_path / "a.json", {"loss": float("nan")})
    assert list(tmp_path.iterdir()) == []


@st.composite
def json_values(draw):
    plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
    plain = plain.filter(lambda one: one not in (math.inf, -math.inf))
    nested = st.recursive(
        plain, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=9
    )
    return draw(st.dictionaries(st.text(max_size=5), nested))


@given(value=json_values())
def test_json_is_read_back_as_it_was(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("json") / "a.json"
    write_json(path, value)
    assert read_json(path) == value


def test_json_of_other_kinds_is_read_back_as_json_has_it(tmp_path):
    write_json(tmp_path / "a.json", {"counts": {10: (1, 2), 2: None}})
    assert read_json(tmp_path / "a.json") == {"counts": {"10": [1, 2], "2": None}}


def test_every_flipped_bit_of_json_is_noticed_or_changes_nothing(tmp_path):
    path, value = tmp_path / "a.json", {"loss": 0.5, "runs": ["delta", "progressive-0.5"]}
    write_json(path, value)
    content, refused = path.read_bytes(), 0
    for bit in range(8 * len(content)):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        try:
            assert read_json(path) == value
        except DataError:
            refused += 1
    assert refused > 0.8 * 8 * len(content)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "3", '{"a": 1}', "[" * 100_000, '{"a": NaN, "json_sha256": ""}', "1" * 5000],
    ids=["empty", "list", "number", "unsealed", "nested", "nan", "digits"],
)
def test_other_json_is_refused(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(DataError, match=r"a\.json: damaged or changed"):
        read_json(tmp_path / "a.json")


class TestFilesBesideJson:
    @pytest.fixture
    def table(self, tmp_path):
        path = tmp_path / "table.csv"
        write_text(path, "step\n1\n2\n")
        write_json(tmp_path / "table.json", {"seed": 1}, files=[path])
        return path

    def test_a_whole_file_passes(self, table):
        check_file(table)

    @pytest.mark.parametrize("content", ["step\n1\n", "step\n1\n3\n", ""], ids=["cut", "bit", "no"])
    def test_a_damaged_file_is_named(self, table, content):
        table.write_text(content)
        with pytest.raises(DataError, match=r"table\.csv: damaged or changed; delete it"):
            check_file(table)

    @pytest.mark.parametrize("name", ["table.csv", "table.json"])
    def test_a_missing_file_is_named(self, table, name):
        (table.parent / name).unlink()
        with pytest.raises(DataError, match=rf"{name}: there is no such file"):
            check_file(table)

    def test_a_file_that_the_json_does_not_list_is_named(self, table):
        write_json(table.with_suffix(".json"), {"seed": 1})
        with pytest.raises(DataError, match=r"table\.csv: damaged or changed"):
            check_file(table)

    def test_a_file_in_the_place_of_another_is_named(self, tmp_path):
        path = tmp_path / "mazes" / "delta" / "seed1.csv"
        write_text(path, "step\n1\n")
        for name in ("mazes/delta/seed1", "mazes/delta/seed2"):
            write_json(path.with_suffix(".json"), {"name": name}, files=[path])
            if name == result_name(path):
                check_file(path)
            else:
                with pytest.raises(DataError, match=r"seed1\.csv: is that of mazes/delta/seed2;"):
                    check_file(path)


def test_figures_in_csv_have_seven_digits(tmp_path):
    frame = pd.DataFrame({"step": [1, 2], "loss": [1 / 3, 0.5], "p": [1e-20 / 3, None]})
    write_csv(tmp_path / "a.csv", frame)
    assert (tmp_path / "a.csv").read_text() == "step,loss,p\n1,0.3333333,3.333333e-21\n2,0.5,\n"
    frame = frame.convert_dtypes()
    write_csv(tmp_path / "a.csv", frame)
    assert "0.3333333," in (tmp_path / "a.csv").read_text()


def test_temporary_files_of_killed_writers_are_removed(tmp_path):
    with atomic_path(tmp_path / "a.npz") as temporary:
        temporary.write_text("")
        left = temporary.with_name(temporary.name.replace(".tmp", "0.tmp"))
        left.write_text("")
    remove_stale(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]
