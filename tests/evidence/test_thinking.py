"""Pictures of networks at work: their texts, their frames, and equal files from equal answers."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from matplotlib.text import Text
from PIL import Image

from deltaloss.core.files import write_json
from deltaloss.core.runs import parse_run
from deltaloss.evaluation.thinking import Recording, frame_steps, save_recording, strip_steps
from deltaloss.evidence import figure_1
from deltaloss.evidence.provenance import RunResults
from deltaloss.evidence.thinking import Thinking, draw_animation, draw_strip
from deltaloss.puzzles.mazes.make import make_mazes

RUNS = ("delta", "progressive-0.01")
LAST = {"chess": 300, "mazes": 1000, "prefix_sums": 500, "toy": 70}
PIXELS = {"chess": (12, 8, 8), "prefix_sums": (1, 40), "toy": (1, 6)}
SMALLEST = 7  # points


def recording(task: str, *, last: int, found: int) -> Recording:
    """Two examples: the first is right from step `found` on, the second right at that step only."""
    steps = np.array(sorted({*strip_steps(last), *frame_steps(last)}))
    if task == "mazes":
        (made,) = make_mazes(size=5, count=2, seed=1, split="test")
        inputs, targets = made.inputs, made.targets
    else:
        channels, *pixels = PIXELS[task]
        stream = np.random.default_rng(1)
        share = 0.02 if task == "chess" else 0.5
        inputs = (stream.random((2, channels, *pixels)) < share).astype(np.uint8)
        targets = stream.integers(2, size=(2, *pixels), dtype=np.uint8)
    correct = np.stack([steps >= found, steps == found], axis=1)
    answers = np.repeat(targets[np.newaxis] == 1, len(steps), axis=0)
    answers[~correct] ^= True
    return Recording(
        steps=steps,
        examples=np.array([9998, 9999]),
        answers=answers,
        correct=correct,
        inputs=inputs,
        targets=targets,
    )


def thinking(task: str, runs=RUNS, last: int | None = None) -> Thinking:
    results = [
        RunResults(
            task=task,
            run=parse_run(run),
            by_weights={"seed1": recording(task, last=last or LAST[task], found=1 + place)},
        )
        for place, run in enumerate(runs)
    ]
    return Thinking(task=task, train_steps=30, facts={"pixels_per_position": 2}, results=results)


def boxes(figure):
    """Texts that can be seen and their places in pixels."""
    figure.draw_without_rendering()
    texts = [one for one in figure.findobj(Text) if one.get_visible() and one.get_text().strip()]
    return [(one, one.get_window_extent()) for one in texts]


@pytest.mark.parametrize("task", ["chess", "mazes", "prefix_sums"])
class TestStrip:
    def test_texts_are_legible_and_stay_on_the_page_and_apart(self, task):
        found = boxes(draw_strip(thinking(task), []))
        page = found[0][0].figure.bbox
        assert min(text.get_fontsize() for text, _ in found) >= SMALLEST
        for text, box in found:
            assert page.x0 <= box.x0, text.get_text()
            assert box.x1 <= page.x1, text.get_text()
            assert page.y0 <= box.y0, text.get_text()
            assert box.y1 <= page.y1, text.get_text()
        for (one, first), (other, second) in combinations(found, 2):
            assert not first.overlaps(second), (one.get_text(), other.get_text())

    def test_each_answer_has_its_sign(self, task):
        shown = thinking(task)
        figure = draw_strip(shown, [])
        texts = [text.get_text() for text in figure.findobj(Text)]
        found = [re.search("(✓|✗ [0-9]+)$", text) for text in texts]
        signs = [match[1] for match in found if match]
        steps = strip_steps(LAST[task])
        solved = len(steps) + sum(step >= 2 for step in steps)
        lost = 1 + (2 in steps)
        assert len(signs) == 4 * len(steps)
        assert signs.count("✓") == solved + lost
        bits = shown.recordings[0][1].targets[0].size
        assert set(signs) == {"✓", f"✗ {bits}"}


def test_a_heading_says_which_runs_solve_and_lose_an_example():
    shown = thinking("prefix_sums")
    assert [shown.describe(place) for place in shown.examples] == [
        "Test puzzle 9999: solved by Delta and Progressive, α = 0.01",
        "Test puzzle 10000: not solved; lost again by Delta and Progressive, α = 0.01",
    ]


def test_losses_have_the_colours_of_figure_1(tmp_path):
    shown = thinking("mazes")
    figure = draw_strip(shown, [tmp_path / "strip.png"])
    labels = [text for text in figure.texts if text.get_rotation() == 90]
    colours = [style["color"] for style in figure_1._STYLES[: len(shown.results)]]
    assert [text.get_color() for text in labels] == colours * len(shown.examples)


@pytest.mark.parametrize("task", ["mazes", "prefix_sums"])
def test_an_animation_has_a_frame_for_each_step_and_is_small(task, tmp_path):
    path = tmp_path / "thinking.gif"
    last = 4 if task == "mazes" else 70
    count = draw_animation(thinking(task, last=last), path)
    with Image.open(path) as gif:
        assert gif.n_frames == count == len(frame_steps(last))
        assert gif.info["loop"] == 0
    assert path.stat().st_size < 300_000


def test_equal_answers_give_equal_files(tmp_path):
    for name in ("one", "other"):
        shown = thinking("prefix_sums", last=3)
        draw_strip(shown, [tmp_path / f"{name}.{kind}" for kind in ("pdf", "svg", "png")])
        draw_animation(shown, tmp_path / f"{name}.gif")
    for kind in ("pdf", "svg", "png", "gif"):
        one, other = (tmp_path / f"{name}.{kind}" for name in ("one", "other"))
        assert one.read_bytes() == other.read_bytes(), kind


def test_a_user_s_puzzle_is_drawn(toy, tmp_path):
    path = tmp_path / "toy.gif"
    shown = thinking(toy, last=3)
    assert len(draw_strip(shown, []).axes) == 4 * len(strip_steps(3))
    assert draw_animation(shown, path) == 3


def test_no_torch_is_needed(tmp_path):
    path = tmp_path / "delta" / "seed1.npz"
    save_recording(path, recording("mazes", last=2, found=1))
    write_json(path.with_suffix(".json"), {}, files=[path])
    program = f"""
import sys
from pathlib import Path
from deltaloss.core.runs import parse_run
from deltaloss.evaluation.thinking import load_recording
from deltaloss.evidence.provenance import RunResults
from deltaloss.evidence.thinking import Thinking, draw_animation, draw_strip
recording = load_recording(Path({str(path)!r}))
one = RunResults(task="mazes", run=parse_run("delta"), by_weights={{"seed1": recording}})
shown = Thinking(task="mazes", train_steps=1, facts={{}}, results=[one])
draw_strip(shown, [Path({str(tmp_path / "strip.png")!r})])
draw_animation(shown, Path({str(tmp_path / "strip.gif")!r}))
assert "torch" not in sys.modules
"""
    scripts = Path(figure_1.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=scripts, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "strip.png").stat().st_size > 1000
