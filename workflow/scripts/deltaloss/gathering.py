"""Which of a job's input files belongs to which puzzle, run and seed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deltaloss.runs import Run, parse_run


@dataclass(frozen=True, kw_only=True)
class RunFiles:
    """The files of one run of one puzzle, one for each seed."""

    task: str
    run: Run
    plotted: bool
    by_seed: Mapping[int, Path]


def gather(
    summaries: Sequence[Mapping[str, Any]], paths: Iterable[str], *, of: str = "runs"
) -> list[RunFiles]:
    """Sort files, listed by puzzle, then run, then seed.

    Args:
        summaries: of each puzzle its `task`, `runs`, `plotted` runs and `seeds`.
        paths: one file for each puzzle, run and seed.
        of: which of a puzzle's lists of runs there are files of, "runs" or "plotted".

    Raises:
        ValueError: more or fewer files than the summaries speak of.
    """
    remaining = list(paths)
    files = []
    for summary in summaries:
        for text in summary[of]:
            seeds = summary["seeds"]
            taken, remaining = remaining[: len(seeds)], remaining[len(seeds) :]
            files.append(
                RunFiles(
                    task=summary["task"],
                    run=parse_run(text),
                    plotted=text in summary["plotted"],
                    by_seed=dict(zip(seeds, map(Path, taken), strict=True)),
                )
            )
    if remaining:
        raise ValueError(f"{len(remaining)} files too many: {', '.join(remaining)}")
    return files
