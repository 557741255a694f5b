"""Table 2: numbers of examples beside the paper's, and the findings of audits."""

from __future__ import annotations

import pytest

from deltaloss.evidence.data_table import tabulate_data


def report(task: str, sizes=(None, None), counts=(16, 4, 5), **leaks) -> dict:
    """An audit's report, as `data.audit` writes it."""
    none = {"found": 0, "by_chance": 0.0}

    def split(size, count):
        return {
            "size": size,
            "count": count,
            "source": "generate",
            "address": None,
            "seed": 1,
            "digest": "0123456789abcdef",
            "inputs_shape": [count, 3, 8],
            "targets_shape": [count, 8],
            "checks": {"labels": {"checked": count, "failed": 0}},
            "duplicates": dict.fromkeys(("exact", *leaks), none),
            "ones_percent": 3.125,
            "solutions": {"what": "length", "least": 1, "median": 2.0, "mean": 2.5, "most": 4},
        }

    return {
        "task": task,
        "counts": dict(zip(("train", "valid", "test"), counts, strict=True)),
        "leaks": {"exact": none, **leaks, "note": None},
        "seen": {"exact": none, **dict.fromkeys(leaks, none)},
        "warnings": [],
        "train": split(sizes[0], counts[0] + counts[1]),
        "test": split(sizes[1], counts[2]),
    }


@pytest.fixture
def reports():
    turned = {"found": 2, "by_chance": 0.5}
    return [
        report("chess"),
        report("mazes", sizes=(9, 59), up_to_symmetry=turned),
        report("prefix_sums", sizes=(32, 33), counts=(1600, 400, 2000)),
    ]


def test_numbers_of_the_paper_stand_beside_those_of_equal_sets(reports):
    reports[0]["train"]["source"] = "lichess"
    ours, _, _ = tabulate_data(reports, experiment="trial").blocks
    assert ours.headings() == [
        *(("", "Dataset"), ("", "Source")),
        *((part, who) for part in ("Train", "Valid", "Test") for who in ("ours", "paper")),
    ]
    assert ours.printed.drop(columns=("", "Source")).to_numpy().tolist() == [
        ["Chess easy", "16", "480,000", "4", "120,000", "-", "-"],
        ["Chess hard", "-", "-", "-", "-", "5", "-"],  # generated: no published puzzles
        ["Mazes 9x9", "16", "40,000", "4", "20,000", "-", "-"],
        ["Mazes 59x59", "-", "-", "-", "-", "5", "10,000"],
        ["Prefix sums, 32 bits", "1,600", "8,000", "400", "2,000", "-", "-"],
        ["Prefix sums, 33 bits", "-", "-", "-", "-", "2,000", "-"],
    ]


def test_mazes_of_one_pixel_per_position_are_named(reports):
    assert "one pixel" not in tabulate_data(reports, experiment="trial").notes
    for split in ("train", "test"):
        reports[1][split]["card"] = {"pixels_per_position": 1}
    assert "one pixel per position" in tabulate_data(reports, experiment="trial").notes


def test_numbers_of_its_other_sets_stand_below(reports):
    _, printed, _ = tabulate_data(reports, experiment="trial").blocks
    assert printed.title.startswith("As printed in the paper")
    assert printed.printed.to_numpy().tolist() == [
        ["Chess easy", "480,000", "120,000", "-"],
        ["Chess hard", "-", "-", "100,000"],
        ["Prefix sums, 512 bits", "-", "-", "10,000"],
    ]


def test_csv_has_the_paper_s_numbers_all_the_same(reports):
    numbers = tabulate_data(reports, experiment="trial").numbers
    assert numbers["size"].tolist()[2:] == [9, 59, 32, 33]
    assert numbers["size_paper"].tolist()[2:] == [9, 59, 32, 512]
    assert numbers["test_paper"].tolist()[5] == 10_000
    assert numbers["inputs_shape"].iloc[0] == "20x3x8"


def test_findings_of_the_audits(reports):
    table = tabulate_data(reports, experiment="trial")
    audits = table.blocks[-1].printed.droplevel(0, axis=1)
    assert audits["Leaks"].tolist() == ["-", "0", "-", "0 (2)", "-", "0"]
    assert audits["Duplicates"].tolist() == ["0", "0", "0 (0)", "0 (0)", "0", "0"]
    assert audits["Pixels"].tolist() == ["3x8"] * 6
    assert audits["Digest"].tolist() == ["0123456789ab"] * 6
    assert table.notes.endswith("The audit has no warnings.")


def test_warnings_are_counted_at_their_file_and_quoted(reports):
    reports[1]["warnings"] = ["train: 2 of 9 {odd} a_b", "test: 100% &\n more", "3 leaks"]
    table = tabulate_data(reports, experiment="trial")
    audits = table.blocks[-1].printed.droplevel(0, axis=1)
    assert audits["Warnings"].tolist() == ["0", "0", "1", "2", "0", "0"]
    assert table.numbers["warnings_text"].tolist()[2:4] == [
        *("2 of 9 {odd} a_b", "100% &\n more; 3 leaks"),
    ]
    quoted = "Warnings: mazes, train: 2 of 9 {odd} a_b; mazes, test: 100% & more; mazes, 3 leaks."
    assert table.notes.endswith(quoted)
    reports[1]["warnings"] *= 5
    assert tabulate_data(reports, experiment="trial").notes.endswith("; and 9 more.")


def test_a_user_s_puzzle_has_no_numbers_of_the_paper(toy):
    counts, audits = tabulate_data([report(toy, sizes=(3, 5))], experiment="trial").blocks
    assert counts.printed.iloc[:, 0].tolist() == ["Toy, 3-sided toys", "Toy, 5-sided toys"]
    assert {over for over, _ in counts.headings()} == {""}
    assert audits.title == "Audits"
