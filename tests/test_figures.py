"""Figure 1: what is drawn, and that the same numbers give the same files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib import image
from matplotlib.figure import Figure

from deltaloss import figures
from deltaloss.figures import Panel, draw_figure_1, make_panel
from deltaloss.gathering import RunFiles
from deltaloss.runs import parse_run

DELTA, PROGRESSIVE = parse_run("delta"), parse_run("progressive-0.5")


def curve(values) -> pd.DataFrame:
    return pd.DataFrame({"step": np.arange(1, len(values) + 1), "accuracy_percent": values})


def panel(steps: int = 400, seeds: int = 1) -> Panel:
    rising = [curve(np.linspace(0, 90 + seed, steps)) for seed in range(seeds)]
    return Panel(
        title="Chess",
        subtitle="hard puzzles",
        train_steps=30,
        curves={DELTA: rising, PROGRESSIVE: [curve(np.linspace(50, 0, steps))] * seeds},
    )


@pytest.fixture
def drawn(monkeypatch, tmp_path):
    """Draw panels and give the figure itself."""
    kept: list[Figure] = []

    def keep(*args, **kwargs):
        kept.append(Figure(*args, **kwargs))
        return kept[-1]

    def draw(*panels: Panel) -> Figure:
        monkeypatch.setattr(figures, "Figure", keep)
        draw_figure_1(panels, [tmp_path / "figure_1.png"])
        return kept[-1]

    return draw


def test_steps_1_to_300_are_shown(drawn):
    ax = drawn(panel(steps=400)).axes[0]
    assert ax.get_xlim() == (1, 300)
    assert ax.get_lines()[0].get_xdata()[[0, -1]].tolist() == [1, 300]


def test_fewer_steps_fill_the_panel(drawn):
    assert drawn(panel(steps=60)).axes[0].get_xlim() == (1, 60)


def test_a_mark_at_the_training_steps(drawn):
    ax = drawn(panel()).axes[0]
    mark = ax.get_lines()[-1]
    assert list(mark.get_xdata()) == [30, 30]
    assert mark.get_label() == "Training, $T=30$"


def test_runs_differ_in_colour_lightness_and_dashes(drawn):
    first, second = drawn(panel()).axes[0].get_lines()[:2]
    assert first.get_linestyle() != second.get_linestyle()
    assert first.get_color() != second.get_color()
    labels = [text.get_text() for text in drawn(panel()).axes[0].get_legend().get_texts()]
    assert labels[:2] == ["Delta", "Progressive, α = 0.5"]


def test_the_legend_hides_no_curve(drawn):
    figure = drawn(panel(), panel(), panel())
    for ax in figure.axes:
        assert not ax.get_legend().get_window_extent().overlaps(ax.get_window_extent())


@pytest.mark.parametrize("panels", [1, 3])
def test_nothing_is_cut_off(tmp_path, panels):
    """The outermost pixels are white all around."""
    draw_figure_1([panel()] * panels, [tmp_path / "figure_1.png"])
    pixels = image.imread(tmp_path / "figure_1.png")[:, :, :3]
    for edge in (pixels[:3], pixels[-3:], pixels[:, :3], pixels[:, -3:]):
        assert edge.min() == 1.0


def test_width_of_a_paper_s_text(drawn):
    assert drawn(panel(), panel(), panel()).get_size_inches()[0] == figures.TEXT_WIDTH


def test_seeds_give_mean_and_band(drawn):
    one, several = drawn(panel()).axes[0], drawn(panel(seeds=3)).axes[0]
    assert (len(one.collections), len(several.collections)) == (0, 2)
    assert several.get_lines()[0].get_ydata()[-1] == pytest.approx(91 * 299 / 399)


def test_same_numbers_same_files(tmp_path):
    kinds = ("pdf", "svg", "png")
    for name in ("a", "b"):
        draw_figure_1([panel(), panel()], [tmp_path / name / f"figure_1.{kind}" for kind in kinds])
    for kind in kinds:
        first, second = (tmp_path / name / f"figure_1.{kind}" for name in "ab")
        assert first.read_bytes() == second.read_bytes()


def test_greyscale_keeps_the_curves_apart(tmp_path):
    """Solid and dashed: the dashed curve has gaps, and both are far from white."""
    flat = {DELTA: [curve([80.0] * 300)], PROGRESSIVE: [curve([20.0] * 300)]}
    one = Panel(title="a", subtitle="b", train_steps=30, curves=flat)
    draw_figure_1([one], [tmp_path / "figure_1.png"])
    grey = image.imread(tmp_path / "figure_1.png")[:, :, :3] @ [0.299, 0.587, 0.114]
    dark = grey < 0.7
    longest = np.sort(dark.sum(axis=1))[::-1]
    assert longest[0] > 0.6 * grey.shape[1]  # the solid curve, unbroken
    assert grey.min() < 0.2


def test_panels_are_read_from_files(tmp_path):
    path = tmp_path / "seed1.csv"
    curve([0.0, 50.0]).to_csv(path, index=False)
    summary = {"task": "mazes", "train_size": 9, "test_size": 59, "train_steps": 30}
    files = [RunFiles(task="mazes", run=DELTA, plotted=True, by_seed={1: Path(path)})]
    made = make_panel(summary, files)
    assert (made.title, made.subtitle) == ("Mazes", "9x9 mazes to 59x59 mazes")
    assert made.curves[DELTA][0]["accuracy_percent"].tolist() == [0.0, 50.0]
    assert make_panel({**summary, "task": "chess", "train_size": None, "test_size": None}, []) == (
        Panel(title="Chess", subtitle="hard puzzles", train_steps=30, curves={})
    )
