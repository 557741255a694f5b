"""Fill the parts of README and docs/ that are made of other files; a test runs --check.

python -m docs.fill            rewrite them
python -m docs.fill --check    say what is out of date
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import groupby, product
from pathlib import Path

import pandas as pd

from docs.keys import key_tables  # also makes the library importable

from deltaloss.core.runs import parse_run  # isort: skip
from deltaloss.evidence.contradictions import CONTRADICTIONS  # isort: skip
from deltaloss.evidence.judges import COLLAPSED  # isort: skip
from deltaloss.evidence.verdicts import UNTESTABLE, solves_something  # isort: skip

ROOT = Path(__file__).resolve().parents[1]
PUBLISHED = ROOT / "results" / "published"

COLUMNS = [  # of the ledger: experiment, puzzle and head
    ("gpu", "prefix_sums", "prefix sums, paper's network"),
    ("gpu-mazes", "mazes", "mazes, paper's network, 7 epochs"),
    ("laptop", "prefix_sums", "prefix sums, small"),
    ("laptop", "mazes", "mazes, small"),
    ("laptop", "chess", "chess, small"),
]
SWEEP = "alpha-sweep"  # its claims about alpha stand beside those of the small networks
LOSSES = "losses"  # and its claims about other losses
MEASURED = {  # where convergence was measured on networks of another experiment
    ("gpu", "prefix_sums"): "gpu-convergence",
    ("laptop", "prefix_sums"): SWEEP,
    ("laptop", "chess"): "laptop-own",
}
CONDITIONS = {  # docs/protocol.md
    "collapse": "none changed",
    "collapse-decay": "weight decay 0.0002",
    "collapse-steps": "T = 10 instead of 20",
    "collapse-width": "width 24 instead of 48",
    "collapse-epochs": "36 epochs instead of 12",
}
FUTURE = {LOSSES: "", "losses-10": "T = 10", "mixing": "past states mixed"}
"""Experiments about the paper's future work, with what distinguishes all their runs."""

COSTS = {  # measures of efficiency/*.csv
    "seconds": "time",
    "kept_mb": "memory kept for the gradient",
    "gpu_peak_mb": "peak of memory",
    "largest_batch_8gb_measured": "largest batch in 8 GB",
}
MEASURED_CLAIM = "converges, measured: its states come to rest, its answers no longer change"
PUZZLES = {"prefix_sums": "prefix sums", "mazes": "mazes", "chess": "chess"}
TABLES = {"chess": 5, "mazes": 6, "prefix_sums": 7}

_OWN_ALPHA = re.compile(
    r"Progressive, α = (\d+\.\d+|[1-9]\d*)"
)  # any but 0, which is a loss by itself
_NOT_RUN = "not run"


def ledger() -> list[str]:
    """Lines of a table: claims of the paper against studies, with verdicts and numbers."""
    rows: dict[str, dict[str, str]] = {}
    for experiment, task, head in COLUMNS:
        claims = _claims(experiment, task)
        if experiment == "laptop":
            swept, other = _claims(SWEEP, task), _claims(LOSSES, task)
            swept = swept[swept["claim"].str.contains("depends")]
            other = other[other["place"] == "Appendix A.1"]
            claims = pd.concat([claims[claims["place"] != "Appendix A.1"], swept, other])
        for claim in claims[claims["verdict"] != UNTESTABLE].to_dict("records"):
            name = _OWN_ALPHA.sub("Progressive", claim["claim"])
            rows.setdefault(name, {})[head] = _cell(claim["verdict"], claim["measured"])
        for run, row in _measured(experiment, task).iterrows():
            loss = _OWN_ALPHA.sub("Progressive", parse_run(run).label)
            cells = [
                f"{what} **{row[f'{what}_verdict']}**: {row[f'{what}_met']} of "
                f"{row[f'{what}_seeds']} seeds"
                for what in ("states", "answers")
            ]
            if row["states_verdict"] != UNTESTABLE:
                rows.setdefault(f"{loss} {MEASURED_CLAIM}", {})[head] = "; ".join(cells)
    heads = [f"{head}, {_seeds(experiment, task)}" for experiment, task, head in COLUMNS]
    cells = [[name, *(row.get(head, "-") for *_, head in COLUMNS)] for name, row in rows.items()]
    return _table(["claim of the paper", *heads], cells)


def _claims(experiment: str, task: str) -> pd.DataFrame:
    """Claims about a puzzle that are about accuracies and steps; none if it is not published."""
    path = PUBLISHED / experiment / f"claims_{task}.csv"
    if not path.is_file():
        return pd.DataFrame(columns=["place", "claim", "verdict", "measured"], dtype=str)
    claims = pd.read_csv(path)
    return claims[(claims["task"] == task) & (claims["unit"] != "ratio")]


