"""From the published archives, served on this machine, to a trained network."""

from __future__ import annotations

import gzip
import json
import os
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import zstandard

from .projects import DEADLINE_SECONDS, ROOT, Project

ARCHIVES = Path(os.environ.get("DATA_DIR", ROOT.parent / "shared" / "data")) / "easy_to_hard"

archives_needed = pytest.mark.skipif(
    not ARCHIVES.is_dir(), reason=f"{ARCHIVES} is absent: set DATA_DIR"
)

DATA = {
    "chess": {"source": "archive", "train": {"count": 60}, "test": {"count": 20}},
    "prefix_sums": {
        "source": "archive",
        "train": {"size": 16, "count": 60},
        "test": {"size": 16, "count": 7},
    },
}
TARGETS = [
    "results/tiny/data/prefix_sums.json",
    "results/tiny/models/prefix_sums/delta/seed42.safetensors",
    "results/data/chess/archive_train_count60_test_count20_orientation-released/train.npz",
]
CHESS = "chess_data.tar.gz"
MAZES = "maze_data_test_13.tar.gz"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def address():
    """Address of a plain server of the archives."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=ARCHIVES)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join(DEADLINE_SECONDS)


def settings(**archives: object) -> dict[str, Any]:
    return {"archives": archives, "tasks": {task: {"data": data} for task, data in DATA.items()}}


@archives_needed
def test_archives_become_a_trained_network_and_are_fetched_once(project: Project, address):
    mirror = project.folder / "mirror"
    mirror.mkdir()
    (mirror / CHESS).write_bytes(gzip.compress(b"<html>sorry</html>" * 99))
    done = project.make(*TARGETS, settings=settings(mirrors=["mirror", address]))
    assert f"not from mirror/{CHESS}: not a good tar inside" in done.stderr
    manifests = [
        json.loads(path.read_text())
        for path in project.folder.glob("results/data/*/archive*/*.json")
    ]
    assert len(manifests) == 4
    for manifest in manifests:
        assert manifest["source"] == "archive"
        assert manifest["address"] == f"{address}{manifest['file_name']}"
        assert len(manifest["sha256"]) == len(manifest["digest"]) == 64
    report = json.loads((project.folder / TARGETS[0]).read_text())
    assert report["test"]["card"]["start"] == 60, "strings of one length are never in both sets"

    others = settings(mirrors=["elsewhere"], sha256={"maze_data_test_59.tar.gz": "0" * 64})
    kept = f"results/data/archives/{CHESS}"
    (project.folder / kept).touch()
    assert project.plan(*TARGETS, settings=others).rules == {}, "another mirror: the same data"
    done = project.make(kept, "--forcerun", "fetch_file", settings=others)
    assert "fetching from" not in done.stderr, "a file that is there is only checked"

    done = project.snakemake(
        *TARGETS, settings=settings(mirrors=[address], sha256={CHESS: "0" * 64})
    )
    assert done.returncode != 0
    assert "is not the digest of the fetched file" in done.stdout + done.stderr


@archives_needed
def test_what_an_archive_cannot_give_is_one_line(project: Project):
    """More examples than it holds, and a file that the user spoilt; it stays for them to delete."""
    kept = project.folder / "results/data/archives"
    kept.mkdir(parents=True)
    (kept / MAZES).write_bytes((ARCHIVES / MAZES).read_bytes())
    (kept / "maze_data_train_9.tar.gz").write_bytes(b"spoilt")
    data = {"source": "archive", "train": {"size": 9}, "test": {"size": 13, "count": 9000}}
    mazes = {"tasks": {"mazes": {"data": data}}}
    done = project.snakemake("results/tiny/data/mazes.json", "--keep-going", settings=mazes)
    assert done.returncode != 0
    lines = [line for line in done.stderr.splitlines() if line.startswith("[mazes data]")]
    assert any("holds 50 examples, but 9,000 are asked for" in line for line in lines), lines
    spoilt = "results/data/archives/maze_data_train_9.tar.gz: not a whole gzip file"
    assert any(spoilt in line and "delete it to fetch it again" in line for line in lines), lines
    assert "Traceback" not in done.stderr
    assert (kept / "maze_data_train_9.tar.gz").read_bytes() == b"spoilt"
    assert not list(kept.glob("maze_data_train_9*.sha256")), "a bad file is not pinned"


ROWS = [
    "PuzzleId,FEN,Moves,Rating,RatingDeviation,Popularity,NbPlays,Themes,GameUrl",
    *(
        f"{rating:05d},6k1/5ppp/8/8/8/8/r4PPP/1R4K1 b - - 0 1,a2a3 b1b8,{rating},80,90,100,mate,x"
        for rating in range(900, 980)
    ),
]


def test_a_puzzle_file_with_an_address_is_fetched_and_converted(project: Project, tmp_path):
    file = tmp_path / "puzzles.csv.zst"
    file.write_bytes(zstandard.compress("\n".join([*ROWS, ""]).encode()))
    data = {"source": "lichess", "puzzles": file.as_uri()}
    chess = {"tasks": {"chess": {"data": data}}}
    project.make("data", "--until", "make_joint_examples", settings=chess)
    (manifest,) = project.folder.glob("results/data/chess/lichess*/train.json")
    found = json.loads(manifest.read_text())
    assert found["address"] == file.as_uri()
    assert found["file_name"] == file.name
    assert found["count"] == 60
    assert [path.name for path in project.folder.glob("results/data/archives/*/*.zst")] == [
        file.name
    ]
