"""The results of a run against published ones: which numbers differ, and by how much."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from deltaloss.config.published import flatten, path_of
from deltaloss.core.errors import DataError
from deltaloss.core.files import read_json
from deltaloss.core.machine import processor_model
from deltaloss.evaluation.answers import load_answers
from deltaloss.evidence.published import check_content

TIMES = re.compile(r"(^|_)(seconds|hours)(_|$)")
"""Columns of CSV files that are left out."""

MEASURED = re.compile(r"(efficiency/|claims[._])")
"""Paths of files that hold measured times; the claims' other numbers stand in the statistics."""

RUN = re.compile(r"run(_.*)?\.json")
"""Names of the files that describe a publication."""

LEFT_OUT = frozenset(
    ("code", "machine", "versions", "inputs", "files_sha256", "commit", "published", "processor")
)
"""Keys of JSON files that are left out, with all that is under them."""

MACHINE = ("device", "precision", "processor", "instructions", "torch", "numpy")
"""Parts of a machine that decide how sums are rounded."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One difference between a file and its published copy.

    Attributes:
        file: the file, in the folder of results.
        what: column, key or part that differs.
        largest: largest absolute difference; None where it is not a number.
        count: what was counted: "3 of 11 rows".
        broken: whether a file is missing or damaged, which no rounding explains.
    """

    file: Path
    what: str
    largest: float | None = None
    count: str = ""
    broken: bool = False


def verify(files: Sequence[tuple[Path, Path]]) -> list[str]:
    """Compare results with their published copies.

    On the same kind of machine nothing may differ but times and origins. On another one, whose
    sums may be rounded otherwise, only a missing or damaged file is an error.

    Args:
        files: each result and its published copy.

    Returns:
        Lines of a report.

    Raises:
        DataError: they differ, and the machine is not the reason; the text holds the report.
    """
    differences, others = compare(files)
    different = len({one.file for one in differences})
    ours, theirs = (
        find_machines(pair[i] for pair in files if pair[i].suffix == ".json") for i in (0, 1)
    )
    report = [
        *(describe(differences) if differences else []),
        "left out by name: claims and efficiency; columns of CSV files with seconds or hours in "
        f"their names, and {', '.join(sorted(LEFT_OUT))} of JSON files",
        f"{len(files)} files: {len(files) - others} the same bytes, {others - different} the same "
        f"but for what is left out, {different} different",
    ]
    if ours != theirs:
        report.append(
            f"computed on {_name_machines(ours)}; published from {_name_machines(theirs)}: sums "
            "are rounded otherwise there, so that different numbers are no error"
        )
    broken = [one for one in differences if one.broken or ours == theirs]
    if broken:
        raise DataError("\n".join([*report, f"{len(broken)} of the differences are errors"]))
    return report


def pair_files(results: Path, files: Iterable[Path]) -> list[tuple[Path, Path]]:
    """Pair results with their published copies; copies of which no result is made are added.

    Args:
        results: folder of the experiment's results.
        files: all results that are published.
    """
    pairs = {file: Path(path_of(str(file))) for file in files}
    folder = Path(path_of(str(results)))
    for copy in sorted(path for path in folder.rglob("*") if path.is_file()):
        if not (copy.parent == folder and RUN.fullmatch(copy.name)):
            pairs.setdefault(results / copy.relative_to(folder), copy)
    return [pair for pair in pairs.items() if not MEASURED.match(str(pair[0].relative_to(results)))]


def compare(files: Iterable[tuple[Path, Path]]) -> tuple[list[Difference], int]:
    """Compare results with their published copies, times and origins left out.

    Args:
        files: a result and its published copy; either may be missing.

    Returns:
        All differences, and the number of files of which not every byte is the same.
    """
    differences: list[Difference] = []
    others = 0
    for made, published in files:
        if made.is_file() and published.is_file() and made.read_bytes() == published.read_bytes():
            continue
        others += 1
        differences += _compare_file(made, published)
    return differences, others


def _compare_file(made: Path, published: Path) -> Iterator[Difference]:
    for path, what in ((made, "not made"), (published, "not published")):
        if not path.is_file():
            yield Difference(file=made, what=what, broken=True)
            return
    damage: Exception | None = None
    try:
        for path in (made, published):
            check_content(path)
    except DataError as error:
        damage = error
    compare_as = {".csv": _compare_tables, ".npz": _compare_answers, ".json": _compare_summaries}
    try:
        yield from compare_as.get(made.suffix, _compare_texts)(made, published)
    except (DataError, ValueError) as error:
        damage = damage or error
    if damage:
        yield Difference(file=made, what=str(damage).partition(";")[0], broken=True)


