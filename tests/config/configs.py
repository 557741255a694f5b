"""The paper's config, and changed copies of it."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml

from deltaloss.config.experiment import Experiment
from deltaloss.config.reading import read_experiment

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "workflow" / "schemas" / "config.schema.yaml"
CONFIG: dict[str, Any] = yaml.safe_load((ROOT / "config.yaml").read_text())


def changed(**paths: Any) -> dict[str, Any]:
    """The paper's config with keys changed or added; `__` stands for a point in a key."""
    config = copy.deepcopy(CONFIG)
    for path, value in paths.items():
        *parents, last = path.split("__")
        place = config
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = value
    return config


def with_preset(name: str) -> dict[str, Any]:
    """The paper's config under a preset, as Snakemake merges them."""
    return merged(CONFIG, yaml.safe_load((ROOT / f"workflow/presets/{name}.yaml").read_text()))


def merged(base: Any, overlay: Any) -> Any:
    if isinstance(base, dict) and isinstance(overlay, dict):
        return {**base, **{key: merged(base.get(key), value) for key, value in overlay.items()}}
    return overlay


def read(config: dict[str, Any], memory: Path = Path("nowhere")) -> Experiment:
    return read_experiment(config, SCHEMA, memory=memory)
