"""Files are written whole or not at all."""

from __future__ import annotations

import json

import pytest

from deltaloss.core.files import atomic_path, remove_stale, write_json, write_text


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
    write_json(tmp_path / "a.json", {"loss": 0.5})
    assert json.loads((tmp_path / "a.json").read_text()) == {"loss": 0.5}


def test_temporary_files_of_killed_writers_are_removed(tmp_path):
    with atomic_path(tmp_path / "a.npz") as temporary:
        temporary.write_text("")
        left = temporary.with_name(temporary.name.replace(".tmp", "0.tmp"))
        left.write_text("")
    remove_stale(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]
