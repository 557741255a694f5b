"""Typeset tables, where pdflatex is installed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest


def needs_latex(test: Callable[..., object]) -> Callable[..., object]:
    """Mark a test of what `make test-system` runs, and skip it where LaTeX is missing."""
    missing = pytest.mark.skipif(not shutil.which("pdflatex"), reason="needs pdflatex")
    return pytest.mark.system(missing(test))


def typeset(tables: Iterable[Path], folder: Path) -> str:
    """Typeset tables in one document of the paper's width, and return its log."""
    body = "\n".join(path.read_text() for path in tables)
    source = rf"""\documentclass[10pt]{{article}}
\usepackage[textwidth=5.5in,textheight=9in]{{geometry}}
\usepackage{{booktabs}}
\begin{{document}}
{body}
\end{{document}}
"""
    (folder / "document.tex").write_text(source)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "document.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    return (folder / "document.log").read_text(encoding="latin-1")
