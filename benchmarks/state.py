"""What is left of a call on a lent machine, so that the next call goes on: a folder, or its parts.

A machine may give back a few files of limited size only, so a folder can be packed into the parts
of one tar. What can be made again, or is needed no more, stays out of them.
"""

from __future__ import annotations

import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from deltaloss.files import write_json
from deltaloss.publishing import describe_run

PART_BYTES = 15 * 2**20
MOST_PARTS = 4  # of the state; with what is published five files, under 64 MiB together
PART = "state.tar."
SMALL_BYTES = 2**20
PUBLISHED_SUFFIXES = (".csv", ".md", ".tex", ".json", ".png", ".svg", ".pdf")
PUBLISHED_KINDS = ("tables", "figures", "histories", "evaluations", "statistics", "data")


def publish(results: Path, experiment: str) -> int:
    """Copy the small outputs of an experiment, as far as it is, to published/; give their number.

    What is copied is what `snakemake publish` copies of a finished one; weights, bits and logs
    are not.
    """
    source, target = results / experiment, results / "published" / experiment
    found = [
        path
        for kind in PUBLISHED_KINDS
        for path in sorted((source / kind).rglob("*"))
        if path.suffix in PUBLISHED_SUFFIXES and path.stat().st_size <= SMALL_BYTES
    ]
    for path in found:
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    summaries = sorted((source / "histories").glob("*/*/seed*.json"))
    if summaries:
        write_json(target / "run.json", describe_run(experiment, summaries))
    return len(found)


def pack(state: Path, folder: Path) -> bool:
    """Pack the published files into one tar, and the state into parts of one; say if all fits.

    Where the parts would be too many, none is written: part of a state is no state.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(f"{PART}*"):
        old.unlink()
    with tarfile.open(folder / "published.tar.gz", "w:gz") as tar:
        for name in ("results/published", "results/benchmark", "stages.json", "logs"):
            if (state / name).exists():
                tar.add(state / name, arcname=name)
    with tempfile.TemporaryFile() as whole:
        with tarfile.open(fileobj=whole, mode="w") as tar:
            for path in kept(state):
                tar.add(path, arcname=path.relative_to(state), recursive=False)
        if whole.tell() > PART_BYTES * MOST_PARTS:
            return False
        whole.seek(0)
        parts = iter(lambda: whole.read(PART_BYTES), b"")
        for number, part in enumerate(parts):
            (folder / f"{PART}{number:02}").write_bytes(part)
    return True


def kept(state: Path) -> Iterator[Path]:
    """Yield the files that the next call needs.

    Not the weights of a model that is evaluated, and of checkpoints only the newest.
    """
    for path in sorted(state.rglob("*")):
        parts = path.relative_to(state).parts
        if not path.is_file() or parts[:2] in ((".snakemake", "log"), (".snakemake", "locks")):
            continue
        if path.suffix == ".ckpt" and path != max(path.parent.glob("*.ckpt")):
            continue
        if path.suffix == ".safetensors" and _is_evaluated(path):
            continue
        yield path


def _is_evaluated(model: Path) -> bool:
    """Tell of results/EXPERIMENT/models/TASK/RUN/seedN.safetensors whether its bits are there."""
    models = model.parents[2]
    bits = models.with_name("evaluations") / model.relative_to(models).with_suffix(".npz")
    return bits.is_file() and bits.with_suffix(".csv").is_file()


def unpack(folder: Path, state: Path) -> None:
    """Put the parts together and lay the state out.

    Raises:
        FileNotFoundError: the folder has no parts.
    """
    parts = sorted(folder.glob(f"{PART}*"))
    if not parts:
        raise FileNotFoundError(f"{folder}: no {PART}00 there; give the folder of an earlier call")
    with tempfile.TemporaryFile() as whole:
        for part in parts:
            whole.write(part.read_bytes())
        whole.seek(0)
        with tarfile.open(fileobj=whole) as tar:
            tar.extractall(state, filter="data")