def _measured(experiment: str, task: str) -> pd.DataFrame:
    """Verdicts on measured convergence, by run; none if it is not published."""
    name = MEASURED.get((experiment, task), experiment)
    path = PUBLISHED / name / "tables" / f"convergence_{task}.csv"
    return pd.read_csv(path, index_col="run") if path.is_file() else pd.DataFrame()


def _seeds(experiment: str, task: str) -> str:
    path = PUBLISHED / experiment / "statistics" / f"seeds_{task}.csv"
    if not path.is_file():
        return _NOT_RUN
    seeds = pd.read_csv(path)["seed"].nunique()
    return f"{seeds} seeds" if seeds > 1 else "one seed"


def _cell(verdict: str, measured: str) -> str:
    """Verdict and the part of what was measured that decides."""
    seeds, _, rest = measured.partition("; ")
    if seeds.endswith(" of 1 seeds"):
        return f"**{verdict}**: {rest.replace('; ', ', ')}"
    parts = measured.split("; ")
    decisive = next((part for part in parts if part.startswith("difference")), parts[0])
    return f"**{verdict}**: {decisive.removeprefix('difference ')}"


def accuracies(experiment: str, place: int = 0) -> list[str]:
    """Lines of an experiment's tables 5-7, of the puzzles that are published, as one table.

    Args:
        experiment: its name.
        place: of the wanted part of each table: 1, where both are kept, for last epochs.
    """
    rows: list[list[str]] = []
    for task, number in TABLES.items():
        path = PUBLISHED / experiment / "tables" / f"table_{number}.md"
        if not path.is_file():
            continue
        head, align, *body = _printed_table(path, place)
        rows += [[PUZZLES[task], *row] for row in body]
    heads, align = ["puzzle", *map(str.lower, head)], [":--", *align]
    several = len({row[0] for row in rows}) > 1  # else the text around names the puzzle
    shown = slice(0 if several else 1, None)
    return _table(heads[shown], [row[shown] for row in rows], align[shown])


def analysis(experiment: str, name: str, place: int = 0) -> list[str]:
    """Lines of one table of an analysis, such as convergence, as it was published."""
    head, align, *body = _printed_table(PUBLISHED / experiment / "tables" / f"{name}.md", place)
    return _table(list(map(str.lower, head)), body, align)


def costs(experiment: str) -> list[str]:
    """Lines of a table: what progressive runs cost, as a multiple of delta in the same form."""
    rows = []
    for task, puzzle in PUZZLES.items():
        path = PUBLISHED / experiment / "efficiency" / f"{task}.csv"
        if not path.is_file():
            continue
        measured = pd.read_csv(path).set_index(["run", "form", "measure"])
        forms = measured.index.unique("form")
        ratios = measured[["to_delta", "to_delta_low", "to_delta_high"]]
        for run, form in product(measured.index.unique("run").drop("delta"), forms):
            cells = []
            for measure in COSTS:
                value, low, high = ratios.loc[(run, form, measure)]
                interval = "" if pd.isna(low) else f" ({low:.2f}–{high:.2f})"
                cells.append(f"{value:.2f}{interval}")
            rows.append([f"{puzzle}, {parse_run(run).label}", form, *cells])
    return _table(["puzzle and run", "form", *COSTS.values()], rows)


def future() -> list[str]:
    """Lines of a table: the paper's future work, with costs as multiples of its Delta Loss."""
    heads: list[str] = []
    rows: list[list[str]] = []
    base: dict[str, float] = {}
    for experiment, difference in FUTURE.items():
        folder = PUBLISHED / experiment
        heads, _, *body = _printed_table(folder / "tables" / "table_7.md")
        runs = pd.read_csv(folder / "tables" / "table_7.csv")["run"]
        costs = pd.read_csv(folder / "efficiency" / "prefix_sums.csv")
        costs = costs[costs["form"] == "ours"].pivot_table("value", "run", "measure")
        base = base or costs.loc["delta"].to_dict()
        for run, printed in zip(runs, body, strict=True):
            label = ", ".join(filter(None, [parse_run(run).label, difference]))
            cells = (f"{costs.at[run, name] / base[name]:.2f}" for name in ("seconds", "kept_mb"))
            rows.append([label, *printed[2:], *cells])
    heads = ["loss", *map(str.lower, heads[2:]), "time", "memory"]
    return _table(heads, rows, [":--", *["--:"] * (len(heads) - 1)])


def _printed_table(path: Path, place: int = 0) -> list[list[str]]:
    """Cells of each line of one table in a Markdown file, the rule below the heads among them."""
    lines = path.read_text(encoding="utf-8").splitlines()
    groups = groupby(lines, key=lambda line: line.startswith("|"))
    return [list(map(_split, group)) for is_table, group in groups if is_table][place]


