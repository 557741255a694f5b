"""Time and memory of the tiny networks, really measured."""

from __future__ import annotations

import json

import pandas as pd

from .projects import TASKS, Project

FORMS = ["published", "described", "ours"]


def test_the_table_has_every_loss_in_every_form_and_a_second_call_does_nothing(project: Project):
    project.make("efficiency")
    results = project.folder / "results" / "tiny"
    table = pd.read_csv(results / "tables" / "efficiency.csv")
    seconds = table[table["measure"] == "seconds"]
    assert seconds.groupby("task")["form"].apply(list).to_dict() == dict.fromkeys(TASKS, FORMS * 2)
    assert (seconds["value"] > 0).all()
    beside = json.loads((results / "efficiency" / "mazes.json").read_text())
    assert beside["settings"]["batch_size"] == 16
    assert set(beside["files_sha256"]) == {"mazes.csv"}
    assert (results / "tables" / "efficiency.md").read_text().count(
        "| Mazes"
    ) == 2 * 6  # of time and memory
    assert project.plan("efficiency").jobs == ()
