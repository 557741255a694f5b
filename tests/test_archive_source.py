"""Files named in the config, from a path or an address."""

from __future__ import annotations

from pathlib import Path

import zstandard

from deltaloss.datasets.archive_source import choose_archives, fetch, fetch_puzzles

CONFIG = {"mirrors": ["nowhere"], "sha256": {}, "max_gigabytes": 0.5}


def test_the_config_s_section(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said: list[str] = []
    archives = choose_archives({**CONFIG, "mirrors": [str(tmp_path / "mirror")]}, said.append)
    assert archives.max_bytes == 500_000_000
    (tmp_path / "mirror").mkdir()
    packed = zstandard.ZstdCompressor().compress(b"one")
    (tmp_path / "mirror" / "a.zst").write_bytes(packed)
    path = fetch(archives, "a.zst")
    assert path == Path("results/data/archives/a.zst")
    assert path.read_bytes() == packed
    assert said


def test_a_path_is_taken_as_it_is(tmp_path):
    assert fetch_puzzles(choose_archives(CONFIG, print), "a/b.csv") == Path("a/b.csv")


def test_an_address_is_fetched(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "b.csv.zst").write_bytes(zstandard.ZstdCompressor().compress(b"text"))
    address = (tmp_path / "b.csv.zst").as_uri()
    path = fetch_puzzles(choose_archives(CONFIG, lambda line: None), address)
    (tmp_path / "v2").mkdir()
    (tmp_path / "v2" / "b.csv.zst").write_bytes(zstandard.ZstdCompressor().compress(b"other"))
    other = (tmp_path / "v2" / "b.csv.zst").as_uri()
    beside = fetch_puzzles(choose_archives(CONFIG, lambda line: None), other)
    assert zstandard.ZstdDecompressor().decompress(beside.read_bytes()) == b"other"
    assert zstandard.ZstdDecompressor().decompress(path.read_bytes()) == b"text"
