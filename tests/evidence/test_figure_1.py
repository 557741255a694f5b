"""Figure 1: what it shows and marks, in colour and in grey, and equal files from equal numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib import image
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgb

from deltaloss.core.runs import Run, parse_run
from deltaloss.evidence.figure_1 import Panel, draw_figure_1, make_panel
from deltaloss.evidence.figures import TEXT_WIDTH
from deltaloss.evidence.paired import wilson_interval
from deltaloss.evidence.provenance import RunResults, read_runs

from .conftest import PUBLISHED
from .curves import curve, summary

FORMATS = ("pdf", "svg", "png")


def results(run: str, *curves: list[int], task: str = "chess") -> RunResults[pd.DataFrame]:
    by_weights = {f"seed{number}": curve(*values) for number, values in enumerate(curves)}
    return RunResults(task=task, run=parse_run(run), by_weights=by_weights)


def panel(steps: int = 400, seeds: int = 1, alpha: str = "0.5", train_steps: int = 30) -> Panel:
    rising = [np.linspace(0, 180 + 5 * seed**2, steps).astype(int) for seed in range(seeds)]
    falling = [np.linspace(100, 0, steps).astype(int)] * seeds
    runs = {"delta": rising, f"progressive-{alpha}": falling, "progressive-0": falling}
    return Panel(
        title="Chess",
        subtitle="hard puzzles",
        train_steps=train_steps,
        results=[results(run, *curves) for run, curves in runs.items()],
        plotted=["delta", f"progressive-{alpha}"],
    )


def lines(ax, label: str):
    """Lines of an entry of the legend."""
    return [line for line in ax.get_lines() if line.get_label() == label]


def entries(figure) -> list[str]:
    (legend,) = figure.legends
    return [text.get_text() for text in legend.get_texts()]


def first_axes(*panels: Panel):
    return draw_figure_1(panels, []).axes[0]


class TestAxes:
    @pytest.mark.parametrize(
        ("steps", "gained", "last"),
        [(400, 0, 300), (400, 1, 300), (400, 10, 400), (60, 0, 60)],
        ids=["the paper's", "a gain too small to see", "gains after them", "fewer"],
    )
    def test_the_paper_s_steps_or_all_and_all_accuracies_are_shown(self, steps, gained, last):
        shown = panel(steps=steps)
        delta = np.linspace(0, 100, steps).astype(int)
        delta[280:] = 100
        delta[350:] += gained
        shown = replace(shown, results=[results("delta", delta), *shown.results[1:]])
        ax = first_axes(shown)
        assert (ax.get_xlim(), ax.get_ylim()) == ((1, last), (0, 100))
        assert lines(ax, "Delta")[0].get_xdata()[[0, -1]].tolist() == [1, last]
        assert ax.get_xticks()[0] == 1
        assert ax.get_xticks()[-1] <= last

    def test_steps_in_training_are_a_dotted_line(self):
        (mark,) = lines(first_axes(panel()), "Steps in training, $T$")
        assert list(mark.get_xdata()) == [30, 30]
        assert mark.get_linestyle() == ":"

    def test_panels_have_the_paper_s_letters(self):
        axes = draw_figure_1([panel()] * 3, []).axes
        assert [ax.get_title() for ax in axes] == ["(a) Chess", "(b) Chess", "(c) Chess"]
        assert first_axes(panel()).get_title() == "Chess"


class TestCurves:
    def test_runs_differ_in_dashes_markers_and_lightness(self):
        ax = first_axes(panel())
        first, second = (lines(ax, label)[0] for label in ("Delta", "Progressive, α = 0.5"))
        assert first.get_marker() != second.get_marker()
        assert first.get_linestyle() != second.get_linestyle()
        light = [
            np.dot(to_rgb(line.get_color()), [0.299, 0.587, 0.114]) for line in (first, second)
        ]
        assert abs(light[0] - light[1]) > 0.1

    def test_the_loss_of_the_last_step_is_thin_grey_and_behind(self):
        ax = first_axes(panel())
        quiet, loud = lines(ax, "Progressive, α = 0")[0], lines(ax, "Delta")[0]
        assert len(set(to_rgb(quiet.get_color()))) == 1
        assert quiet.get_linewidth() < loud.get_linewidth()
        assert quiet.get_zorder() < loud.get_zorder()
        assert quiet.get_marker() == "None"

    def test_it_is_like_the_others_where_it_is_plotted(self):
        only = Panel(
            title="Chess",
            subtitle="",
            train_steps=1,
            results=[results("progressive-0", [1, 2])],
            plotted=["progressive-0"],
        )
        assert lines(first_axes(only), "Progressive, α = 0")[0].get_marker() == "o"

    def test_released_weights_have_the_look_of_their_run_with_hollow_markers(self):
        ours = panel(seeds=3)
        theirs = RunResults(
            task="chess", run=parse_run("delta"), by_weights={"released": curve(*range(150))}
        )
        both = Panel(
            title=ours.title,
            subtitle=ours.subtitle,
            train_steps=ours.train_steps,
            results=[*ours.results, theirs],
            plotted=ours.plotted,
        )
        figure = draw_figure_1([both], [])
        assert entries(figure)[:2] == ["Delta", "Progressive, α = 0.5"]
        assert "Delta, released" in entries(figure)
        own, other = (lines(figure.axes[0], label)[0] for label in ("Delta", "Delta, released"))
        assert other.get_ydata()[-1] == 74.5
        assert (own.get_color(), own.get_marker()) == (other.get_color(), other.get_marker())
        assert other.get_markerfacecolor() == "white" != own.get_markerfacecolor()

    def test_one_seed_has_wilson_s_interval_as_a_band(self):
        ax = first_axes(panel())
        bands = [one for one in ax.collections if isinstance(one, PolyCollection)]
        assert len(bands) == 3
        low, high = wilson_interval(0, 200)
        (path,) = bands[0].get_paths()
        at_1 = path.vertices[path.vertices[:, 0] == 1][:, 1]
        assert (at_1.min(), at_1.max()) == pytest.approx((100 * low, 100 * high))

    def test_several_seeds_have_a_median_and_a_thin_line_each(self):
        ax = first_axes(panel(seeds=3))
        assert len(ax.collections) == 0
        (median,) = lines(ax, "Delta")
        same = [line for line in ax.get_lines() if line.get_color() == median.get_color()]
        thin = [line for line in same if line is not median]
        assert len(thin) == 3
        assert all(line.get_linewidth() < median.get_linewidth() / 2 for line in thin)
        ends = sorted(line.get_ydata()[-1] for line in thin)
        assert median.get_ydata()[-1] == ends[1] != np.mean(ends)


class TestLegend:
    def test_one_legend_has_each_entry_once(self):
        figure = draw_figure_1([panel()] * 3, [])
        assert all(ax.get_legend() is None for ax in figure.axes)
        assert entries(figure) == [
            *("Delta", "Progressive, α = 0.5", "Progressive, α = 0", "Steps in training, $T$"),
        ]

    def test_values_that_differ_between_panels_stand_above_them(self):
        figure = draw_figure_1([panel(alpha="0.5"), panel(alpha="0.01", train_steps=8)], [])
        assert entries(figure)[:3] == ["Delta", "Progressive", "Progressive, α = 0"]
        assert [ax.texts[0].get_text() for ax in figure.axes] == [
            "hard puzzles\n$T$ = 30, α = 0.5",
            "hard puzzles\n$T$ = 8, α = 0.01",
        ]

    def test_a_panel_with_two_values_of_a_loss_names_them_all(self):
        sweep = Panel(
            title="Mazes",
            subtitle="",
            train_steps=1,
            results=[results(f"progressive-{alpha}", [1, 2]) for alpha in ("0.1", "0.2")],
            plotted=["progressive-0.1", "progressive-0.2"],
        )
        labels = entries(draw_figure_1([sweep, panel()], []))
        assert labels[:2] == ["Progressive, α = 0.1", "Progressive, α = 0.2"]
        assert "Progressive, α = 0.5" in labels

    @pytest.mark.parametrize(
        ("panels", "width"), [(3, TEXT_WIDTH), (6, 2 * TEXT_WIDTH)], ids=["paper", "six"]
    )
    def test_it_is_inside_the_figure_and_hides_nothing(self, panels, width):
        figure = draw_figure_1([panel()] * panels, [])
        figure.draw_without_rendering()
        assert figure.get_size_inches()[0] == width
        box = figure.legends[0].get_window_extent()
        assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1
        assert not any(box.overlaps(ax.get_tightbbox()) for ax in figure.axes)


def test_panels_are_made_of_published_curves():
    paths = sorted(PUBLISHED.glob("evaluations/*/[!u]*/*.csv"))
    mazes = {"task": "mazes", **summary("mazes", "delta", "progressive-0.01", test_size=19)}
    made = make_panel(mazes, read_runs(paths, pd.read_csv))
    assert (made.title, made.subtitle) == ("Mazes", "9x9 mazes to 19x19 mazes")
    assert [run.name for run in made.compared] == ["delta", "progressive-0.01"]
    assert {one.task for one in made.results} == {"mazes"}
    assert make_panel({"task": "chess", **summary("chess")}, []).subtitle == "hard puzzles"


def test_equal_numbers_give_equal_files(tmp_path):
    for name in ("one", "other"):
        paths = [tmp_path / name / f"figure_1.{kind}" for kind in FORMATS]
        draw_figure_1([panel(), panel(seeds=2)], paths)
    for kind in FORMATS:
        one, other = (tmp_path / name / f"figure_1.{kind}" for name in ("one", "other"))
        assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize("panels", [1, 3])
def test_nothing_is_cut_off(panels, tmp_path):
    """The outermost pixels are white all around."""
    draw_figure_1([panel(alpha="0.01")] * panels, [tmp_path / "figure_1.png"])
    pixels = image.imread(tmp_path / "figure_1.png")[:, :, :3]
    for edge in (pixels[:3], pixels[-3:], pixels[:, :3], pixels[:, -3:]):
        assert edge.min() == 1.0


def test_a_user_s_puzzle_and_loss_are_drawn(toy):
    theirs = results("delta", [0, 50], task=toy)
    mine = RunResults(task=toy, run=Run(loss=toy, value=2), by_weights=theirs.by_weights)
    mine_only = {"task": toy, **summary(toy, "delta", f"{toy}-2", train_steps=1)}
    figure = draw_figure_1([make_panel(mine_only, [theirs, mine])], [])
    (ax,) = figure.axes
    assert (ax.get_title(), ax.texts[0].get_text()) == (
        *("Toy", "3-sided toys to 5-sided toys\n$T$ = 1"),
    )
    assert entries(figure)[:2] == ["Delta", "Toy, λ = 2"]
