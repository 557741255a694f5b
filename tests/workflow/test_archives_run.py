"""From the original archives, served on this machine, to a trained network."""

from __future__ import annotations

import gzip
import json
import os
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from .conftest import ROOT, Project

ARCHIVES = Path(os.environ.get("DATA_DIR", ROOT.parent / "shared" / "data")) / "easy_to_hard"

pytestmark = pytest.mark.skipif(
    "DATA_DIR" not in os.environ and not ARCHIVES.is_dir(),
    reason=f"no archives in {ARCHIVES} (set DATA_DIR)",
)

SIZES = {
    "chess": {"source": "archive", "train": {"count": 60}, "test": {"count": 20}},
    "mazes": {"source": "archive", "train": {"size": 9, "count": 60}, "test": {"size": 13}},
    "prefix_sums": {"source": "archive", "train": {"size": 16}, "test": {"size": 16, "count": 7}},
}


class Quiet(SimpleHTTPRequestHandler):
    """Serve files without a word."""

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def address():
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=ARCHIVES))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


def test_archives_to_a_trained_network(project: Project, address):
    project.overlay(
        {
            "archives": {"mirrors": ["http://127.0.0.1:9/", address]},  # nobody is at the first
            "tasks": {task: {"data": data} for task, data in SIZES.items()},
        }
    )
    model = "results/tiny/models/prefix_sums/delta/seed42.safetensors"
    done = project.snakemake("data", model)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (project.folder / model).is_file()
    cards = [
        json.loads(path.read_text()) for path in project.folder.glob("results/data/*/**/*.json")
    ]
    assert {card["task"] for card in cards} == set(SIZES)
    for card in cards:
        assert card["source"] == "archive"
        assert card["address"].startswith(address)
        assert len(card["sha256"]) == len(card["digest"]) == 64
    assert project.planned("data", model) == []
    others = {"sha256": {"maze_data_test_59.tar.gz": "0" * 64}, "mirrors": ["elsewhere"]}
    project.overlay({"archives": others})
    assert project.planned("data", model) == [], "another archive, another mirror: the same data"
    project.overlay({"archives": {"sha256": {"maze_data_test_13.tar.gz": "0" * 64}}})
    done = project.snakemake("data")
    assert done.returncode != 0
    assert "is not the digest of what was fetched" in done.stdout + done.stderr


def test_more_than_an_archive_holds_is_one_line(project: Project, address):
    project.overlay(
        {
            "archives": {"mirrors": [address]},
            "tasks": {"mazes": {"data": {**SIZES["mazes"], "test": {"size": 59, "count": 9000}}}},
        }
    )
    done = project.snakemake(
        "results/data/mazes/archive_test_size59_count9000_from0.npz",
        preset="workflow/presets/tiny.yaml",
    )
    assert done.returncode != 0
    said = [line for line in done.stderr.splitlines() if line.startswith("[mazes data]")]
    assert "9,000" in said[-1] or "9000" in said[-1]
    assert "Traceback" not in done.stderr


def test_an_archive_that_cannot_be_unpacked_does_not_stay(project: Project, address):
    """A mirror that serves a compressed web page: the next one is asked, and nothing remembered."""
    mirror = project.folder / "mirror"
    mirror.mkdir()
    (mirror / "maze_data_train_9.tar.gz").write_bytes(gzip.compress(b"<html>sorry</html>" * 99))
    project.overlay(
        {
            "archives": {"mirrors": [str(mirror), address]},
            "tasks": {"mazes": {"data": SIZES["mazes"]}},
        }
    )
    done = project.snakemake("results/data/mazes/archive_train_size9_count60_from0.npz")
    assert done.returncode == 0, done.stderr
    assert "asking the next mirror" in done.stderr
    card = json.loads(
        (project.folder / "results/data/mazes/archive_train_size9_count60_from0.json").read_text()
    )
    assert card["address"].startswith(address.rstrip("/"))