def _compare_tables(made: Path, published: Path) -> Iterator[Difference]:
    ours, theirs = (pd.read_csv(path) for path in (made, published))
    ours, theirs = (one.drop(columns=_times(one)) for one in (ours, theirs))
    if list(ours.columns) != list(theirs.columns):
        names = ", ".join(sorted({*ours.columns} ^ {*theirs.columns})) or "their order"
        yield Difference(file=made, what=f"columns: {names}")
    if len(ours) != len(theirs):
        count = f"{len(ours)} instead of {len(theirs)}"
        yield Difference(file=made, what="number of rows", count=count)
        return
    for name in (name for name in theirs.columns if name in ours.columns):
        yield from _compare_columns(made, ours[name], theirs[name])


def _times(frame: pd.DataFrame) -> list[str]:
    return [name for name in map(str, frame.columns) if TIMES.search(name)]


def _compare_columns(file: Path, ours: pd.Series, theirs: pd.Series) -> Iterator[Difference]:
    different = ~((ours == theirs) | (ours.isna() & theirs.isna()))
    if not different.any():
        return
    largest = None
    if all(pd.api.types.is_numeric_dtype(one) for one in (ours, theirs)):
        largest = float((ours[different].astype(float) - theirs[different]).abs().max())
    count = f"{different.sum()} of {len(ours)} rows"
    yield Difference(file=file, what=str(theirs.name), largest=largest, count=count)


def _compare_answers(made: Path, published: Path) -> Iterator[Difference]:
    ours, theirs = load_answers(made), load_answers(published)
    for what in ("correct", "nonfinite_step"):
        mine, other = (np.asarray(getattr(one, what)) for one in (ours, theirs))
        if mine.shape != other.shape:
            yield Difference(file=made, what=what, count=f"{mine.shape} instead of {other.shape}")
        elif (changed := mine != other).any():
            largest = float(np.abs(mine.astype(float) - other)[changed].max())
            count = f"{changed.sum()} of {changed.size} values"
            yield Difference(file=made, what=what, largest=largest, count=count)


def _compare_summaries(made: Path, published: Path) -> Iterator[Difference]:
    ours, theirs = (flatten(read_json(path)) for path in (made, published))
    for key in sorted({*ours, *theirs}):
        parts = key.split(".")
        if LEFT_OUT.isdisjoint(parts) and ours.get(key) != theirs.get(key):
            values = [ours.get(key), theirs.get(key)]
            numbers = [value for value in values if isinstance(value, (int, float))]
            largest = abs(numbers[0] - numbers[1]) if len(numbers) == len(values) else None
            yield Difference(file=made, what=key, largest=largest)


def _compare_texts(made: Path, published: Path) -> Iterator[Difference]:
    """Compare typeset tables and figures; a table with times is compared by its CSV only."""
    table = made.with_suffix(".csv")
    if table.is_file() and _times(pd.read_csv(table, nrows=0)):
        return
    yield Difference(file=made, what="other bytes")


def describe(differences: Sequence[Difference]) -> list[str]:
    """Lines of a table of differences: file, column, largest absolute difference, rows."""
    heading = ("file", "column or key", "largest difference", "count")
    rows = [heading] + [
        (str(one.file), one.what, "" if one.largest is None else f"{one.largest:.3g}", one.count)
        for one in differences
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def find_machines(summaries: Iterable[Path]) -> set[tuple[str, ...]]:
    """Return the kinds of machines on which results were computed, by the parts in `MACHINE`."""
    found = set()
    for path in summaries:
        machine = _read_machine(path)
        if machine:
            kind = {**machine, "processor": processor_model(str(machine.get("processor", "?")))}
            found.add(tuple(str(kind.get(name, "?")) for name in MACHINE))
    return found


def _read_machine(path: Path) -> Mapping[str, object]:
    """Machine in a summary; none where the file is missing or damaged, which `compare` reports."""
    try:
        machine: Mapping[str, object] = read_json(path).get("machine", {})
    except DataError:
        return {}
    return machine


def _name_machines(kinds: Iterable[tuple[str, ...]]) -> str:
    return " and ".join(", ".join(kind) for kind in sorted(kinds)) or "an unknown machine"
