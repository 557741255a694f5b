"""Claims are judged from statistics of answers that are made up for the case."""

from __future__ import annotations

import math
from dataclasses import replace

import pandas as pd
import pytest

from deltaloss.core.runs import parse_run
from deltaloss.evaluation.answers import Answers
from deltaloss.evidence import paper
from deltaloss.evidence.claims import Claim, paper_claims
from deltaloss.evidence.judges import Evidence
from deltaloss.evidence.ledger import tabulate_claims
from deltaloss.evidence.over_seeds import compare_over_seeds, tabulate_seeds
from deltaloss.evidence.provenance import RunResults
from deltaloss.evidence.statistics import compare_runs
from deltaloss.evidence.verdicts import FAILS, HOLDS, UNDECIDED, UNTESTABLE, Finding

from .answers import answers, steps

EXAMPLES = 200
TASK = "prefix_sums"


def accuracy(*percent: float) -> Answers:
    """Accuracies after each step; the first examples are right."""
    return answers([[100 * n < one * EXAMPLES for n in range(EXAMPLES)] for one in percent])


def evidence(task: str = TASK, efficiency: pd.DataFrame | None = None, **runs: list) -> Evidence:
    """Results of runs, "progressive_1" for progressive-1, with one list of accuracies per seed."""
    results = [
        RunResults(
            task=task,
            run=parse_run(name.replace("_", "-")),
            by_weights={f"seed{n}": accuracy(*one) for n, one in enumerate(by_seed, start=1)},
        )
        for name, by_seed in runs.items()
    ]
    chosen = steps(results, 2)
    return Evidence(
        seeds=tabulate_seeds(results, chosen),
        over_seeds=compare_over_seeds(results, chosen),
        mcnemar=compare_runs(results, chosen),
        efficiency=pd.DataFrame() if efficiency is None else efficiency,
        summaries={task: {}},
    )


def find(words: str, task: str = TASK) -> Claim:
    """The first claim about a puzzle with these words, in ours or in the paper's numbers."""
    claims = [one for one in paper_claims() if one.task == task]
    return next(one for one in claims if words in f"{one.says}: {one.printed}")


def judge(says: str, given: Evidence, task: str = TASK) -> Finding:
    return find(says, task).find(given)


class TestLevels:
    def test_the_accuracy_is_met_by_four_of_five_seeds(self):
        given = evidence(delta=[[0, 0, 100]] * 4 + [[0, 0, 99.5]])
        finding = judge("Delta solves at least 99.9 %", given)
        assert (finding.verdict, finding.value, finding.seeds) == (HOLDS, 0.8, 5)
        assert finding.low < 0.8 < finding.high
        assert finding.measured == "4 of 5 seeds; accuracy 100 % (99.5 to 100)"

    def test_one_seed_says_so(self):
        finding = judge("Delta solves at least", evidence(delta=[[0, 0, 99.5]]))
        assert finding.verdict == f"{FAILS} (one seed)"
        assert finding.measured == "accuracy 99.5 %"

    def test_extrapolation_is_a_gain_after_the_steps_of_training(self):
        gains, keeps, early = [10, 20, 60], [10, 60, 60], [60, 20, 20]
        says = "Delta solves more of the test puzzles with more steps"
        assert judge(says, evidence(delta=[gains] * 5)).verdict == HOLDS
        chance = [10, 20, 22]  # more, but Wilson's intervals overlap
        assert judge(says, evidence(delta=[chance] * 5)).verdict == FAILS
        assert judge(says, evidence(delta=[keeps, early] * 3)).verdict == FAILS

    def test_convergence_loses_at_most_a_point_and_counts_seeds_that_solve_something(self):
        stays, falls, failed = [10, 90, 89], [10, 90, 88], [0, 0.5, 0.5]
        says = "Delta converges"
        finding = judge(says, evidence(delta=[stays] * 5 + [failed]))
        assert (finding.verdict, finding.seeds) == (HOLDS, 5)
        assert finding.measured.endswith("left out: 1 solving nothing")
        assert judge(says, evidence(delta=[falls] * 5)).verdict == FAILS
        assert judge(says, evidence(delta=[failed] * 5)).verdict == UNTESTABLE
        assert judge(says, evidence(delta=[stays] + [failed] * 2)).verdict == UNTESTABLE

    def test_convergence_leaves_out_seeds_that_still_rise(self):
        ramp = list(range(10))
        near, late = [*ramp[1:], 99, 100], [*ramp, 98, 100]  # one or two points, 10 of 11 steps
        says = "Delta converges"
        early = [[50, *one] for one in ([99] * 10, [99.5] * 10)]
        finding = judge(says, evidence(delta=[*early * 3, late]))
        assert (finding.verdict, finding.seeds) == (HOLDS, 6)
        assert finding.measured.endswith("left out: 1 near the maximum only at the end")
        for rising in (near, late):
            finding = judge(says, evidence(delta=[rising] * 5))
            assert finding.verdict == UNTESTABLE
            assert finding.measured.startswith("0 of 5 seeds count; left out: 5 near the maximum")
        tenth = [*[0] * 8, 50, 50]  # the ninth step of ten is not in the last tenth
        assert judge(says, evidence(delta=[tenth] * 5)).verdict == HOLDS
        tenth[8] = 48
        assert judge(says, evidence(delta=[tenth] * 5)).verdict == UNTESTABLE

    def test_collapse_loses_more_than_half(self):
        says = "With the loss of the last step alone"
        assert judge(says, evidence(progressive_0=[[10, 90, 44]] * 5)).verdict == HOLDS
        assert judge(says, evidence(progressive_0=[[10, 90, 45]] * 5)).verdict == FAILS


