"""Faults of disks and users, made by mounts and by another user: they need root on Linux."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from .projects import TINY, Project, finish, run, same_weights, start
from .test_resuming_run import MODEL
from .test_tiny_run import errors

NOBODY = "65534"
PAGE_BYTES = 4096  # a tmpfs is at least that large
TABLE = "results/tiny/tables/table_7.csv"

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount and to be another user"),
]


@contextmanager
def mounted(folder: Path, *mounts: list[str]) -> Iterator[None]:
    """Mount something on a folder; skip the test where even root may not."""
    with ExitStack() as stack:
        for arguments in mounts:
            done = run(["mount", *arguments], folder.parent)
            if done.returncode != 0:
                pytest.skip(f"needs mount, which fails here: {done.stderr.strip()}")
            if "remount" not in ",".join(arguments):
                stack.callback(run, ["umount", str(folder)], folder.parent)
        yield


@contextmanager
def full_disk(folder: Path) -> Iterator[None]:
    """A full disk on a folder, which hides what is there."""
    folder.mkdir(parents=True, exist_ok=True)
    with mounted(folder, ["-t", "tmpfs", "-o", f"size={PAGE_BYTES}", "tmpfs", str(folder)]):
        (folder / "filler").write_bytes(bytes(PAGE_BYTES))
        yield


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """A folder that not even root may write to."""
    remount = ["-o", "remount,ro,bind", str(folder)]
    with mounted(folder, ["--bind", str(folder), str(folder)], remount):
        yield


def same_bytes(first: Path, second: Path) -> bool:
    return first.read_bytes() == second.read_bytes()


def same_summary(first: Path, second: Path) -> bool:
    """Whether two histories agree apart from their clocks, which are their last three columns."""
    rows = [
        [line.split(",")[:-3] for line in path.read_text().splitlines()] for path in (first, second)
    ]
    return rows[0] == rows[1]


KINDS: dict[str, tuple[str, Callable[[Path, Path], bool]]] = {
    "examples": ("results/data/prefix_sums/generate_size6_count60_seed42/train.npz", same_bytes),
    "weights": (MODEL, same_weights),
    "history": ("results/tiny/histories/prefix_sums/delta/seed42.csv", same_summary),
    "evaluation": ("results/tiny/evaluations/prefix_sums/delta/seed42.npz", same_bytes),
    "statistics": ("results/tiny/statistics/mcnemar_prefix_sums.csv", same_bytes),
    "table": (TABLE, same_bytes),
    "figure": ("results/tiny/figures/figure_1.pdf", same_bytes),
    "audit": ("results/tiny/data/prefix_sums.json", same_bytes),
    "page": ("results/tiny/report/settings.html", same_bytes),
}


@pytest.mark.parametrize(("name", "same"), KINDS.values(), ids=KINDS)
def test_a_full_disk_is_named_and_the_same_command_then_makes_the_same(
    finished, tiny_run, name, same
):
    file = finished.folder / name
    shutil.rmtree(file.parent)
    with full_disk(file.parent):
        said = errors(finished, name)
        assert [path.name for path in file.parent.iterdir()] == ["filler"]
    (line,) = [line for line in said if "Error: " in line]
    log = line.partition("(see ")[2].rstrip(")")
    assert "No space left on device" in (finished.folder / log).read_text()
    finished.make(name)
    assert same(file, tiny_run.folder / name)


def test_a_full_disk_is_named_last_by_a_failed_run(finished):
    file = finished.folder / TABLE
    shutil.rmtree(file.parent)
    with full_disk(file.parent):
        done = finished.snakemake(TABLE)
    said = "results/tiny/logs/tabulate_accuracy/7.log: the disk is full: free some space"
    assert said in done.stderr


def test_a_disk_too_full_for_checkpoints_only_warns(finished, tiny_run):
    (finished.folder / MODEL).unlink()
    with full_disk(finished.folder / "results/tiny/checkpoints"):
        done = finished.make(MODEL)
    assert "no checkpoint was written ([Errno 28] No space left on device)" in done.stderr
    assert same_weights(finished.folder / MODEL, tiny_run.folder / MODEL)


def test_a_disk_full_from_the_start_is_refused_before_any_job(finished):
    with full_disk(finished.folder / "results" / "tiny"):
        done = finished.snakemake(TABLE)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith(
        "config: files go to results/tiny/, but the disk of results/tiny is full"
    )


@pytest.mark.parametrize("folder", ["results", "results/tiny/tables"])
def test_a_read_only_folder_is_refused_before_any_job(finished, folder):
    (finished.folder / TABLE).unlink()
    with read_only(finished.folder / folder):
        done = finished.snakemake(TABLE)
    assert done.returncode == 1
    assert "cannot be written; change its permissions" in done.stderr.splitlines()[-1]
    finished.make(TABLE)


class TestAnotherUser:
    """Another user than the one who made the results, who may read everything."""

    @pytest.fixture
    def snakemake(self, finished: Project) -> Callable[[], subprocess.CompletedProcess[str]]:
        """Run Snakemake as nobody, with the right to read what is root's, such as this Python."""
        read = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
        user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *read]
        temporary = Path(tempfile.gettempdir())
        for folder in finished.folder.parents:  # pytest lets nobody else in
            if temporary in folder.parents:
                folder.chmod(folder.stat().st_mode | 0o011)
        home = finished.folder.parent / "home"
        home.mkdir()
        hand_over(home, NOBODY)
        user += ["env", f"HOME={home}", sys.executable]
        if run([*user, "-c", "import torch"], finished.folder).returncode != 0:
            pytest.skip("needs setpriv, and a Python that another user may run")
        command = [*user, "-m", "snakemake", "--cores", "2", TABLE, "--configfile", TINY]
        (finished.folder / TABLE).unlink()
        return lambda: finish(start(command, finished.folder))

    @pytest.mark.parametrize("kept", [".", ".snakemake", "results/tiny/tables"])
    def test_who_may_not_write_is_refused_before_any_job(self, finished, snakemake, kept):
        hand_over(finished.folder, NOBODY)
        hand_over(finished.folder / kept, "0")
        done = snakemake()
        assert done.returncode == 1
        last = done.stderr.splitlines()[-1]
        assert last.startswith("config: files go to ")
        assert "cannot be written; change its permissions" in last

    def test_who_may_write_continues_with_the_same_results(self, finished, tiny_run, snakemake):
        hand_over(finished.folder, NOBODY)
        done = snakemake()
        assert done.returncode == 0, done.stderr
        assert "rule tabulate_accuracy" in done.stderr
        assert "rule train_model" not in done.stderr
        assert same_bytes(finished.folder / TABLE, tiny_run.folder / TABLE)


def hand_over(folder: Path, user: str) -> None:
    assert run(["chown", "-R", f"{user}:{user}", str(folder)], folder.parent).returncode == 0
