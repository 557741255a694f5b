"""Forks of one process that has imported what they need: most of a short job's time is imports.

`torch._dynamo` is imported by the first step of an optimizer, which takes more than a second.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["snakemake.cli", "tests.training.jobs", "torch._dynamo"])


def run_snakemake(
    arguments: Sequence[str], folder: Path, seconds: float
) -> subprocess.CompletedProcess[str]:
    """Run Snakemake to its end, for commands that start no job.

    Raises:
        subprocess.TimeoutExpired: it has not ended in time, and was killed.
    """
    with tempfile.TemporaryDirectory() as made:
        out, err = (Path(made) / name for name in ("out", "err"))
        given = (list(arguments), str(folder), str(out), str(err), dict(os.environ))
        process = FORKS.Process(target=_run, args=given)
        process.start()
        process.join(seconds)
        if process.is_alive():
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(["snakemake", *arguments], seconds)
        texts = [path.read_text(encoding="utf-8") for path in (out, err)]
    return subprocess.CompletedProcess(
        ["snakemake", *arguments], process.exitcode or 0, texts[0], texts[1]
    )


def _run(arguments: list[str], folder: str, out: str, err: str, environ: dict[str, str]) -> None:
    for number, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    for name in [name for name in sys.modules if name.partition(".")[0] == "deltaloss"]:
        del sys.modules[name]  # the project in the folder has its own
    sys.argv = ["snakemake", *arguments]
    from snakemake.cli import main  # noqa: PLC0415 - the server has imported it

    main(arguments)
