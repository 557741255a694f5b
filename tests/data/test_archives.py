"""Where fetched files lie and come from."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from deltaloss.core.errors import DataError
from deltaloss.data.archives import FOLDER, describe_file, fetched_path, find_addresses

ADDRESS = "https://host/dumps/lichess_db_puzzle.csv.zst"


def test_a_path_is_read_where_it_lies():
    assert fetched_path("a/b.csv") == "a/b.csv"
    assert fetched_path("") == ""


def test_files_of_one_name_from_two_addresses_do_not_mix():
    one, two = fetched_path(ADDRESS), fetched_path(ADDRESS.replace("dumps", "new"))
    assert one != two
    assert Path(one).name == Path(two).name == "lichess_db_puzzle.csv.zst"


def test_archives_come_from_mirrors_and_named_files_from_their_addresses():
    files = [None, "local.csv", ADDRESS]
    mirrors = ["https://host/v2/", "file:///media/a", "some folder"]
    assert find_addresses("a b.tar.gz", mirrors=mirrors, files=files) == [
        "https://host/v2/a%20b.tar.gz",
        "file:///media/a/a%20b.tar.gz",
        "some folder/a b.tar.gz",
    ]
    name = fetched_path(ADDRESS).removeprefix(f"{FOLDER}/")
    assert find_addresses(name, mirrors=mirrors, files=files) == [ADDRESS]
    assert find_addresses("0/a.zst", mirrors=mirrors, files=files) == []


def test_manifests_name_the_file_and_its_digest(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own, digest = Path("own.csv"), hashlib.sha256(b"text").hexdigest()
    own.write_bytes(b"text")
    described = {"file_name": "own.csv", "address": None, "sha256": digest}
    assert describe_file(own, {}) == described
    assert list(tmp_path.iterdir()) == [tmp_path / "own.csv"], "nothing is written beside it"
    kept = Path(FOLDER) / "own.csv"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"text")
    assert describe_file(kept, {}) == described
    assert describe_file(None, {}) == {}
    with pytest.raises(DataError, match="the config gives 0000"):
        describe_file(kept, {"own.csv": "0" * 64})
