"""Forks of one process that has imported what they need: most of a short job's time is imports.

`torch._dynamo` is imported by the first step of an optimizer, which takes more than a second.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[1]
OF_THE_TESTS = ("", str(ROOT), str(ROOT / "workflow" / "scripts"))  # in their path of imports
FORKS = multiprocessing.get_context("forkserver")
PRELOADED = ("pandas", "torch._dynamo", "safetensors.torch", "matplotlib.pyplot", "scipy.stats")
FORKS.set_forkserver_preload(["snakemake.cli", *PRELOADED])
THREADS = ("OMP", "OPENBLAS", "MKL", "NUMEXPR")
_path: list[str] = []  # where a fresh Python would import from


def run_snakemake(
    arguments: Sequence[str], folder: Path, seconds: float
) -> subprocess.CompletedProcess[str]:
    """Run Snakemake to its end; the scripts of its jobs run in forks of it.

    What only a process of its own shows (the seed of `hash`, imports, the end of the interpreter)
    is for tests that start one, such as test_real_run.py.

    Raises:
        subprocess.TimeoutExpired: it has not ended in time, and was killed with its jobs.
    """
    with tempfile.TemporaryDirectory() as made:
        out, err = (Path(made) / name for name in ("out", "err"))
        given = (list(arguments), str(folder), str(out), str(err), dict(os.environ))
        process = FORKS.Process(target=_run, args=given)
        process.start()
        try:
            process.join(seconds)
        finally:
            late = process.is_alive()
            if late:  # it leads a group of its own, once it has begun
                with suppress(ProcessLookupError):
                    os.killpg(process.pid or 0, signal.SIGKILL)
                process.kill()
                process.join()
        texts = [path.read_text(encoding="utf-8") for path in (out, err)]
    if late:
        raise subprocess.TimeoutExpired(["snakemake", *arguments], seconds, *texts)
    return subprocess.CompletedProcess(
        ["snakemake", *arguments], process.exitcode or 0, texts[0], texts[1]
    )


def _run(arguments: list[str], folder: str, out: str, err: str, environ: dict[str, str]) -> None:
    os.setsid()
    for number, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    _forget_library()
    given = filter(None, environ.get("PYTHONPATH", "").split(os.pathsep))
    _path[:] = [*given, *(path for path in sys.path if path not in OF_THE_TESTS)]
    sys.path[:] = _path
    sys.argv = ["snakemake", *arguments]
    from snakemake.cli import main  # noqa: PLC0415 - the server has imported it
    from snakemake.script import PythonScript  # noqa: PLC0415

    PythonScript.execute_script = _execute_script
    main(arguments)


def _forget_library() -> None:
    """Forget the modules of the server: the project in the folder has its own."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "deltaloss"]:
        del sys.modules[name]


def _execute_script(script: Any, path: str, edit: bool = False) -> None:
    """Run the script of a job in a fork of Snakemake instead of in a Python of its own."""
    from snakemake.benchmark import benchmarked  # noqa: PLC0415

    assert script.conda_env is script.container_img is script.env_modules is None
    threads, temporary = int(script.threads), script.resources.get("tmpdir")
    job = os.fork()
    if job == 0:
        _work(path, threads, temporary)
    with benchmarked(job if script.bench_record is not None else False, script.bench_record):
        _, status = os.waitpid(job, 0)
    if code := os.waitstatus_to_exitcode(status):
        raise subprocess.CalledProcessError(code if code > 0 else 128 - code, path)


def _work(path: str, threads: int, temporary: str | None) -> NoReturn:
    """Run a script to the end of this process, as a Python of its own would."""
    code = 1
    # Another thread of Snakemake may have held the locks of its streams, and left text in them.
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.environ.update({f"{name}_NUM_THREADS": str(threads) for name in THREADS})
        torch.set_num_threads(threads)
        torch.seed()  # so that a job that seeds nothing differs, as it would
        np.random.seed(int.from_bytes(os.urandom(4)))  # noqa: NPY002
        if temporary:
            os.environ["TMPDIR"] = temporary
            tempfile.tempdir = None
        _forget_library()
        sys.path[:] = [str(Path(path).parent), *_path]
        runpy.run_path(path, run_name="__main__")
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(Exception):
            sys.stdout.flush()
        os._exit(code)
