"""Table 2: our counts beside the paper's, and what the audits say."""

from __future__ import annotations

import io
import json

import pandas as pd
import pytest

from deltaloss.data_table import read_reports, tabulate_data
from deltaloss.datasets.audit import audit_split, join_audits
from deltaloss.datasets.mates import make_mates
from deltaloss.datasets.mazes import make_mazes
from deltaloss.datasets.prefix_sums import make_prefix_sums
from deltaloss.typeset import save_table


def join(task, train, test):
    card = {"task": task, "source": "generated", "seed": 1}
    audits = (audit_split(one, card) for one in (train, test))
    return json.loads(json.dumps(join_audits(*audits, validation_fraction=0.2)))


@pytest.fixture(scope="module")
def reports():
    sizes = {"train": 9, "test": 59}
    mazes = [make_mazes(size=sizes[s], count=10, seed=1, split=s) for s in sizes]
    strings = [make_prefix_sums(bits=32 + i, count=2000, seed=1, split="test") for i in (0, 1)]
    mates = make_mates(train_count=20, test_count=5, seed=1, orientation="released")
    return [join("chess", *mates), join("mazes", *mazes), join("prefix_sums", *strings)]


@pytest.fixture
def warned(reports):
    copied = json.loads(json.dumps(reports))
    copied[1]["warnings"] = [
        "train: 2 of 9 {odd} a_b",
        "test: 100% & more",
        "3 test examples are among the training examples",
    ]
    return copied


def test_rows_and_columns_of_the_paper(reports):
    printed = tabulate_data(reports, experiment="trial").printed
    assert list(printed.columns)[:8] == [
        *("Dataset", "Source", "Train", "(paper) train", "Valid", "(paper) valid"),
        *("Test", "(paper) test"),
    ]
    assert printed.iloc[:, [0, 2, 3, 4, 5, 6, 7]].to_numpy().tolist() == [
        ["Chess easy", "16", "480,000", "4", "120,000", "-", "-"],
        ["Chess hard", "-", "-", "-", "-", "5", "100,000"],
        ["Mazes 9x9", "8", "40,000", "2", "20,000", "-", "-"],
        ["Mazes 59x59", "-", "-", "-", "-", "10", "10,000"],
        ["Prefix sums, 32 bits", "1,600", "8,000", "400", "2,000", "-", "-"],
        ["Prefix sums, 33 bits", "-", "-", "-", "-", "2,000", "10,000"],
    ]
    assert printed["Duplicates"].tolist() == ["0", "0", "0 (0)", "0 (0)", "0", "0"]
    assert printed["Leaks"].tolist() == ["-", "0", "-", "0 (0)", "-", "0"]
    assert printed["Ones (%)"].iloc[0] == "3.12"


def test_numbers(reports):
    numbers = tabulate_data(reports, experiment="trial").numbers
    assert numbers["count"].tolist() == [20, 5, 10, 10, 2000, 2000]
    assert numbers["size"].tolist()[2:] == [9, 59, 32, 33]
    assert numbers["size_paper"].tolist()[2:] == [9, 59, 32, 512]
    assert numbers["orientation"].tolist()[:2] == ["released", "released"]
    assert numbers["leaks_note"].iloc[3] == "different sizes"
    assert numbers["checks_failed"].sum() == numbers["warnings"].sum() == 0
    assert numbers["solutions"].iloc[4] == "ones in the input"
    assert 10 < numbers["solutions_mean"].iloc[4] < 22
    assert numbers["inputs_shape"].iloc[0] == "20x12x8x8"


def test_warnings_are_counted_at_their_file_and_told(warned):
    table = tabulate_data(warned, experiment="trial")
    assert table.printed["Warnings"].tolist() == ["0", "0", "1", "2", "0", "0"]
    assert table.numbers["warnings_text"].iloc[2] == "2 of 9 {odd} a_b"
    assert "Warnings: mazes, train: 2 of 9" in table.caption
    assert "mazes, 3 test examples" in table.caption


def test_many_warnings_are_cut_short(warned):
    warned[1]["warnings"] *= 5
    assert tabulate_data(warned, experiment="trial").caption.endswith("; and 9 more.")


def test_no_warnings_are_told_too(reports):
    assert "no warnings" in tabulate_data(reports, experiment="trial").caption


def test_files(warned, tmp_path):
    paths = [tmp_path / f"table_2.{kind}" for kind in ("csv", "md", "tex")]
    save_table(tabulate_data(warned, experiment="a_b"), paths)
    csv, markdown, latex = (path.read_text() for path in paths)
    assert pd.read_csv(io.StringIO(csv))["train"].tolist()[:1] == [16]
    assert "chess,train,Chess easy,,,16,480000,4,120000" in csv
    assert markdown.startswith("Table 2: Data sets. Ours: experiment a_b.")
    assert len({line.count("|") for line in markdown.splitlines()[2:]}) == 1
    caption = next(line for line in latex.splitlines() if line.startswith(r"\caption"))
    assert r"100\%   more" in caption
    assert not set("{}&#$^~") & set(caption.removeprefix(r"\caption{").removesuffix("}"))


def test_reports_are_read_in_order(tmp_path, reports):
    paths = [tmp_path / f"{i}.json" for i in range(2)]
    for path, report in zip(paths, reports, strict=False):
        path.write_text(json.dumps(report))
    assert read_reports(paths) == reports[:2]