def collapse() -> list[str]:
    """Lines of a table: what α = 0 keeps at the last step, under each condition."""
    rows = []
    for experiment, condition in CONDITIONS.items():
        path = PUBLISHED / experiment / "statistics" / "seeds_prefix_sums.csv"
        if not path.is_file():
            rows.append([condition, *[_NOT_RUN] * 3])
            continue
        seeds = pd.read_csv(path).pivot_table(
            index="seed",
            columns="comparison",
            values=["accuracy_percent", "correct", "examples", "solved"],
        )
        most, end = (seeds["accuracy_percent"][which] for which in ("maximum", "last"))
        able = solves_something(seeds["correct"]["maximum"], seeds["examples"]["maximum"])
        rows.append(
            [
                condition,
                f"{int(seeds['solved']['maximum'].sum())} of {len(seeds)}",
                f"{int((end < COLLAPSED * most)[able].sum())} of {int(able.sum())}",
                ", ".join(f"{m:g} / {e:g}" for m, e in zip(most, end, strict=True)),
            ]
        )
    heads = ["condition", "solved", "collapsed", "maximum / last step of each seed (%)"]
    return _table(heads, rows)


def contradictions() -> list[str]:
    """Lines of a table: where the paper contradicts itself, its code or its data."""
    rows = [[one.what, one.says, one.but, one.here] for one in CONTRADICTIONS]
    return _table(["topic", "the paper says", "but", "here"], rows)


def _split(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def _table(
    heads: Sequence[str], rows: Sequence[Sequence[str]], align: Sequence[str] = ()
) -> list[str]:
    rule = [re.sub("-+", "--", mark) for mark in align] or ["---"] * len(heads)
    return [f"| {' | '.join(row)} |" for row in (heads, rule, *rows)]


Parts = Mapping[str, Callable[[], list[str]]]

DOCUMENTS: dict[Path, Parts] = {
    ROOT / "README.md": {"gpu": partial(accuracies, "gpu"), "ledger": ledger},
    ROOT / "docs" / "quick.md": {"quick": partial(accuracies, "quick")},
    ROOT / "docs" / "studies.md": {
        **{
            name: partial(accuracies, name)
            for name in ("gpu", "gpu-mazes", "laptop", "laptop-own", "laptop-lichess", SWEEP)
        },
        "laptop-last": partial(accuracies, "laptop", 1),
        "convergence": partial(analysis, "gpu-convergence", "convergence_prefix_sums"),
        "behaviour": partial(analysis, "gpu-convergence", "convergence_prefix_sums", 1),
        "stopping": partial(analysis, "gpu-convergence", "stopping_prefix_sums"),
        "stopping-steps": partial(analysis, "gpu-convergence", "stopping_prefix_sums", 1),
        "recovery": partial(analysis, "gpu-convergence", "recovery_prefix_sums", 1),
        "convergence-small": partial(analysis, SWEEP, "convergence_prefix_sums"),
        "behaviour-small": partial(analysis, SWEEP, "convergence_prefix_sums", 1),
        "convergence-chess": partial(analysis, "laptop-own", "convergence_chess"),
        "behaviour-chess": partial(analysis, "laptop-own", "convergence_chess", 1),
        "stopping-chess": partial(analysis, "laptop-own", "stopping_chess"),
        "recovery-chess": partial(analysis, "laptop-own", "recovery_chess", 1),
        "exponents": partial(analysis, "sizes", "sizes_prefix_sums", 1),
        "future": future,
        "collapse": collapse,
    },
    ROOT / "docs" / "numbers.md": {"costs": partial(costs, "gpu")},
    ROOT / "docs" / "differences.md": {"contradictions": contradictions},
    ROOT / "docs" / "configuration.md": {"keys": key_tables},
}


def fill(text: str, parts: Parts) -> str:
    """Return a document with its parts written anew.

    Raises:
        ValueError: a part has no place, ``<!-- filled: name -->`` to ``<!-- end -->``.
    """
    for name, write in parts.items():
        place = re.compile(rf"(<!-- filled: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        if len(place.findall(text)) != 1:
            raise ValueError(f"one place for {name} is needed")
        lines = "\n".join(["", *write(), "", ""])
        text = place.sub(lambda found, lines=lines: found[1] + lines + found[2], text)
    return text


def main() -> None:
    """Fill the documents, or check them."""
    stale = []
    for path, parts in DOCUMENTS.items():
        text = path.read_text(encoding="utf-8")
        filled = fill(text, parts)
        if "--check" in sys.argv[1:]:
            stale += [f"{path}: {line}" for line in set(filled.split("\n")) - set(text.split("\n"))]
        else:
            path.write_text(filled, encoding="utf-8")
    sys.exit("\n".join(stale) or 0)


if __name__ == "__main__":
    main()
