"""Further test sets of a puzzle, and what follows from them."""

from __future__ import annotations

import pytest

from deltaloss.core.errors import ConfigError

from .configs import changed, read

SIZES = [{"size": 600, "count": 5, "steps": 700}, {"size": 1200, "count": 5, "steps": 1400}]


@pytest.fixture(scope="module")
def experiment():
    """The paper's, whose prefix sums come from an archive."""
    return read(changed(tasks__prefix_sums__sizes=SIZES))


def test_examples_of_a_size_are_made_as_a_generated_test_set_whatever_the_source(experiment):
    path = experiment.at_size("prefix_sums", 600).examples_path("prefix_sums", "test")
    test = {"size": 600, "count": 5}
    generated = read(
        changed(tasks__prefix_sums__data__source="generate", tasks__prefix_sums__data__test=test)
    )
    assert path == generated.examples_path("prefix_sums", "test")
    assert "generate_size600_count5_seed42" in path


def test_a_size_changes_the_steps_and_nothing_else_of_an_evaluation(experiment):
    given = ("prefix_sums", "delta", "seed1")
    plain = experiment.evaluate_settings(*given, steps=None)
    sized = experiment.at_size("prefix_sums", 600).evaluate_settings(*given, steps=None)
    assert sized == {**plain, "steps": 700}


def test_sizes_change_no_other_job(experiment):
    without = read(changed())
    for task in without.tasks:
        for split in ("train", "test"):
            assert experiment.make_settings(task, split) == without.make_settings(task, split)
        ours, theirs = (one.tasks[task].operations() for one in (experiment, without))
        assert {rule: ours[rule] for rule in theirs} == theirs
    assert experiment.page_settings() == without.page_settings()
    assert experiment.claims_settings(list(without.tasks)) == without.claims_settings(
        list(without.tasks)
    )


def test_the_cost_of_a_size_is_proportional_to_pixels_and_steps(experiment):
    operations = experiment.tasks["prefix_sums"].operations()
    assert operations["evaluate_size1200"] == 4 * operations["evaluate_size600"]


def test_a_size_that_is_not_listed_is_refused(experiment):
    with pytest.raises(ConfigError, match=r"size 7 is not listed in tasks\.prefix_sums\.sizes"):
        experiment.at_size("prefix_sums", 7)
