"""Settings of the measurement of efficiency."""

from __future__ import annotations

from deltaloss.config.efficiency import efficiency_modules, efficiency_settings

from .configs import CONFIG, changed, read


def test_all_losses_have_the_batch_size_of_delta_and_the_plotted_alpha():
    experiment = read(CONFIG)
    found = {task: efficiency_settings(experiment, task) for task in experiment.tasks}
    assert {task: one["runs"] for task, one in found.items()} == {
        "chess": ["delta", "progressive-0.5"],
        "mazes": ["delta", "progressive-0.01"],
        "prefix_sums": ["delta", "progressive-1"],
    }
    assert {task: one["batch_size"] for task, one in found.items()} == {
        "chess": 250,
        "mazes": 100,
        "prefix_sums": 100,
    }
    assert found["mazes"]["shape"] == (24, 24)


def test_delta_is_measured_where_it_is_not_plotted():
    plotted = ["progressive-0", "progressive-0.5"]
    experiment = read(changed(tasks__chess__plotted=plotted))
    assert efficiency_settings(experiment, "chess")["runs"] == ["delta", *plotted]


def test_losses_that_are_not_the_paper_s_are_measured_beside_them():
    runs = ["delta", "progressive-0", "progressive-0.5", "delta_every-4", "all_steps"]
    experiment = read(changed(tasks__chess__runs=runs))
    measured = ["delta", "progressive-0.5", "delta_every-4", "all_steps"]
    assert efficiency_settings(experiment, "chess")["runs"] == measured
    losses = [f"losses.{loss}" for loss in ("all_steps", "delta", "delta_every", "progressive")]
    assert efficiency_modules(experiment, "chess") == [*losses, "puzzles.chess.task"]
