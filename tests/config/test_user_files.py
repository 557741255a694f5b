"""Files and folders that a config names are checked against the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from deltaloss.config.user_files import check_fetched, check_results_folder, content_digest
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


def test_a_digest_other_than_that_of_the_fetched_file_is_refused(tmp_path):
    (tmp_path / "a.tar.gz.sha256").write_text(f"# from x\n{'1' * 64}  a.tar.gz\n")
    check_fetched({"a.tar.gz": "1" * 64, "b.tar.gz": "2" * 64}, tmp_path)
    with pytest.raises(ConfigError, match=r"a\.tar\.gz: 222222222222\.\.\. is not the digest"):
        check_fetched({"a.tar.gz": "2" * 64}, tmp_path)


def test_results_folders_that_cannot_be_made_are_refused(tmp_path: Path) -> None:
    check_results_folder(tmp_path / "new" / "deep")
    (tmp_path / "file").write_text("")
    (tmp_path / "lost").symlink_to(tmp_path / "nowhere")
    for name in ("file", "lost"):
        with pytest.raises(ConfigError, match="is not a folder"):
            check_results_folder(tmp_path / name / "paper")


def test_a_results_folder_without_permission_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)  # root may write everywhere
    with pytest.raises(ConfigError, match="cannot be written"):
        check_results_folder(tmp_path / "results")
