"""The figure of the data: its content, and equal files from equal numbers."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib import image

from deltaloss.evidence.figures import TEXT_WIDTH, draw_data
from deltaloss.puzzles.base import Examples

FORMATS = ("pdf", "svg", "png")


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


def draw(data, folder, formats=FORMATS):
    draw_data(*zip(*data, strict=True), [folder / f"data.{kind}" for kind in formats])


def test_equal_examples_give_equal_files(data, tmp_path):
    for name in ("one", "other"):
        draw(data, tmp_path / name)
    for kind in FORMATS:
        one, other = (tmp_path / name / f"data.{kind}" for name in ("one", "other"))
        assert one.read_bytes() == other.read_bytes()


def test_nothing_is_cut_off(data, tmp_path):
    """The outermost pixels are white all around."""
    draw(data, tmp_path, formats=("png",))
    pixels = image.imread(tmp_path / "data.png")[:, :, :3]
    for edge in (pixels[:3], pixels[-3:], pixels[:, :3], pixels[:, -3:]):
        assert edge.min() == 1.0


def test_a_user_s_puzzle_is_drawn(toy):
    bits = np.ones((2, 1, 6), dtype=np.uint8)
    manifest = {"task": toy, "split": "train", "size": 6}
    figure = draw_data([Examples(inputs=bits, targets=bits[:, 0])], [manifest], [])
    assert figure.subfigs[0].axes[0].get_title() == "Toy, 6-sided toys, training"
