"""Figure 1 and the figure of the data: their content, and equal files from equal numbers."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib import image

from deltaloss.core.runs import Run, parse_run
from deltaloss.evidence.figures import TEXT_WIDTH, Panel, draw_data, draw_figure_1, make_panel
from deltaloss.evidence.provenance import RunResults, read_runs
from deltaloss.puzzles.base import Examples

from .conftest import PUBLISHED

FORMATS = ("pdf", "svg", "png")


def results(run: str, *curves, task: str = "chess") -> RunResults[pd.DataFrame]:
    frames = [
        pd.DataFrame({"step": np.arange(1, len(values) + 1), "accuracy_percent": values})
        for values in curves
    ]
    by_weights = {f"seed{number}": frame for number, frame in enumerate(frames)}
    return RunResults(task=task, run=parse_run(run), by_weights=by_weights)


def panel(steps: int = 400, seeds: int = 1) -> Panel:
    rising = [np.linspace(0, 90 + seed, steps) for seed in range(seeds)]
    falling = [np.linspace(50, 0, steps)] * seeds
    return Panel(
        title="Chess",
        subtitle="hard puzzles",
        train_steps=30,
        results=[results("delta", *rising), results("progressive-0.5", *falling)],
    )


def first_axes(*panels: Panel):
    return draw_figure_1(panels, []).axes[0]


@pytest.fixture
def data():
    """Examples and manifests of a string and a board with a rook's move."""
    bits = np.random.default_rng(1).integers(0, 2, (1, 1, 8), dtype=np.uint8)
    planes = np.zeros((1, 12, 8, 8), dtype=np.uint8)
    planes[0, 0, 7, 4] = planes[0, 4, 7, 0] = planes[0, 6, 0, 4] = 1
    move = np.zeros((1, 8, 8), dtype=np.uint8)
    move[0, 7, 0] = move[0, 0, 0] = 1
    string = {"task": "prefix_sums", "split": "train", "size": 8}
    board = {"task": "chess", "split": "test", "orientation": "aligned"}
    return [
        (Examples(inputs=bits, targets=bits[:, 0]), string),
        (Examples(inputs=planes, targets=move), board),
    ]


class TestFigure1:
    @pytest.mark.parametrize(("steps", "last"), [(400, 300), (60, 60)], ids=["more", "fewer"])
    def test_steps_1_to_300_or_all_are_shown(self, steps, last):
        ax = first_axes(panel(steps=steps))
        assert ax.get_xlim() == (1, last)
        assert ax.get_lines()[0].get_xdata()[[0, -1]].tolist() == [1, last]

    def test_runs_and_training_steps_are_marked(self):
        ax = first_axes(panel())
        first, second, mark = ax.get_lines()
        assert first.get_linestyle() != second.get_linestyle()
        assert first.get_color() != second.get_color()
        assert list(mark.get_xdata()) == [30, 30]
        labels = [text.get_text() for text in ax.get_legend().get_texts()]
        assert labels == ["Delta", "Progressive, α = 0.5", "Training, $T=30$"]

    def test_seeds_give_mean_and_band(self):
        one, several = first_axes(panel()), first_axes(panel(seeds=3))
        assert (len(one.collections), len(several.collections)) == (0, 2)
        assert several.get_lines()[0].get_ydata()[-1] == pytest.approx(91 * 299 / 399)

    @pytest.mark.parametrize(
        ("panels", "width"), [(3, TEXT_WIDTH), (6, 2 * TEXT_WIDTH)], ids=["paper", "six"]
    )
    def test_panels_keep_their_width_and_legends_hide_nothing(self, panels, width):
        figure = draw_figure_1([panel()] * panels, [])
        figure.draw_without_rendering()
        assert figure.get_size_inches()[0] == width
        legends = [ax.get_legend().get_window_extent() for ax in figure.axes]
        for legend, ax in zip(legends, figure.axes, strict=True):
            assert not legend.overlaps(ax.get_window_extent())
        for legend, other in pairwise(legends):
            assert not legend.overlaps(other)

    def test_panels_are_made_of_published_curves(self):
        paths = sorted(PUBLISHED.glob("evaluations/*/*/*.csv"))
        summary = {"task": "mazes", "train_size": 9, "test_size": 59, "train_steps": 6}
        made = make_panel(summary, read_runs(paths, pd.read_csv))
        assert (made.title, made.subtitle) == ("Mazes", "9x9 mazes to 59x59 mazes")
        assert [one.run.loss for one in made.results] == ["delta", "progressive", "progressive"]
        assert {one.task for one in made.results} == {"mazes"}
        chess = {"task": "chess", "train_size": None, "test_size": None, "train_steps": 8}
        assert make_panel(chess, []).subtitle == "hard puzzles"


class TestDataFigure:
    def test_titles_are_the_paper_s_names(self, data):
        figure = draw_data(*zip(*data, strict=True), [])
        assert [ax.get_title() for part in figure.subfigs for ax in part.axes] == [
            *("Prefix sums, 8 bits, training", "Chess hard, test"),
        ]
        assert figure.get_size_inches()[0] == TEXT_WIDTH

    def test_squares_beyond_four_start_another_row(self, data):
        figure = draw_data(*zip(*[data[1]] * 5, strict=True), [])
        rows = [ax.get_subplotspec().rowspan.start for ax in figure.subfigs[0].axes if ax.axison]
        assert rows == [0, 0, 0, 0, 1]


def draw_both(data, folder, formats=FORMATS):
    """Draw one figure of each kind in each format."""
    draw_figure_1([panel(), panel(seeds=2)], [folder / f"figure_1.{kind}" for kind in formats])
    draw_data(*zip(*data, strict=True), [folder / f"data.{kind}" for kind in formats])


def test_equal_numbers_give_equal_files(data, tmp_path):
    for name in ("one", "other"):
        draw_both(data, tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert len(files) == 6
    for name in files:
        one, other = tmp_path / "one" / name, tmp_path / "other" / name
        assert one.read_bytes() == other.read_bytes()


def test_nothing_is_cut_off(data, tmp_path):
    """The outermost pixels are white all around."""
    draw_both(data, tmp_path, formats=("png",))
    for name in ("figure_1", "data"):
        pixels = image.imread(tmp_path / f"{name}.png")[:, :, :3]
        for edge in (pixels[:3], pixels[-3:], pixels[:, :3], pixels[:, -3:]):
            assert edge.min() == 1.0


def test_a_user_s_puzzle_and_loss_are_drawn(toy, tmp_path):
    curve = results("delta", [0.0, 50.0], task=toy)
    mine = RunResults(task=toy, run=Run(loss=toy, value=2), by_weights=curve.by_weights)
    summary = {"task": toy, "train_size": 3, "test_size": 5, "train_steps": 1}
    ax = first_axes(make_panel(summary, [curve, mine]))
    assert (ax.get_title(), ax.texts[0].get_text()) == ("Toy", "3-sided toys to 5-sided toys")
    assert ax.get_legend().get_texts()[1].get_text() == "Toy, λ = 2"
    bits = np.ones((2, 1, 6), dtype=np.uint8)
    manifest = {"task": toy, "split": "train", "size": 6}
    figure = draw_data(
        [Examples(inputs=bits, targets=bits[:, 0])], [manifest], [tmp_path / "data.png"]
    )
    assert figure.subfigs[0].axes[0].get_title() == "Toy, 6-sided toys, training"
