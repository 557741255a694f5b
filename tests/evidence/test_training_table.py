"""Table 4: the paper's columns and order, first best epochs, and units that suit."""

from __future__ import annotations

import pytest

from deltaloss.core.runs import Run
from deltaloss.evidence.provenance import RunResults
from deltaloss.evidence.training_table import tabulate_training

from .curves import history, results, summary

PLOTTED = {"chess": ["delta", "progressive-0.5"], "mazes": ["delta", "progressive-0.01"]}


def make(runs, **changes):
    summaries = {task: summary(task, *plotted, **changes) for task, plotted in PLOTTED.items()}
    return tabulate_training(runs, experiment="trial", summaries=summaries)


@pytest.fixture
def runs():
    return [
        results("chess", "delta", history(50.0, 90.0, 90.0)),
        results("chess", "progressive-0", history(10.0)),
        results("chess", "progressive-0.5", history(80.0)),
        results("mazes", "delta", history(99.0, seconds=54.0)),
        results("mazes", "progressive-0.01", history(98.0)),
    ]


def test_plotted_runs_come_first_loss_by_loss(runs):
    printed = make(runs).blocks[0].printed
    assert printed.iloc[:, :2].to_numpy().tolist() == [
        ["Delta", "Chess"],
        ["Delta", "Mazes"],
        ["Progressive, α = 0.5", "Chess"],
        ["Progressive, α = 0.01", "Mazes"],
        ["Progressive, α = 0", "Chess"],
    ]


def test_the_first_best_epoch_counts_and_pauses_do_not(runs):
    row = make(runs).numbers.iloc[0]
    assert (row["final_train_accuracy_percent"], row["epoch_of_max_validation"]) == (89.0, 2)
    assert row["hours_per_epoch"] == pytest.approx(40 / 3600)
    assert row["hours_to_max_validation"] == pytest.approx(80 / 3600)
    assert row["hours_to_max_validation_paper"] == 204.5


def test_times_have_the_unit_that_suits_and_the_paper_s_are_hours(runs):
    _, ours, paper = make(runs, train_steps=8).blocks
    times = [heading for _, heading in ours.headings() if heading.startswith("Time")]
    assert times == ["Time per\nepoch\n(s)", "Time to\nthat epoch\n(s)"]
    assert ours.printed.iloc[:2, -1].tolist() == ["80", "60"]
    assert paper.headings()[-1] == ("", "Time to\nthat epoch\n(h)")
    assert paper.printed.iloc[0, -1].strip() == "204.5"
    assert len(paper.printed) == 4  # of these two puzzles


def test_beside_the_paper_all_times_are_hours(runs):
    accuracies, times = make(runs).blocks
    assert times.headings()[2:4] == [
        ("Time per\nepoch\n(h)", "ours"),
        ("Time per\nepoch\n(h)", "paper"),
    ]
    assert [text.strip() for text in times.printed.iloc[0, 2:]] == [
        "0.011",
        "1.57",
        "0.022",
        "204.5",
    ]
    assert accuracies.printed.iloc[0, 3].strip() == "100.0"


def test_over_seeds_medians_have_their_range():
    run = results("chess", "delta", history(50.0), history(60.0), history(20.0, 90.0))
    made = make([run], train_steps=8)
    row = made.numbers.iloc[0]
    names = [f"max_validation_accuracy_percent{end}" for end in ("", "_min", "_max")]
    assert row[names].tolist() == [60.0, 50.0, 90.0]
    assert made.blocks[0].printed.iloc[0, 3:5].tolist() == ["60.0\n(50.0–90.0)", "1\n(1–2)"]
    assert "Medians over the seeds" in made.notes


def test_ended_trainings_are_counted(runs):
    broken = history(50.0, 0.0)
    broken.loc[1, "train_loss"] = float("nan")
    made = make([results("chess", "delta", history(50.0, 60.0), broken)])
    assert made.numbers["not_finite_seeds"].tolist() == [1]
    assert made.numbers["epochs"].tolist() == [2]
    assert "weights were not finite: 1." in made.notes


def test_seeds_are_named_by_puzzle_where_they_differ():
    runs = [
        results("chess", "delta", history(50.0)),
        results("mazes", "delta", history(50.0), history(60.0)),
    ]
    assert "Experiment trial, Chess: seed 1, Mazes: seeds 1, 2." in make(runs).notes


def test_the_best_of_each_puzzle_is_bold(runs):
    printed = make(runs, train_steps=8).blocks[0].printed
    assert [text.startswith("**") for text in printed.iloc[:, 3]] == [
        *(True, True, False, False, False),
    ]
    times = make(runs, train_steps=8).blocks[1].printed
    assert [text.startswith("**") for text in times.iloc[:, 2]] == [
        *(False, False, False, True, False),  # chess: all equal
    ]


def test_a_user_s_puzzle_and_loss(toy):
    run = Run(loss=toy, value=2)
    mine = RunResults(task=toy, run=run, by_weights={"seed1": history(50.0)})
    summaries = {toy: summary(toy, run.name)}
    block, _ = tabulate_training([mine], experiment="trial", summaries=summaries).blocks
    assert block.printed.iloc[0, :4].tolist() == ["Toy, λ = 2", "Toy", "49.0", "50.0"]