class TestDifferences:
    BETTER = "Delta solves more of the test puzzles than Progressive, α = 0"
    GOOD, BAD = [[10, 20, 90 + n] for n in range(6)], [[10, 20, 50 + n] for n in range(6)]

    def test_six_seeds_decide_and_five_do_not(self):
        finding = judge(self.BETTER, evidence(delta=self.GOOD, progressive_0=self.BAD))
        assert (finding.verdict, finding.p_value, finding.value) == (HOLDS, 2 / 2**6, 40)
        fewer = judge(self.BETTER, evidence(delta=self.GOOD[:5], progressive_0=self.BAD[:5]))
        assert (fewer.verdict, fewer.p_value) == (UNDECIDED, 2 / 2**5)

    def test_the_other_direction_does_not_hold_in_whatever_order_runs_are_listed(self):
        worse = {"delta": self.BAD, "progressive_0": self.GOOD}
        for runs in (worse, dict(reversed(worse.items()))):
            finding = judge(self.BETTER, evidence(**runs))
            assert (finding.verdict, finding.value) == (FAILS, -40)
            assert finding.low <= -40 <= finding.high

    def test_solved_seeds_decide_where_accuracies_do_not(self):
        finding = judge(self.BETTER, evidence(delta=[[0, 100]] * 5, progressive_0=[[0, 98]] * 5))
        assert finding.verdict == HOLDS
        assert finding.p_value == pytest.approx(2 / 252)  # Fisher: 5 of 5 against 0 of 5

    def test_one_seed_is_decided_by_mcnemar(self):
        finding = judge(self.BETTER, evidence(delta=[[0, 90]], progressive_0=[[0, 50]]))
        assert finding.verdict == f"{HOLDS} (one seed)"
        assert finding.p_value < 1e-10
        assert finding.low < 40 < finding.high

    def test_a_run_that_is_missing_is_named(self):
        finding = judge(self.BETTER, evidence(delta=self.GOOD))
        assert finding.verdict == UNTESTABLE
        assert finding.measured == "not run in this experiment: Progressive, α = 0"


class TestSteps:
    SAYS = "Delta needs more steps"

    def test_only_seeds_that_both_solve_count(self):
        late, early, failed = [0, 0, 0, 100], [0, 0, 100, 100], [0, 0, 0, 90]
        runs = {"delta": [late] * 7, "progressive_1": [early] * 6 + [failed]}
        finding = judge(self.SAYS, evidence(**runs))
        assert (finding.verdict, finding.seeds, finding.value) == (HOLDS, 6, 1)
        assert finding.measured == "4 (4 to 4) against 3 (3 to 3) steps, at 6 of 7 seeds"
        turned = {"delta": [early] * 6, "progressive_1": [late] * 6}
        assert judge(self.SAYS, evidence(**turned)).verdict == FAILS

    def test_chess_counts_seeds_that_solve_something(self):
        runs = {"delta": [[1, 1, 5]] * 6 + [[0, 0, 0.5]], "progressive_0.5": [[1, 6, 5]] * 7}
        finding = judge(self.SAYS, evidence("chess", **runs), "chess")
        assert (finding.verdict, finding.seeds) == (HOLDS, 6)

    def test_without_a_common_solved_seed_nothing_is_tested(self):
        finding = judge(self.SAYS, evidence(delta=[[0, 50]], progressive_1=[[0, 100]]))
        assert finding.verdict == UNTESTABLE


