"""Fill the parts of README and docs/ that are made of other files; a test runs --check.

python -m docs.fill            rewrite them
python -m docs.fill --check    say what is out of date
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from docs.keys import ROOT, key_tables
from docs.ledger import ledger
from docs.tables import SWEEP, accuracies, analysis, collapse, contradictions, costs, future

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
        "convergence-gpu-mazes": partial(analysis, "gpu-mazes-convergence", "convergence_mazes"),
        "behaviour-gpu-mazes": partial(analysis, "gpu-mazes-convergence", "convergence_mazes", 1),
        "stopping-gpu-mazes": partial(analysis, "gpu-mazes-convergence", "stopping_mazes"),
        "stopping-steps-gpu-mazes": partial(analysis, "gpu-mazes-convergence", "stopping_mazes", 1),
        "convergence-small": partial(analysis, SWEEP, "convergence_prefix_sums"),
        "behaviour-small": partial(analysis, SWEEP, "convergence_prefix_sums", 1),
        "convergence-mazes": partial(analysis, "laptop", "convergence_mazes"),
        "behaviour-mazes": partial(analysis, "laptop", "convergence_mazes", 1),
        "stopping-mazes": partial(analysis, "laptop", "stopping_mazes"),
        "convergence-chess": partial(analysis, "laptop-own", "convergence_chess"),
        "behaviour-chess": partial(analysis, "laptop-own", "convergence_chess", 1),
        "stopping-chess": partial(analysis, "laptop-own", "stopping_chess"),
        "recovery-chess": partial(analysis, "laptop-own", "recovery_chess", 1),
        "exponents": partial(analysis, "sizes", "sizes_prefix_sums", 1),
        "sizes-mazes": partial(analysis, "laptop", "sizes_mazes"),
        "recovery-mazes": partial(analysis, "laptop-29", "recovery_mazes", 1),
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
