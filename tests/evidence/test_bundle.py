"""A bundle of results is read back, and every kind of damage to it is noticed."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from deltaloss.core.errors import DataError
from deltaloss.evidence.bundle import check_bundle, make_bundle

from .publishing import FILES, ROOT, SUMMARIES, TABLE, make_results

RUN = {"experiment": "trial", "commit": "abcd", "versions": {"numpy": "2"}}
METADATA = "ro-crate-metadata.json"


@pytest.fixture
def bundle(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_results()
    Path("config.yaml").write_text("experiment: trial\n")
    files = [Path(path) for path in dict.fromkeys([*FILES, *SUMMARIES])]
    make_bundle(Path("bundle.zip"), files, {"config.yaml": Path("config.yaml")}, RUN)
    return Path("bundle.zip")


def rewrite(bundle: Path, change) -> None:
    """Write a bundle anew from what `change` makes of its files by name."""
    with zipfile.ZipFile(bundle) as archive:
        files = {name: archive.read(name) for name in archive.namelist() if name[-1] != "/"}
    change(files)
    with zipfile.ZipFile(bundle, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)


def test_it_is_read_back_with_all_files(bundle):
    first, second = check_bundle(bundle)
    assert "experiment trial" in first
    assert "version abcd" in first
    assert second.startswith(f"{len({*FILES, *SUMMARIES}) + 1} files as described")


def test_its_description_is_a_crate_with_licence_and_digests(bundle):
    with zipfile.ZipFile(bundle) as archive:
        graph = {one["@id"]: one for one in json.loads(archive.read(METADATA))["@graph"]}
    assert graph[METADATA]["conformsTo"]["@id"] == "https://w3id.org/ro/crate/1.2"
    assert graph["./"]["license"]
    assert len(graph[TABLE]["sha256"]) == 64
    assert {part["@id"] for part in graph["./"]["hasPart"]} >= {TABLE, "config.yaml"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda files: files.pop(TABLE), f"{TABLE}: missing"),
        (lambda files: files.update(more=b"1"), "more: not described"),
        (lambda files: files.update({TABLE: b"step\n"}), f"{TABLE}: not the file that"),
        (lambda files: files.update({METADATA: b"{"}), f"{METADATA} is damaged"),
        (lambda files: files.pop(METADATA), f"{METADATA} is damaged"),
    ],
    ids=["missing", "added", "changed", "metadata", "no-metadata"],
)
def test_damage_is_named(bundle, change, said):
    rewrite(bundle, change)
    with pytest.raises(DataError, match=said):
        check_bundle(bundle)


def test_a_file_that_was_changed_before_it_was_bundled_is_found_by_its_own_digest(tmp_path, bundle):
    Path(TABLE).write_text("step\n9\n")
    files = [Path(path) for path in dict.fromkeys([*FILES, *SUMMARIES])]
    make_bundle(Path("other.zip"), files, {}, RUN)
    with pytest.raises(DataError, match="damaged or changed"):
        check_bundle(Path("other.zip"))


@pytest.mark.parametrize("content", [b"", b"no archive"])
def test_no_archive_is_one_line(tmp_path, content):
    path = tmp_path / "bundle.zip"
    path.write_bytes(content)
    with pytest.raises(DataError, match="no bundle, or damaged"):
        check_bundle(path)


def test_the_folder_of_the_experiment_is_kept(bundle):
    with zipfile.ZipFile(bundle) as archive:
        assert any(name.startswith(f"{ROOT}/tables/") for name in archive.namelist())
