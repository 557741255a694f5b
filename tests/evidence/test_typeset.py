"""The three formats of a table."""

from __future__ import annotations

import pandas as pd
import pytest

from deltaloss.evidence.typeset import Table, count, hours, plain, save_table, whole


@pytest.fixture
def folder(tmp_path):
    """A folder with a table in every format."""
    printed = {
        "Loss": ["a_b*", "Toy, λ = 2"],
        "α": ["-", "0.5"],
        "Max accuracy (%)": ["75.00 ± 7.07", "1.00"],
        "(paper) Max accuracy (%)": ["85.83", "-"],
        "Time per epoch (hours)": ["0.01", "1.5"],
    }
    table = Table(
        caption="Experiment a_b: 100% of α.",
        numbers=pd.DataFrame({"loss": ["a_b", "toy"], "accuracy": [75.0, 0.3333333]}),
        printed=pd.DataFrame(printed),
    )
    save_table(table, [tmp_path / f"table_5.{kind}" for kind in ("csv", "md", "tex")])
    return tmp_path


def test_csv_holds_seven_digits(folder):
    frame = pd.read_csv(folder / "table_5.csv")
    assert frame["accuracy"].tolist() == [75.0, 0.3333333]


def test_markdown_shortens_the_headings_of_the_paper_s_columns(folder):
    lines = (folder / "table_5.md").read_text().splitlines()
    assert lines[0] == "Table 5: Experiment a_b: 100% of α."
    heads = [cell.strip() for cell in lines[2].strip("|").split("|")]
    assert heads == ["Loss", "α", "Max accuracy (%)", "(paper)", "Time per epoch (hours)"]
    assert len({line.count("|") for line in lines[2:]}) == 1


def test_latex_is_escaped_and_stacked(folder):
    text = (folder / "table_5.tex").read_text()
    assert text.isascii()
    lines = text.splitlines()
    assert lines[0].startswith("% Table 5; needs")
    assert not [line for line in lines[1:] if "%" in line.replace(r"\%", "")]
    assert r"\caption{Experiment a\_b: 100\% of $\alpha$.}" in lines
    assert r"\shortstack[r]{Time per \\ epoch (hours)}" in text.replace("{{", "{").replace(
        "}}", "}"
    )
    assert any(line.startswith(r"Toy, $\lambda$ = 2 &") for line in lines)
    assert r"75.00 $\pm$ 7.07 & 85.83" in text


def test_markup_is_taken_out_of_quoted_text():
    assert plain("{a_b} & 5%\n^") == " a_b    5%  "


@pytest.mark.parametrize(
    ("show", "value", "text"),
    [
        (count, None, "-"),
        (count, 480_000, "480,000"),
        (whole, 3.0, "3"),
        (whole, 2.5, "2.5"),
        (hours, 0.0, "0"),
        (hours, 0.00001234, "0.0000123"),
        (hours, 2345.6, "2346"),
    ],
    ids=["none", "thousands", "whole", "mean", "no time", "tiny time", "long time"],
)
def test_numbers_are_formatted(show, value, text):
    assert show(value) == text
