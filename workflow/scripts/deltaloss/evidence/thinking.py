"""Pictures of networks at work: their answers to a few puzzles, step by step.

The strip shows a few steps side by side (images) or below each other (strings), the animation many.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.animation import PillowWriter
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text

from deltaloss.core.files import atomic_path
from deltaloss.core.runs import Run
from deltaloss.evaluation.thinking import Recording, frame_steps, strip_steps
from deltaloss.evidence.figure_1 import TRAINING_STYLE, run_colour
from deltaloss.evidence.figures import LOOK, TEXT_WIDTH, save_figure
from deltaloss.evidence.provenance import RunResults
from deltaloss.puzzles.answer_pictures import (
    MISSING,
    RIGHT,
    WRONG,
    AnswerPicture,
    load_answer_picture,
)
from deltaloss.puzzles.pictures import INK, LINE, OKABE_ITO, PAPER, Example

# Inches, of the strip and of the animation.
TITLE, KEY, LABEL, STEP, MARK, GAP, ROW = 0.3, 0.45, 0.36, 0.42, 0.17, 0.06, 0.11
SIGNS = 0.36  # beside strings
SQUARE, BAND = 1.6, 0.16

TEXT: dict[str, Any] = {"fontsize": 7, "color": INK}
FRAME = {True: OKABE_ITO["green"], False: LINE}
DOTS: dict[str, Any] = {**TRAINING_STYLE, "linewidth": 1}  # behind the steps in training

DPI, FRAMES_PER_SECOND, HOLD_FRAMES = 100, 6, 12  # of the animation


@dataclass(frozen=True, kw_only=True)
class Thinking:
    """Recorded answers of the compared runs to the same examples of one puzzle.

    Attributes:
        task: name of the puzzle.
        train_steps: T.
        facts: manifest of the test examples.
        results: one recording of each run.
    """

    task: str
    train_steps: int
    facts: Mapping[str, Any]
    results: Sequence[RunResults[Recording]]

    @property
    def recordings(self) -> list[tuple[Run, Recording]]:
        """Each run and its recording."""
        return [(one.run, next(iter(one.by_weights.values()))) for one in self.results]

    @property
    def last(self) -> int:
        """The last step."""
        return int(self.recordings[0][1].steps[-1])

    @property
    def examples(self) -> range:
        """Places of the examples in the recordings."""
        return range(len(self.recordings[0][1].examples))

    @property
    def dimensions(self) -> int:
        """Dimensions of the puzzle: 1 or 2."""
        return self.recordings[0][1].targets.ndim - 1

    @cached_property
    def picture(self) -> AnswerPicture:
        """How answers to the puzzle are drawn."""
        return load_answer_picture(self.task, dimensions=self.dimensions)

    def describe(self, place: int) -> str:
        """Name an example and the runs that solve it, and those that lose its answer again."""
        solved, lost = [], []
        for run, one in self.recordings:
            right = one.correct[:, place]
            if right[-1]:
                solved.append(run.label)
            elif right.any():
                lost.append(run.label)
        words = [f"solved by {_listed(solved)}"] if solved else ["not solved"]
        words += [f"lost again by {_listed(lost)}"] if lost else []
        number = self.recordings[0][1].examples[place] + 1
        return f"Test puzzle {number}: {'; '.join(words)}"

    def draw(self, ax: Axes, place: int, run: int, step: int) -> str:
        """Draw an answer with a frame, and return its sign: right, or how many bits are wrong."""
        one = self.recordings[run][1]
        row = one.steps.tolist().index(step)
        bits, target = one.inputs[place], one.targets[place]
        example = Example(bits=bits, answer=target, facts=self.facts)
        self.picture.draw(ax, example, one.answers[row, place])
        right = bool(one.correct[row, place])
        for spine in ax.spines.values():
            spine.set(color=FRAME[right], linewidth=1.2 if right else 0.6)
        return "✓" if right else f"✗ {np.count_nonzero(one.answers[row, place] != target)}"


class Sheet:
    """A figure on which things are placed in inches from its upper left corner."""

    def __init__(self, width: float, height: float) -> None:
        self.figure = Figure(figsize=(width, height))
        self._size = width, height

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Add axes."""
        across, down = self._size
        return self.figure.add_axes(
            (left / across, 1 - (top + height) / down, width / across, height / down)
        )

    def text(self, left: float, top: float, text: str, **style: Any) -> Text:
        """Write text, by default below `top` and to the right of `left`."""
        across, down = self._size
        place = {"va": "top", **TEXT, **style}
        return self.figure.text(left / across, 1 - top / down, text, **place)

    def dots(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Draw a dotted line."""
        across, down = self._size
        (left, top), (right, bottom) = start, end
        xs, ys = (left / across, right / across), (1 - top / down, 1 - bottom / down)
        self.figure.add_artist(Line2D(xs, ys, **DOTS))


def draw_strip(thinking: Thinking, paths: Sequence[Path]) -> Figure:
    """Draw the answers of every run after the steps of a strip, and save the figure by suffix."""
    with mpl.rc_context(LOOK):
        draw = _draw_columns if thinking.dimensions == 2 else _draw_rows
        sheet = draw(thinking, strip_steps(thinking.last))
        save_figure(sheet.figure, paths)
    return sheet.figure


def _draw_columns(thinking: Thinking, steps: Sequence[int]) -> Sheet:
    """Place steps side by side, runs and examples below each other."""
    pitch = (TEXT_WIDTH - LABEL) / len(steps)
    side, runs = pitch - GAP, len(thinking.results)
    block = TITLE + runs * (MARK + side + GAP)
    sheet = Sheet(TEXT_WIDTH, len(thinking.examples) * block + KEY)
    for place in thinking.examples:
        top = place * block
        sheet.text(GAP, top + 0.08, thinking.describe(place), fontweight="bold")
        for number, (run, _) in enumerate(thinking.recordings):
            upper = top + TITLE + number * (MARK + side + GAP) + MARK
            _label(sheet, upper + side / 2, run, number)
            for column, step in enumerate(steps):
                left = LABEL + column * pitch
                ax = sheet.axes(left, upper, side, side)
                sign = thinking.draw(ax, place, number, step)
                word = "step " if column == 0 else ""
                ax.set_title(f"{word}{step} {sign}", pad=2, **TEXT)
        before = sum(step <= thinking.train_steps for step in steps)
        if 0 < before < len(steps):
            edge = LABEL + before * pitch - GAP / 2
            sheet.dots((edge, top + TITLE), (edge, top + block))
    _draw_key(sheet, thinking)
    return sheet


def _draw_rows(thinking: Thinking, steps: Sequence[int]) -> Sheet:
    """Place steps, runs and examples below each other."""
    pitch, runs = ROW + 0.04, len(thinking.results)
    group = len(steps) * pitch + GAP
    block, left = TITLE + runs * group, LABEL + STEP
    sheet = Sheet(TEXT_WIDTH, len(thinking.examples) * block + KEY)
    for place in thinking.examples:
        top = place * block
        sheet.text(GAP, top + 0.08, thinking.describe(place), fontweight="bold")
        for number, (run, _) in enumerate(thinking.recordings):
            upper = top + TITLE + number * group
            _label(sheet, upper + (group - GAP) / 2, run, number)
            for row, step in enumerate(steps):
                here = upper + row * pitch
                ax = sheet.axes(left, here, TEXT_WIDTH - left - SIGNS - GAP, ROW)
                sign = thinking.draw(ax, place, number, step)
                middle = here + ROW / 2
                word = "step " if row == 0 else ""
                sheet.text(left - GAP, middle, f"{word}{step}", ha="right", va="center")
                sheet.text(TEXT_WIDTH - SIGNS, middle, sign, va="center")
            before = sum(step <= thinking.train_steps for step in steps)
            if 0 < before < len(steps):
                edge = upper + before * pitch - 0.02
                sheet.dots((LABEL, edge), (TEXT_WIDTH - GAP, edge))
    _draw_key(sheet, thinking)
    return sheet


def draw_animation(thinking: Thinking, path: Path) -> int:
    """Draw the answers after each step of an animation as a GIF; return the number of frames.

    The last frame stands longer.
    """
    steps = frame_steps(thinking.last)
    with mpl.rc_context(LOOK), atomic_path(path) as temporary:
        sheet, panels = _stage(thinking)
        clock = sheet.text(GAP, GAP, "", fontsize=9)
        writer = PillowWriter(fps=FRAMES_PER_SECOND)
        with writer.saving(sheet.figure, str(temporary), dpi=DPI):
            for step in [*steps, *[thinking.last] * HOLD_FRAMES]:
                clock.set_text(f"Step {step} of {thinking.last}")
                for (place, number), ax in panels.items():
                    ax.clear()
                    sign = thinking.draw(ax, place, number, step)
                    title = f"{thinking.recordings[number][0].label} {sign}"
                    ax.set_title(title, pad=2, fontsize=7, color=run_colour(number))
                writer.grab_frame()
    return len(steps)


def _stage(thinking: Thinking) -> tuple[Sheet, dict[tuple[int, int], Axes]]:
    """Place the axes of an animation, by example and run: images side by side, strings not."""
    runs, across = len(thinking.results), thinking.dimensions == 2
    columns, width, height = (runs, SQUARE, SQUARE) if across else (1, TEXT_WIDTH - 2 * GAP, BAND)
    row = MARK + height + GAP
    block = TITLE + row * (runs // columns)
    whole = columns * (width + GAP) + GAP, TITLE + len(thinking.examples) * block
    sheet = Sheet(*whole)
    panels = {}
    for place in thinking.examples:
        top = TITLE + place * block
        name = f"Test puzzle {thinking.recordings[0][1].examples[place] + 1}"
        sheet.text(GAP, top + 0.08, name, fontweight="bold")
        for number in range(runs):
            left = GAP + number % columns * (width + GAP)
            upper = top + TITLE + number // columns * row + MARK
            panels[place, number] = sheet.axes(left, upper, width, height)
    return sheet, panels


def _label(sheet: Sheet, middle: float, run: Run, number: int) -> None:
    """Write the name of a run upwards beside its answers, in its colour of figure 1."""
    style = {"rotation": "vertical", "va": "center", "ha": "center", "multialignment": "center"}
    label = run.label.replace(", ", "\n", 1)
    sheet.text(LABEL / 2, middle, label, **style, color=run_colour(number))


def _draw_key(sheet: Sheet, thinking: Thinking) -> None:
    """Explain colours, shapes and the dotted line at the bottom."""
    handles: list[Artist] = [
        Patch(facecolor=INK, edgecolor=LINE),
        Patch(facecolor=PAPER, edgecolor=LINE),
        Patch(facecolor=WRONG, edgecolor=WRONG),
    ]
    if thinking.dimensions == 2:
        handles = [
            Patch(facecolor=RIGHT, edgecolor=RIGHT),
            Patch(facecolor=PAPER, edgecolor=MISSING, linewidth=1.5),
            Line2D([], [], color=WRONG, marker="x", markeredgewidth=1.5, linestyle=""),
        ]
    for handle, name in zip(handles, thinking.picture.key, strict=True):
        handle.set_label(name)
    dots = Line2D([], [], **DOTS)
    dots.set_label(f"$T$ = {thinking.train_steps}, steps in training")
    sheet.figure.legend(
        handles=[*handles, *([dots] if thinking.train_steps < thinking.last else [])],
        loc="lower center",
        bbox_to_anchor=(0.5, 0),
        borderaxespad=0.1,
        ncols=4,
        frameon=False,
        fontsize=7,
        handlelength=1.4,
        columnspacing=1.2,
    )
    words = "✓ and a green frame: the whole answer is right; ✗: how many of its bits are wrong."
    top = sheet.figure.get_size_inches()[1] - KEY + 0.08
    sheet.text(TEXT_WIDTH / 2, top, words, ha="center")


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
