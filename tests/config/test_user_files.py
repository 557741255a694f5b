"""Files and folders that a config names are checked against the disk."""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from deltaloss.config.user_files import (
    CLOCK_SECONDS,
    check_dates,
    check_fetched,
    check_keys,
    check_results_folders,
    content_digest,
)
from deltaloss.core.errors import ConfigError, DataError


class TestContentDigest:
    def test_depends_on_the_content_and_not_on_the_name(self, tmp_path):
        first, second = tmp_path / "a.csv", tmp_path / "b.csv"
        for path, text in ((first, "x"), (second, "x")):
            path.write_text(text)
        found = content_digest(str(first), tmp_path / "memory")
        assert len(found) == 64
        assert content_digest(str(second), tmp_path / "memory") == found
        first.write_text("longer")
        assert content_digest(str(first), tmp_path / "memory") != found

    def test_an_unchanged_file_is_read_once(self, tmp_path, monkeypatch):
        (tmp_path / "a.csv").write_text("x")
        found = content_digest(str(tmp_path / "a.csv"), tmp_path / "memory")
        monkeypatch.setattr("deltaloss.config.user_files.file_sha256", None)
        assert content_digest(str(tmp_path / "a.csv"), tmp_path / "memory") == found

    def test_an_address_has_none_and_a_missing_file_is_an_error(self, tmp_path):
        assert content_digest("https://example.org/a.zst", tmp_path) == ""
        assert content_digest(None, tmp_path) == ""
        with pytest.raises(DataError, match=r"no\.csv: there is no such"):
            content_digest(str(tmp_path / "no.csv"), tmp_path)

    @pytest.mark.parametrize(
        ("file", "reason"),
        [(".", "is not a file"), ("/dev/null", "is not a file"), ("a\0b", "embedded null")],
        ids=["folder", "device", "name with NUL"],
    )
    def test_what_is_no_file_is_an_error(self, tmp_path, file, reason):
        with pytest.raises(DataError, match=reason):
            content_digest(file, tmp_path)

    def test_a_damaged_memory_is_not_believed(self, tmp_path):
        (tmp_path / "a.csv").write_text("x")
        found = content_digest(str(tmp_path / "a.csv"), tmp_path / "memory")
        (known,) = (tmp_path / "memory").iterdir()
        known.write_text(known.read_text().replace(found, "0" * 64))
        assert content_digest(str(tmp_path / "a.csv"), tmp_path / "memory") == found

    def test_a_file_that_cannot_be_read_is_an_error(self, tmp_path, monkeypatch):
        def refuse(path):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr("deltaloss.config.user_files.file_sha256", refuse)
        (tmp_path / "a.csv").write_text("x")
        with pytest.raises(DataError, match=r"a\.csv: cannot be read: Permission denied; name"):
            content_digest(str(tmp_path / "a.csv"), tmp_path)


class TestKeysOfConfigFiles:
    @pytest.mark.parametrize(
        ("text", "where"),
        [
            ("seeds: [1]\nthreads: 1\nseeds: [2]\n", "line 3: key 'seeds' stands in line 1 too"),
            ("a:\n  - {b: 1, b: 2}\n", "line 2: key 'b' stands in line 2 too"),
            ('{"a": 1,\n "a": 2}', "line 2: key 'a' stands in line 1 too"),
        ],
        ids=["top", "nested", "JSON"],
    )
    def test_a_key_that_stands_twice_is_refused(self, tmp_path, text, where):
        (tmp_path / "a.yaml").write_text(text)
        with pytest.raises(ConfigError, match=rf"a\.yaml, {where}; keep one of them"):
            check_keys([tmp_path / "a.yaml"])

    @pytest.mark.parametrize(
        "text",
        [
            "a: &a {x: 1, y: 1}\nb: &b {<<: *a, x: 2}\nc: {<<: *a, <<: *b, x: 3}\n",
            "1: a\n'1': b\n",
            "a: &a [*a]\n",
            "a: [\n",
            "",
        ],
        ids=["merged keys", "number and text", "list in itself", "no YAML", "empty"],
    )
    def test_other_files_are_accepted_or_left_to_snakemake(self, tmp_path, text):
        (tmp_path / "a.yaml").write_text(text)
        check_keys([tmp_path / "a.yaml", str(tmp_path / "no.yaml")])


def test_a_digest_other_than_that_of_the_fetched_file_is_refused(tmp_path):
    (tmp_path / "a.tar.gz.sha256").write_text(f"# from x\n{'1' * 64}  a.tar.gz\n")
    check_fetched({"a.tar.gz": "1" * 64, "b.tar.gz": "2" * 64}, tmp_path)
    with pytest.raises(ConfigError, match=r"a\.tar\.gz: 222222222222\.\.\. is not the digest"):
        check_fetched({"a.tar.gz": "2" * 64}, tmp_path)


def test_results_folders_that_cannot_be_made_are_refused(tmp_path: Path) -> None:
    check_results_folders(tmp_path / "new" / "deep")
    (tmp_path / "file").write_text("")
    (tmp_path / "lost").symlink_to(tmp_path / "nowhere")
    for name in ("file", "lost"):
        with pytest.raises(ConfigError, match="is not a folder"):
            check_results_folders(tmp_path / name / "paper")


def test_a_results_folder_without_permission_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)  # root may write everywhere
    with pytest.raises(ConfigError, match="cannot be written"):
        check_results_folders(tmp_path / "results")


def test_a_folder_below_without_permission_is_named(tmp_path, monkeypatch):
    (tmp_path / "results" / "tables").mkdir(parents=True)
    monkeypatch.setattr("os.access", lambda path, mode: Path(path).name != "tables")
    with pytest.raises(ConfigError, match=r"results/tables cannot be written"):
        check_results_folders(tmp_path / "results")


def test_a_full_disk_is_refused(tmp_path, monkeypatch):
    usage = SimpleNamespace(total=10**9, free=10**5)
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
    with pytest.raises(ConfigError, match=r"is full \(0\.1 MB free\); free some space"):
        check_results_folders(tmp_path / "results")
    usage.total = usage.free = 0  # a file system that does not say
    check_results_folders(tmp_path / "results")


def test_files_dated_in_the_future_are_refused(tmp_path):
    file = tmp_path / "results" / "a.csv"
    check_dates(file.parent)
    file.parent.mkdir()
    file.touch()
    check_dates(file.parent)
    later = time.time() + 2 * CLOCK_SECONDS
    os.utime(file, (later, later))
    with pytest.raises(ConfigError, match=r"a\.csv: dated in the future"):
        check_dates(file.parent)
    assert list(file.parent.iterdir()) == [file]
