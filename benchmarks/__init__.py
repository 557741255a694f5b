"""The engine against a plain implementation of the published description, measured.

Run modules from the project's folder, for example ``python -m benchmarks.compare --help``.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(
    0, str(ROOT / "workflow" / "scripts")
)  # where the library lies, for Snakemake's sake