class TestAlpha:
    SAYS = "The accuracy of the Progressive Loss depends on α"

    def test_three_values_above_zero_are_needed(self):
        given = evidence(progressive_0=[[0, 1]], **{"progressive_0.5": [[0, 1]]})
        assert judge(self.SAYS, given).verdict == UNTESTABLE

    def test_accuracies_that_differ_at_every_seed_depend_on_alpha(self):
        names = ("progressive_0.1", "progressive_0.5", "progressive_1")
        runs = {name: [[0, 20 * n + seed] for seed in range(5)] for n, name in enumerate(names)}
        finding = judge(self.SAYS, evidence(**runs))
        assert (finding.verdict, finding.value) == (HOLDS, 40)
        same = {
            name: [[0, 20 + (seed + n) % 5] for seed in range(5)] for n, name in enumerate(names)
        }
        assert judge(self.SAYS, evidence(**same)).verdict == UNDECIDED
        few = {name: by_seed[:3] for name, by_seed in runs.items()}
        assert judge(self.SAYS, evidence(**few)).verdict.endswith("(few seeds)")


class TestCosts:
    @pytest.mark.parametrize(
        ("measure", "says", "value", "verdict"),
        [
            ("seconds", "45 % faster", 1.5, HOLDS),
            ("seconds", "45 % faster", 1.3, FAILS),
            ("largest_batch_8gb_predicted", "78 % larger", 0.5, HOLDS),  # twice as large
            ("largest_batch_8gb_predicted", "78 % larger", 0.6, FAILS),  # 1.67 times
        ],
    )
    def test_the_published_form_is_held_against_the_printed_ratio(
        self, measure, says, value, verdict
    ):
        frame = pd.DataFrame(
            {
                "task": "chess",
                "run": "progressive-0.5",
                "form": ["published", "ours"],
                "measure": measure,
                "to_delta": [value, 0.9],
                "to_delta_low": [math.nan if "largest" in measure else value - 0.1] * 2,
                "to_delta_high": [math.nan if "largest" in measure else value + 0.1] * 2,
            }
        )
        finding = judge(says, evidence("chess", frame, delta=[[0, 1]]), "chess")
        assert finding.verdict == verdict
        assert "with the losses of this project" in finding.measured

    def test_without_a_measurement_nothing_is_tested(self):
        given = evidence("chess", delta=[[0, 1]])
        assert judge("78 % larger", given, "chess").verdict == UNTESTABLE


def test_printed_numbers_are_those_of_the_tables():
    assert find("Delta needs more steps").printed == "318 against 222 steps"
    assert find("Delta solves more of the test puzzles than Prog", "chess").printed  # section 4
    for claim in paper_claims():
        assert claim.task in ("", *paper.TASKS)


def test_the_ledger_has_a_row_for_each_claim_about_the_puzzles_of_the_experiment():
    summary = {
        **{"source": "generate", "pixels_per_position": None, "train_size": 32, "test_size": 512},
        **{"network": {"width": 48, "head": [48, 24]}, "train_steps": 20, "test_count": 100},
    }
    given = evidence(delta=[[0, 100]], progressive_1=[[0, 90]])
    given = replace(given, summaries={TASK: summary, "riddles": summary})
    table = tabulate_claims(given, experiment="trial")
    claims = [one for one in paper_claims() if one.task in ("", TASK)]
    assert table.numbers["claim"].tolist() == [one.says for one in claims]
    assert set(table.numbers["scale"]) == {"", "small network, paper's sizes"}
    assert {row.printed.shape[1] for row in table.blocks} == {6, 4}


@pytest.mark.parametrize(
    ("changes", "scale"),
    [
        ({}, "paper"),
        ({"test_count": 100}, "paper's network, fewer puzzles"),
        ({"test_size": 128}, "paper's network, smaller puzzles"),
        (
            {"network": {"width": 400, "head": [400, 200], "mixing": True}},
            "network that mixes past states, paper's sizes",
        ),
        ({"train_steps": 20}, "small network, paper's sizes"),
        ({"pixels_per_position": 1}, "paper's network, paper's sizes, one pixel per position"),
    ],
)
def test_the_scale_says_what_is_smaller(changes, scale):
    summary = {
        **{"source": "archive", "pixels_per_position": None, "train_size": 32, "test_size": 512},
        **{"network": {"width": 400, "head": [400, 200]}, "train_steps": 30},
        **{"test_count": 10000, **changes},
    }
    assert paper.scale(TASK, summary) == scale
