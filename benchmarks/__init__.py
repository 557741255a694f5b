"""Benchmark of the engine against the published description; see `benchmarks.compare`."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))  # where the library lies
