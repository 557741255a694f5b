"""The four formats of a table, and numbers as text."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from deltaloss.evidence.accuracy_table import tabulate_accuracy
from deltaloss.evidence.formats import align, count, duration, percent, whole
from deltaloss.evidence.training_table import tabulate_training
from deltaloss.evidence.typeset import Block, Table, save_table, text_frame

from .curves import NO_TESTS, curve, history, results, summary
from .latex import needs_latex, typeset

TITLE = "Max accuracy\n(%)"
COLUMNS = {
    ("", "Loss"): ["a_b*", "Toy, λ = 2", "<i>"],
    ("", "α"): ["-", "0.5", "1.0"],
    (TITLE, "ours"): ["**75.0**†\n(70.0–80.0)", "1.0\n(0.1–2.0)", "-"],
    (TITLE, "paper"): ["85.83", "-", "-"],
    ("", "Solved"): ["9 of 10‡", "0 of 10", "10 of 10"],
}


@pytest.fixture
def table():
    plain = text_frame({("", "Task"): ["Chess"], ("", "Epoch"): ["5"]})
    return Table(
        caption="Experiment a_b: 100 % of α.",
        notes="† p < 0.05 & {more}.",
        numbers=pd.DataFrame({"loss": ["a_b", "toy"], "accuracy": [75.0, 0.3333333]}),
        blocks=[
            Block(printed=text_frame(COLUMNS)),
            Block(printed=plain, title="Another", labels=1),
        ],
    )


@pytest.fixture
def folder(table, tmp_path):
    """A folder with the table in every format."""
    save_table(table, [tmp_path / f"table_5.{kind}" for kind in ("csv", "md", "tex", "html")])
    return tmp_path


def test_csv_holds_seven_digits(folder):
    frame = pd.read_csv(folder / "table_5.csv")
    assert frame["accuracy"].tolist() == [75.0, 0.3333333]


def test_markdown_has_each_block_under_one_head(folder):
    lines = (folder / "table_5.md").read_text().splitlines()
    assert lines[0] == "Table 5: Experiment a_b: 100 % of α."
    heads = [cell.strip() for cell in lines[2].strip("|").split("|")]
    assert heads == ["Loss", "α", "Max accuracy (%)", "(paper)", "Solved"]
    assert len({line.count("|") for line in lines[2:7]}) == 1
    assert "**75.0**† (70.0–80.0)" in lines[4]
    assert lines[8] == "Another:"
    assert lines[-1] == "† p < 0.05 & {more}."


def test_latex_has_ours_and_the_paper_s_under_one_head(folder):
    text = (folder / "table_5.tex").read_text()
    assert text.isascii()
    assert text.startswith("% Table 5; needs the package booktabs\n")
    head = r"\begin{tabular}[b]{@{}c@{}}Max accuracy \\ (\%)\end{tabular}"
    assert rf"\multicolumn{{2}}{{c}}{{{head}}}" in text
    assert "\\\\\n\\cmidrule(lr){3-4}\n" in text
    assert r"Loss & $\alpha$ & ours & paper & Solved \\" in text
    assert "resizebox" not in text


def test_latex_is_escaped_bold_and_marked(folder):
    text = (folder / "table_5.tex").read_text()
    assert r"\caption{Experiment a\_b: 100 \% of $\alpha$.}" in text
    assert r"\textbf{75.0}\rlap{$^{\dagger}$} \\ (70.0--80.0)" in text
    assert r"Toy, $\lambda$ = 2 & 0.5 &" in text
    assert r"$<$i$>$ & 1.0 & -- & -- & 10 of 10 \\" in text
    assert r"{\footnotesize $^{\dagger}$ p $<$ 0.05 \& \{more\}.}" in text


def test_html_has_ours_and_the_paper_s_under_one_head(folder):
    text = (folder / "table_5.html").read_text()
    assert '<th colspan="2">Max accuracy<br>(%)</th>' in text
    assert text.count("<table") == 2
    assert "<b>75.0</b><sup>†</sup><br>(70.0–80.0)" in text
    assert "&lt;i&gt;" in text
    assert "<i>" not in text
    assert "† p &lt; 0.05 &amp; {more}." in text


def test_equal_tables_are_equal_files(table, folder, tmp_path):
    again = tmp_path / "again"
    again.mkdir()
    save_table(table, [again / path.name for path in folder.glob("table_5.*")])
    for path in again.iterdir():
        assert path.read_bytes() == (folder / path.name).read_bytes()


@needs_latex
def test_every_symbol_compiles(folder):
    assert "Overfull" not in typeset([folder / "table_5.tex"], folder)


@needs_latex
def test_a_table_that_is_too_wide_is_noticed(table, tmp_path):
    wide = text_frame({("", f"A heading of column {n}"): ["0"] for n in range(9)})
    path = tmp_path / "table_5.tex"
    save_table(replace(table, blocks=[Block(printed=wide)]), [path])
    assert "Overfull" in typeset([path], tmp_path)


@needs_latex
@pytest.mark.parametrize("seeds", [1, 10])
@pytest.mark.parametrize("change", [{}, {"train_steps": 8}], ids=["paper's scale", "another"])
def test_the_widest_tables_fit_the_text(seeds, change, tmp_path):
    curves = [curve(3, 10_000, 9_990, examples=10_000, lost=9)] * seeds
    histories = [history(*[100.0 - seed] * 129, 100.0, seconds=500.0) for seed in range(seeds)]
    runs = {"mazes": ("delta", "progressive-0.01"), "prefix_sums": ("delta", "progressive-1")}
    summaries = {task: summary(task, *names, **change) for task, names in runs.items()}
    cells = [(task, name) for task, names in runs.items() for name in names]
    trained = [results(*cell, *histories) for cell in cells]
    evaluated = [
        results("mazes", f"{name}{end}", *curves) for end in ("", "@last") for name in runs["mazes"]
    ]
    tables = {
        4: tabulate_training(trained, experiment="trial", summaries=summaries),
        6: tabulate_accuracy(
            evaluated,
            experiment="trial",
            summaries=summaries,
            tests=NO_TESTS,
        ),
    }
    paths = {tmp_path / f"table_{number}.tex": table for number, table in tables.items()}
    for path, table in paths.items():
        save_table(table, [path])
    assert "Overfull" not in typeset(paths, tmp_path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (count(None), "-"),
        (count(480_000), "480,000"),
        (whole(3.0), "3"),
        (whole(2.5), "2.5"),
        (percent(1000)(12.34), "12.3"),
        (percent(10_000)(12.34), "12.34"),
    ],
    ids=["none", "thousands", "whole", "middle", "of 1,000", "of 10,000"],
)
def test_numbers_are_formatted(text, expected):
    assert text == expected


@pytest.mark.parametrize(
    ("seconds", "texts", "unit"),
    [
        ([5.65, 16.9], ["5.7", "16.9"], "s"),
        ([84.0, 138.0], ["1.4", "2.3"], "min"),
        ([59.0, 3600.0], ["59", "3600"], "s"),
        ([36_000.0, 7200.0], ["10.0", "2.0"], "h"),
        ([0.0, 0.004, 0.25], ["0.0", "4.0", "250.0"], "ms"),
        ([], [], "h"),
    ],
    ids=["seconds", "minutes", "below a minute", "hours", "none and short", "empty"],
)
def test_times_have_one_unit_in_which_none_is_below_one(seconds, texts, unit):
    hours = [value / 3600 for value in seconds]
    show, chosen = duration(hours)
    assert ([show(value) for value in hours], chosen) == (texts, unit)


def test_a_unit_may_be_given():
    show, unit = duration([0.002], unit="h")
    assert (show(0.002), unit) == ("0.0020", "h")


def test_decimal_points_are_aligned():
    assert align(["99.90", "100.0", "5", "-"]) == [
        "99.90",
        "100.0\u2007",
        "5\u2008\u2007\u2007",
        "-",
    ]
