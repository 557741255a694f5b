"""The figure of the data: what is drawn is what is in the files."""

from __future__ import annotations

import chess
import numpy as np
import pytest
from matplotlib import image
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from deltaloss import data_figure
from deltaloss.data_figure import draw_data, take_example
from deltaloss.datasets.chess_boards import ORIENTATIONS, encode
from deltaloss.datasets.mazes import make_mazes
from deltaloss.datasets.prefix_sums import make_prefix_sums
from deltaloss.datasets.store import Examples
from deltaloss.drawing import TEXT_WIDTH


def strings(bits=8, split="train"):
    examples = make_prefix_sums(bits=bits, count=1, seed=1, split=split)
    return take_example(examples, {"task": "prefix_sums", "split": split, "size": bits})


def mazes(size=9, split="train"):
    examples = make_mazes(size=size, count=1, seed=1, split=split)
    return take_example(examples, {"task": "mazes", "split": split, "size": size})


def board(fen="4k3/8/8/3n4/8/8/1P6/R3K3 w - - 0 1", move="a1a8", orientation="released"):
    bits, answer = encode(chess.Board(fen), chess.Move.from_uci(move), orientation)
    card = {"task": "chess", "split": "test", "orientation": orientation}
    return take_example(Examples(inputs=bits[None], targets=answer[None]), card)


@pytest.fixture
def drawn(monkeypatch, tmp_path):
    """Draw examples and give the figure itself."""
    kept: list[Figure] = []

    def keep(*args, **kwargs):
        kept.append(Figure(*args, **kwargs))
        return kept[-1]

    def draw(*examples) -> Figure:
        monkeypatch.setattr(data_figure, "Figure", keep)
        draw_data(examples, [tmp_path / "data.png"])
        return kept[-1]

    return draw


def all_axes(figure):
    return [ax for part in figure.subfigs for ax in part.axes]


def test_titles_and_width(drawn):
    shown = drawn(strings(), strings(16, "test"), mazes(), mazes(11, "test"), board())
    assert [ax.get_title() for ax in all_axes(shown)] == [
        *("Prefix sums, 8 bits, training", "Prefix sums, 16 bits, test"),
        *("Mazes, 9x9, training", "Mazes, 11x11, test", "Chess, test"),
    ]
    assert shown.get_size_inches()[0] == TEXT_WIDTH


def test_bits_stand_above_their_sums(drawn):
    example = strings()
    (ax,) = all_axes(drawn(example))
    above, below = ax.images[0].get_array()
    np.testing.assert_array_equal(above, example.bits[0])
    np.testing.assert_array_equal(below > 0, example.answer == 1)


def test_a_maze_has_its_path_start_and_end(drawn):
    example = mazes()
    (ax,) = all_axes(drawn(example))
    shown = ax.images[0].get_array()
    assert shown.shape == (11, 11)  # with the border, one position wide
    assert (shown == 2).sum() == example.answer.sum() / 4
    assert (shown > 0).sum() == example.bits.any(axis=0).sum() / 4
    assert (shown[[0, -1]] == 0).all()
    assert [line.get_marker() for line in ax.get_lines()] == ["o", "s"]
    for line, colour in zip(ax.get_lines(), ((0, 1, 0), (1, 0, 0)), strict=True):
        column, row = int(line.get_xdata()[0]), int(line.get_ydata()[0])
        assert shown[row, column] == 2
        pixel = example.bits[:, 3 + 2 * (row - 1), 3 + 2 * (column - 1)]
        assert tuple(pixel.tolist()) == colour


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize(
    ("fen", "move"),
    [
        ("4k3/8/8/3n4/8/8/1P6/R3K3 w - - 0 1", "a1a8"),
        ("r3k3/1p6/8/8/3N4/8/8/4K3 b - - 0 1", "a8a1"),
    ],
    ids=["white", "black"],
)
def test_the_mover_is_white_and_at_the_bottom(drawn, orientation, fen, move):
    (ax,) = all_axes(drawn(board(fen, move, orientation)))
    men = {
        (round(text.get_position()[0]), round(text.get_position()[1])): (
            text.get_text(),
            text.get_color(),
        )
        for text in ax.texts
        if text.get_text()
    }
    assert men == {
        (4, 0): ("\u265a", "black"),
        (3, 3): ("\u265e", "black"),
        (1, 6): ("\u265f", "white"),
        (0, 7): ("\u265c", "white"),
        (4, 7): ("\u265a", "white"),
    }
    (arrow,) = [text for text in ax.texts if not text.get_text()]
    assert (arrow.xyann, arrow.xy) == ((0, 7), (0, 0))
    marked = {tuple(np.round(patch.get_xy()[:4].mean(axis=0)).tolist()) for patch in ax.patches}
    assert marked == {(0, 7), (0, 0)}


def test_a_move_from_nowhere_has_no_arrow(drawn):
    example = board(orientation="released")
    wrong = Examples(inputs=example.bits[None], targets=example.answer[None, ::-1, ::-1].copy())
    card = {"task": "chess", "split": "test", "orientation": "released"}
    (ax,) = all_axes(drawn(take_example(wrong, card)))
    assert [text for text in ax.texts if not text.get_text()] == []
    assert len(ax.patches) == 2


@pytest.mark.parametrize("examples", [(mazes(),), (strings(),), (strings(512), mazes(59), board())])
def test_nothing_is_cut_off(tmp_path, examples):
    draw_data(examples, [tmp_path / "data.png"])
    pixels = image.imread(tmp_path / "data.png")[:, :, :3]
    for edge in (pixels[:3], pixels[-3:], pixels[:, :3], pixels[:, -3:]):
        assert edge.min() == 1.0


def test_same_examples_same_files(tmp_path):
    kinds = ("pdf", "svg", "png")
    for name in ("a", "b"):
        draw_data([strings(), mazes(), board()], [tmp_path / name / f"data.{k}" for k in kinds])
    for kind in kinds:
        first, second = (tmp_path / name / f"data.{kind}" for name in "ab")
        assert first.read_bytes() == second.read_bytes()


def test_greyscale_tells_wall_path_and_way_apart(drawn):
    (ax,) = all_axes(drawn(mazes()))
    colours = ax.images[0].get_cmap()(range(3))[:, :3]
    wall, free, path = np.sort(colours @ [0.299, 0.587, 0.114])[[0, 2, 1]]
    assert path - wall > 0.3
    assert free - path > 0.3
    assert to_hex(colours[2]) == data_figure.OKABE_ITO["sky_blue"].lower()
