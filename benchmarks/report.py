"""The benchmark's files: everything as JSON, and tables to read as Markdown."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from deltaloss.core.files import write_json, write_text

Json = Mapping[str, Any]
PLAIN = "plain"
MEBIBYTE = 2**20

TRAINING_HEADER = (
    "Puzzle | Loss | Batch | Variant | Seconds a batch | Times faster | Working memory (MiB) "
    "| Plain's, times | Held (MiB) | Share of the matrix rate (%)"
)
EVALUATION_HEADER = (
    "Puzzle | Examples | Steps | Variant | Examples x steps a second | Times faster "
    "| Working memory (MiB) | At twice the steps (MiB) | Share of the matrix rate (%)"
)
NOTES = """\
- *Seconds a batch*: the median of the repeats, in one process and in turn; loss, gradients, clip,
  optimizer and the handling of the data included. *Times faster*: plain divided by this.
- *Plain*: the published description with PyTorch's defaults (on a GPU: convolutions in TF32).
- *Working memory*: the peak above what is held between two batches (weights, gradients, optimizer
  state). On a GPU what PyTorch's allocator gave out; on a CPU the resident pages of a process that
  does nothing else.
- *Share of the matrix rate*, on a GPU: operations that T steps and one readout need, forward
  and twice that backward (what a loss does besides is not counted; an evaluation reads out every
  step), against a large matrix product in the same precision; plain's against TF32's.
- Evaluated are untrained networks whose weights are scaled so that states neither settle nor
  overflow; an evaluation of trained networks may be able to stop earlier.
"""


def write_results(output: Path, results: Json) -> Path:
    """Write OUTPUT.json and OUTPUT.md; give the path of the table."""
    write_json(output.with_name(output.name + ".json"), results)
    table = output.with_name(output.name + ".md")
    write_text(table, markdown(results))
    return table


def markdown(results: Json) -> str:
    """Write the tables, with what they were measured on."""
    machine, rates = results["machine"], results["matrix_operations_per_second"]
    rate = ", ".join(f"{name} {value / 1e12:.3g}" for name, value in rates.items())
    reached = f"A large matrix product reaches, in 10^12 operations a second: {rate}."
    lines = [
        "# The engine against a plain implementation",
        "",
        f"Measured {results['measured']} on {machine['device']}, {machine['processor']}, "
        f"{machine['threads']} threads; torch {machine['torch']}; commit {results['commit']}.",
        *([reached] if rates else []),
        *(
            f"Left out: {name}; the library has no {', '.join(options)}."
            for name, options in results["left_out"].items()
        ),
        "",
        *_table(TRAINING_HEADER, _training_rows(results)),
        "",
        *_table(EVALUATION_HEADER, _evaluation_rows(results)),
        "",
        NOTES,
    ]
    return "\n".join(lines)


def merged(parts: Sequence[Json]) -> Json:
    """Join results of one machine that were measured puzzle by puzzle; the first describes them."""
    together = {
        key: [cell for part in parts for cell in part[key]] for key in ("training", "evaluation")
    }
    return {**parts[0], **together}


def _table(header: str, rows: list[list[str]]) -> list[str]:
    columns = header.split("|")
    rule = "|".join([" :-- "] * len(columns))
    return [f"| {header} |", f"|{rule}|", *(f"| {' | '.join(row)} |" for row in rows)]


def _training_rows(results: Json) -> list[list[str]]:
    rows = []
    for cell in results["training"]:
        plain = cell["variants"].get(PLAIN, {})
        for name, one in cell["variants"].items():
            seconds = one["seconds_per_batch"]
            place = [cell["task"], cell["run"], str(cell["batch"]), name]
            if not seconds:
                rows.append([*place, "out of memory", *[""] * 5])
                continue
            rows.append(
                [
                    *place,
                    f"{median(seconds):.4g}",
                    _times(plain.get("seconds_per_batch"), seconds),
                    _mebibytes(one["memory"], "working"),
                    _part(one["memory"], plain.get("memory")),
                    _mebibytes(one["memory"], "held"),
                    _share(one, results),
                ]
            )
    return rows


def _evaluation_rows(results: Json) -> list[list[str]]:
    rows = []
    for cell in results["evaluation"]:
        plain = cell["variants"].get(PLAIN, {})
        for name, one in cell["variants"].items():
            place = [cell["task"], str(cell["examples"]), str(cell["steps"]), name]
            if not one["seconds"]:
                rows.append([*place, "out of memory", *[""] * 4])
                continue
            rows.append(
                [
                    *place,
                    f"{one['example_steps_per_second']:.4g}",
                    _times(plain.get("seconds"), one["seconds"]),
                    _mebibytes(one["memory"], "working"),
                    _mebibytes(one["memory_at_twice_the_steps"], "working"),
                    _share(one, results),
                ]
            )
    return rows


def _times(plain: Sequence[float] | None, seconds: Sequence[float]) -> str:
    return f"{median(plain) / median(seconds):.2f}" if plain else ""


def _mebibytes(memory: Json | None, key: str) -> str:
    return f"{memory[key] / MEBIBYTE:.0f}" if memory else "out of memory"


def _part(memory: Json | None, plain: Json | None) -> str:
    if not memory or not plain or not plain["working"]:
        return ""
    return f"{memory['working'] / plain['working']:.2f}"


def _share(one: Json, results: Json) -> str:
    """Give the share of the matrix rate; a plain GPU's convolutions are in TF32."""
    rates = results["matrix_operations_per_second"]
    if not rates:
        return ""
    rate = rates.get(one["precision"], rates["tf32"])
    return f"{100 * one['operations_per_second'] / rate:.1f}"


def main() -> None:
    """Join result files: `python -m benchmarks.report OUTPUT PART.json ...`."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description=main.__doc__)
    parser.add_argument("output", type=Path, help="without suffix")
    parser.add_argument("parts", type=Path, nargs="+")
    chosen = parser.parse_args()
    parts = [json.loads(path.read_text(encoding="utf-8")) for path in chosen.parts]
    print(write_results(chosen.output, merged(parts)))


if __name__ == "__main__":
    main()
