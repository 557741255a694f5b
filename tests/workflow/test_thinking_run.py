"""Answers step by step, of the finished tiny run: they are those of its evaluations."""

from __future__ import annotations

import numpy as np
from PIL import Image

from deltaloss.core.files import check_file, read_json
from deltaloss.evaluation.answers import load_answers
from deltaloss.evaluation.thinking import choose_examples, frame_steps, load_recording

from .projects import Project

RUNS = ("delta", "progressive-1")
STEPS = 6


def test_a_puzzle_is_recorded_and_drawn(finished: Project):
    target = "results/tiny/figures/thinking_prefix_sums.png"
    plan = finished.plan(target)
    assert dict(plan.rules) == {"record_thinking": 2, "draw_thinking": 1}
    finished.make(target)
    results = finished.folder / "results" / "tiny"
    evaluated = [
        load_answers(results / "evaluations" / "prefix_sums" / run / "seed42.npz") for run in RUNS
    ]
    for run, answers in zip(RUNS, evaluated, strict=True):
        recording = load_recording(results / "thinking" / "prefix_sums" / run / "seed42.npz")
        assert recording.examples.tolist() == choose_examples(evaluated)
        assert recording.steps.tolist() == frame_steps(STEPS)
        np.testing.assert_array_equal(
            recording.correct, answers.correct[:, recording.examples.tolist()]
        )
    for kind in ("pdf", "svg", "png", "gif"):
        check_file(results / "figures" / f"thinking_prefix_sums.{kind}")
    with Image.open(results / "figures" / "thinking_prefix_sums.gif") as gif:
        assert gif.n_frames == STEPS
    origin = read_json(results / "figures" / "thinking_prefix_sums.json")
    assert set(origin) == {"settings", "inputs", "versions", "files_sha256"}
    assert finished.plan(target).rules == {}
