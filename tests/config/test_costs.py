"""Numbers of operations, held against those of the published networks."""

from __future__ import annotations

import pytest

from deltaloss.config.costs import multiply_adds, predict

from .configs import CONFIG, changed, read

PUBLISHED = {"chess": 772e6, "mazes": 451e6, "prefix_sums": 100e6}


@pytest.mark.parametrize("task", PUBLISHED)
def test_a_step_of_the_paper_s_networks_takes_so_many(task):
    chosen = read(CONFIG).tasks[task]
    shape = chosen.card.shape(chosen.data, "train")
    found = multiply_adds(chosen.network, shape)
    assert found == pytest.approx(PUBLISHED[task], rel=0.01)


def test_jobs_take_their_operations_and_a_start_each():
    hour = 4e10 * 3600  # of one core
    assert predict([int(hour), int(hour)], cores=2, gpu=False, early=False) == (
        "2 trainings and evaluations: about 2.0 h on one CPU core, 1.0 h on 2"
    )
    said = predict([1] * 6, cores=1, gpu=False, early=True)
    assert said.endswith("up to 30 s on one CPU core")
    said = predict([int(100 * hour)], cores=1, gpu=True, early=False)
    assert said.endswith("about 100 h on one CPU core; 1.0 h on the paper's GTX 1070")


def test_the_paper_s_chess_takes_about_as_long_as_table_4_says():
    said = read(CONFIG).predict([("train_model", "chess")], cores=1)
    hours = float(said.rpartition("; ")[2].partition(" ")[0])
    assert hours == pytest.approx(204.5, rel=0.5)


def test_jobs_without_networks_are_not_counted_and_steps_and_puzzles_are():
    experiment = read(CONFIG)
    assert experiment.predict([("make_examples", "mazes"), ("all", None)], cores=1) == ""
    half = read(changed(tasks__mazes__evaluation__steps=500, tasks__mazes__data__test__count=5000))
    ours, theirs = (one.tasks["mazes"].operations() for one in (half, experiment))
    assert ours["evaluate_model"] * 4 == theirs["evaluate_model"]
    assert ours["evaluate_validation"] * 2 == theirs["evaluate_validation"]
    assert ours["train_model"] == theirs["train_model"]


def test_a_cluster_may_stop_a_job_after_three_times_what_is_predicted_and_no_earlier_than_an_hour():
    paper, on_cpu = read(CONFIG), read(changed(device="cpu", threads=4))
    operations = paper.tasks["mazes"].operations()["train_model"]
    assert paper.minutes("train_model", "mazes") == pytest.approx(operations / 4e12 / 20, abs=1)
    assert on_cpu.minutes("train_model", "mazes") == pytest.approx(operations / 16e10 / 20, abs=1)
    assert (
        read(changed(tasks__mazes__training__released__epochs=1)).minutes("train_model", "mazes")
        == 60
    )


def test_a_training_asks_for_memory_by_its_activations():
    activations = 5 * 512 * 64 * 30 * 300 * 4 / 1e6  # steps, and the larger batch, of chess
    assert read(CONFIG).tasks["chess"].training_mb() == pytest.approx(4000 + 2 * activations, abs=1)
