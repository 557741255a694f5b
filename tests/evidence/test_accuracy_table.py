"""Tables 5-7: the right numbers over seeds, marks of significance, and the paper's values."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from deltaloss.core.runs import Run, parse_run
from deltaloss.evaluation.answers import Answers
from deltaloss.evidence.accuracy_table import tabulate_accuracy
from deltaloss.evidence.over_seeds import compare_over_seeds
from deltaloss.evidence.provenance import RunResults
from deltaloss.evidence.statistics import compare_runs

from .answers import steps
from .curves import NO_TESTS, curve, results, summary

RUNS = ("delta", "progressive-0", "progressive-0.01")


def table(*runs: RunResults, tests=NO_TESTS, **changes):
    task = runs[0].task
    chosen = summary(task, "delta", "progressive-0.01", **changes)
    return tabulate_accuracy(runs, experiment="trial", summaries={task: chosen}, tests=tests)


def mazes(*frames: pd.DataFrame, runs=RUNS) -> list[RunResults]:
    return [results("mazes", run, *frames) for run in runs]


def cells(block, heading: str, over: str = "") -> list[str]:
    """Texts of a column by its headings."""
    return block.printed.iloc[:, block.headings().index((over, heading))].tolist()


class TestBesideThePaper:
    def test_at_its_scale_columns_and_rows_are_the_paper_s(self):
        (block,) = table(*mazes(curve(10, 150, 150, 20))).blocks
        steps, accuracy = "Steps until\nmax accuracy", "Max accuracy\n(%)"
        assert block.headings() == [
            *(("", "Loss"), ("", "α"), (steps, "ours"), (steps, "paper")),
            *((accuracy, "ours"), (accuracy, "paper"), ("", "Accuracy at\nlast step (%)")),
        ]
        printed = block.printed.map(lambda text: text.split("\n")[0].strip())
        assert printed.iloc[:, :6].to_numpy().tolist() == [
            ["Delta*", "-", "2", "657", "75.0", "99.90"],
            ["Progressive", "0.00", "2", "999", "75.0", "82.72"],
            ["Progressive*", "0.01", "2", "808", "75.0", "100.0"],
        ]

    @pytest.mark.parametrize(
        "change",
        [
            {"train_size": 11},
            {"test_size": 13},
            {"train_steps": 29},
            {"network": {"width": 64, "head": [32, 8]}},
            {"network": {"width": 128, "head": [16, 8]}},
            {"pixels_per_position": 1},
        ],
        ids=lambda change: next(iter(change)),
    )
    def test_at_another_scale_they_are_a_table_of_their_own(self, change):
        ours, printed = table(*mazes(curve(10, 150)), **change).blocks
        assert "paper" not in [own for _, own in ours.headings()]
        assert printed.title.startswith("As printed in the paper")
        assert printed.printed.map(str.strip).to_numpy().tolist() == [
            ["Delta*", "-", "657", "99.90"],
            ["Progressive", "0.00", "999", "82.72"],
            ["Progressive*", "0.01", "808", "100.0"],
        ]

    def test_generated_chess_is_another_test_than_lichess(self):
        run = results("chess", "delta", curve(5, 6))
        assert len(table(run).blocks) == 1
        assert len(table(run, source="generate").blocks) == 2

    def test_runs_and_weights_that_the_paper_lacks_have_none(self):
        runs = [results("mazes", run, curve(1, 2)) for run in ("progressive-0.3", "delta@last")]
        made = table(*runs)
        selected, last = made.blocks
        assert selected.printed.iloc[0, 3] == "-"
        assert "paper" not in [own for _, own in last.headings()]
        assert made.numbers["max_accuracy_percent_paper"].isna().all()


class TestOneSeed:
    def test_best_and_last_step_with_wilson_s_interval(self):
        made = table(*mazes(curve(10, 150, 20, lost=7)))
        row = made.numbers.iloc[0]
        assert (row["run"], row["seeds"], row["examples"]) == ("delta", 1, 200)
        assert (row["steps_until_max_accuracy"], row["max_accuracy_percent"]) == (2, 75.0)
        assert (row["last_accuracy_percent"], row["not_finite"]) == (10.0, 7)
        limits = row[["max_accuracy_percent_low", "max_accuracy_percent_high"]]
        assert limits.tolist() == pytest.approx([68.57, 80.49], abs=0.02)  # by the formula
        assert made.blocks[0].printed.iloc[0, 4] == "75.0\n(68.6–80.5)"
        assert cells(made.blocks[0], "Not\nfinite") == ["7"] * 3
        assert "Wilson's 95 % interval" in made.notes
        assert "whose state overflowed" in made.notes

    def test_without_overflow_there_is_no_column_but_a_note(self):
        made = table(*mazes(curve(10, 150)))
        assert "Not\nfinite" not in [own for _, own in made.blocks[0].headings()]
        assert made.notes.endswith("No state overflowed.")

    def test_a_run_that_solves_too_little_has_its_steps_all_the_same(self):
        assert table(*mazes(curve(0, 1))).numbers["steps_until_max_accuracy"].tolist() == [2] * 3

    def test_the_highest_accuracy_is_bold_and_ties_of_all_are_not(self):
        runs = [
            results("mazes", run, curve(k, 50)) for run, k in zip(RUNS, (60, 70, 70), strict=True)
        ]
        (block,) = table(*runs).blocks
        bold = block.printed.map(lambda text: text.startswith("**"))
        assert bold.iloc[:, 4].tolist() == [False, True, True]
        assert not bold.iloc[:, 6].any()

    def test_digits_follow_the_number_of_puzzles(self):
        (block,) = table(*mazes(curve(1234, examples=10_000))).blocks
        assert block.printed.iloc[0, 4].startswith("12.34\n")


def released(*correct: int, **facts) -> RunResults:
    frame = curve(*correct, **facts)
    return RunResults(task="mazes", run=parse_run("delta"), by_weights={"released": frame})


class TestReleasedWeights:
    @pytest.mark.parametrize("seeds", [1, 2])
    def test_they_are_a_block_of_their_own_and_change_no_other(self, seeds):
        runs = mazes(*[curve(10, 150)] * seeds)
        plain, made = table(*runs), table(*runs, released(20, 190, 150))
        ours, theirs = made.blocks
        pd.testing.assert_frame_equal(ours.printed, plain.blocks[0].printed)
        pd.testing.assert_frame_equal(made.numbers.iloc[:3][["seeds"]], plain.numbers[["seeds"]])
        assert theirs.title == "Released weights, not trained here"
        printed = theirs.printed.iloc[0].map(lambda text: text.split("\n")[0].strip()).tolist()
        assert printed == ["Delta*", "-", "2", "657", "95.0", "99.90", "75.0"]
        assert theirs.printed.iloc[0, 4].endswith("\n(91.0–97.3)"), "Wilson's interval"

    def test_they_are_no_seed_and_in_no_test(self):
        made = table(*mazes(curve(10, 150)), released(20, 190))
        row = made.numbers.iloc[-1]
        assert (row["run"], row["seeds"], row["max_accuracy_percent"]) == ("delta@released", 0, 95)
        assert row[["solved", "max_accuracy_percent_p_value"]].isna().all()
        assert "Experiment trial, seed 1." in made.notes
        assert "Released weights are in no test" in made.notes
        assert "Released" not in table(*mazes(curve(10, 150))).notes

    def test_overflow_is_told(self):
        made = table(*mazes(curve(10, 150)), released(20, 190, lost=3))
        assert cells(made.blocks[1], "Not\nfinite") == ["3"]
        assert "whose state overflowed" in made.notes


class TestOverSeeds:
    @pytest.fixture
    def made(self):
        solved, slower, failed = curve(0, 199, 100), curve(0, 0, 200), curve(80, 0, 0, lost=3)
        return table(
            results("mazes", "delta", solved, slower, solved),
            results("mazes", "progressive-0.01", solved, failed, failed),
            results("mazes", "delta@last", failed, failed, failed),
        )

    def test_solved_seeds_are_counted(self, made):
        assert made.numbers["solved"].tolist() == [3, 1, 0]
        assert cells(made.blocks[0], "Solved") == ["3 of 3", "1 of 3"]
        assert "Solved: seeds with at least 99 %" in made.notes
        assert "Experiment trial, seeds 1 to 3." in made.notes

    def test_steps_are_those_of_solved_seeds_only(self, made):
        names = [f"steps_until_max_accuracy{end}" for end in ("", "_min", "_max")]
        assert made.numbers[names].to_numpy().tolist()[:2] == [[2, 2, 3], [2, 2, 2]]
        assert made.numbers[names].iloc[2].isna().all()
        steps = [block.printed.iloc[:, 3].tolist() for block in made.blocks]
        assert steps == [["2\n(2–3)", "2\n(2–2)"], ["-"]]

    def test_accuracies_are_medians_and_ranges(self, made):
        names = [f"max_accuracy_percent{end}" for end in ("", "_min", "_max")]
        assert made.numbers[names].iloc[0].tolist() == [99.5, 99.5, 100.0]
        assert made.numbers["max_accuracy_percent_low"].isna().all()
        assert cells(made.blocks[0], "ours", over="Max accuracy\n(%)") == [
            *("**99.5**\n(99.5–100.0)", "40.0\n(40.0–99.5)"),
        ]

    def test_seeds_with_overflow_are_counted(self, made):
        assert made.numbers["not_finite_seeds"].tolist() == [0, 2, 3]
        assert made.numbers["not_finite"].tolist() == [0, 3, 3]
        assert cells(made.blocks[0], "Not\nfinite") == ["0 of 3", "2 of 3"]

    def test_weights_of_the_last_epoch_are_a_block_of_their_own(self, made):
        selected, last = made.blocks
        assert last.title == "Weights of the last epoch"
        assert last.printed.iloc[:, 0].tolist() == ["Delta"]
        assert selected.printed.iloc[:, 0].tolist() == ["Delta*", "Progressive*"]


def answers(shares: tuple[float, float], seed: int, examples: int = 200) -> Answers:
    """Answers of two steps, each with so many right."""
    random = np.random.default_rng(seed)
    correct = np.stack([random.permutation(examples) < share * examples for share in shares])
    zeros = np.zeros(examples, dtype=np.int32)
    return Answers(correct=correct, nonfinite_step=zeros, provenance={"data_digest": "same"})


def compare(seeds: int, **shares: tuple[float, float]):
    """Table of runs with these accuracies at both steps, tested by the statistics of the house."""
    names = {"delta": "delta", "other": "progressive-0.01", "last": "delta@last"}
    made = [
        RunResults(
            task="mazes",
            run=parse_run(names[name]),
            by_weights={f"seed{one}": answers(share, one) for one in range(1, seeds + 1)},
        )
        for name, share in shares.items()
    ]
    chosen = steps(made, 1)
    tests = compare_runs(made, chosen), compare_over_seeds(made, chosen)
    curves = [
        RunResults(
            task=one.task,
            run=one.run,
            by_weights={name: each.curve() for name, each in one.by_weights.items()},
        )
        for one in made
    ]
    return table(*curves, tests=tests), tests


class TestSignificance:
    def test_one_seed_is_tested_by_mcnemar_adjusted(self):
        made, tests = compare(1, delta=(0.9, 0.5), other=(0.5, 0.5), last=(0.9, 0.5))
        first = made.numbers.set_index("run").loc["progressive-0.01"]
        rows = tests[0]
        rows = rows[(rows["first"] == "delta") & (rows["second"] == "progressive-0.01")]
        p_values = rows.set_index("comparison")["p_value_holm"]
        assert first["max_accuracy_percent_p_value"] == p_values["maximum"] < 0.05
        assert first["last_accuracy_percent_p_value"] == p_values["last"] > 0.05
        assert made.numbers["max_accuracy_percent_p_value"].notna().tolist() == [False, True, False]
        marked = made.blocks[0].printed.map(lambda text: "†" in text).to_numpy()
        assert np.argwhere(marked).tolist() == [[1, 4]]
        assert (
            "† accuracy differs from Delta's (McNemar's exact test, Holm-adjusted, p < 0.05)"
            in (made.notes)
        )

    def test_several_seeds_are_tested_over_seeds(self):
        made, _ = compare(7, delta=(0.0, 1.0), other=(0.9, 0.0))
        last = made.numbers.iloc[1]
        assert last["max_accuracy_percent_p_value"] == pytest.approx(2 / 2**7)
        assert last["solved_p_value"] == pytest.approx(2 / 3432)  # 7 of 7 against 0 of 7
        row = made.blocks[0].printed.iloc[1].tolist()
        assert row[2] == "0 of 7‡"
        assert row[5].startswith("90.0†")
        assert "sign-flip" in made.notes
        assert "Fisher" in made.notes

    def test_without_a_difference_there_is_no_mark_and_the_note_says_so(self):
        made, _ = compare(5, delta=(0.0, 0.7), other=(0.0, 0.5))  # five seeds: never below 0.0625
        text = "".join(made.blocks[0].printed.to_numpy().ravel())
        assert "†" not in text
        assert "No accuracy differs from Delta's" in made.notes
        assert "No solved seeds differ" in made.notes

    def test_without_a_delta_run_nothing_is_said(self):
        made, _ = compare(1, other=(0.5, 0.5))
        assert "differ" not in made.notes


def test_a_user_s_puzzle_and_loss(toy):
    run = Run(loss=toy, value=2)
    mine = RunResults(task=toy, run=run, by_weights={"seed1": curve(1, 2)})
    made = tabulate_accuracy(
        [mine, results(toy, "progressive-0.25", curve(1, 2))],
        experiment="trial",
        summaries={toy: summary(toy, run.name)},
        tests=NO_TESTS,
    )
    assert made.caption == (
        "Toy: steps until the highest accuracy on 200 test puzzles (5-sided toys; trained on "
        "3-sided toys), of 2 steps evaluated."
    )
    (block,) = made.blocks
    assert block.printed.iloc[:, :3].to_numpy().tolist() == [
        ["Toy, λ = 2*", "-", "2"],
        ["Progressive", "0.25", "2"],
    ]
    assert made.numbers["lambda"].tolist()[0] == 2
