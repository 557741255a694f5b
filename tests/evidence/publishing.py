"""A small experiment on disk, as the workflow leaves it: one training, its answers, a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from deltaloss.config.published import expected_settings
from deltaloss.core.files import digest_files, write_csv, write_json
from deltaloss.evaluation.answers import Answers, save_answers
from deltaloss.evidence.provenance import save_provenance

ROOT = "results/trial"
HISTORY = f"{ROOT}/histories/mazes/delta/seed1.csv"
ANSWERS = f"{ROOT}/evaluations/mazes/delta/seed1.npz"
CURVE = f"{ROOT}/evaluations/mazes/delta/seed1.csv"
TABLE = f"{ROOT}/tables/table_6.csv"
AUDIT = f"{ROOT}/data/mazes.json"
FILES = [HISTORY, ANSWERS, CURVE, TABLE]
SUMMARIES = digest_files([*FILES, AUDIT])

MACHINE = {
    "device": "cpu (x86_64)",
    "precision": "fp32",
    "processor": "2 x Some CPU",
    "instructions": "AVX2",
    "threads": 1,
    "torch": "2",
    "numpy": "2",
}


def asked(path: str) -> dict[str, Any]:
    """Settings by which the present workflow would make a result."""
    kind = Path(path).parts[2]
    return {
        "histories": {"code": "aaaa", "seed": 1, "training": {"epochs": 2, "rate": 0.1}},
        "evaluations": {"code": "bbbb", "steps": 3},
        "tables": {"code": "cccc"},
        "data": {"code": "dddd", "strict": False},
    }[kind]


EXPECTED = expected_settings([*FILES, AUDIT], asked)


def make_results(
    *,
    correct: tuple[tuple[int, ...], ...] = ((0, 0), (1, 0), (1, 1)),
    loss: float = 0.25,
    seconds: float = 9.0,
    machine: dict[str, Any] = MACHINE,
    rate: float = 0.1,
    digest: str = "tested",
    audited: str = "tested",
) -> None:
    """Write the results into the current folder."""
    history, answers, curve, table = map(Path, FILES)
    frame = pd.DataFrame({"epoch": [1, 2], "train_loss": [0.5, loss], "train_seconds": seconds})
    write_csv(history, frame)
    settings = {"code": "aaaa", "seed": 1, "training": {"epochs": 2, "rate": rate}}
    trained = {
        "name": "mazes/delta/seed1",
        "best_epoch": 2,
        "settings": settings,
        "data_digest": "trained",
        "machine": machine,
    }
    write_json(history.with_suffix(".json"), trained, files=[history])
    origin = {
        "name": "mazes/delta/seed1",
        "settings": {"code": "bbbb", "steps": 3},
        "data_digest": digest,
        "trained": trained,
        "machine": machine,
    }
    one = Answers(
        correct=np.array(correct, dtype=bool),
        nonfinite_step=np.zeros(len(correct[0]), dtype=np.int32),
        provenance=origin,
    )
    save_answers(answers, one)
    write_csv(curve, one.curve())
    write_json(answers.with_suffix(".json"), origin, files=[curve])
    write_csv(table, one.curve().tail(1)[["step", "accuracy_percent"]])
    save_provenance(table.with_suffix(".json"), {"code": "cccc"}, inputs=[ANSWERS], outputs=[TABLE])
    splits = {"train": {"digest": "trained"}, "test": {"digest": audited}}
    write_json(Path(AUDIT), {"task": "mazes", **splits, "code": "dddd"})
