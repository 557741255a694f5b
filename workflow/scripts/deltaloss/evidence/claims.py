"""The claims of the paper, each by its place, and what judges it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from deltaloss.core.runs import parse_run
from deltaloss.evidence import paper
from deltaloss.evidence.judges import (
    Evidence,
    judge_accuracy,
    judge_alpha,
    judge_collapse,
    judge_convergence,
    judge_cost,
    judge_difference,
    judge_extrapolation,
    judge_same_network,
    judge_steps,
)
from deltaloss.evidence.verdicts import Finding, untestable

LAST_STEP_LOSS = "progressive-0"
LEAST_PERCENT = 99.9  # "accuracy >= 99.9 %", section 4
SHARE, POINTS, STEPS, RATIO = "share of seeds", "points", "steps", "ratio"

BANSAL = "Section 4, after Bansal et al. (2022)"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One claim about one puzzle.

    Attributes:
        place: where the paper makes it.
        says: the claim, in our words.
        judge: called with the evidence where there are results of all `runs`.
        task: the puzzle; empty for all.
        runs: those that it is about.
        printed: the paper's numbers; empty for none.
        unit: of the finding's value; empty for none.
    """

    place: str
    says: str
    judge: Callable[[Evidence], Finding]
    task: str = ""
    runs: tuple[str, ...] = ()
    printed: str = ""
    unit: str = ""

    def find(self, evidence: Evidence) -> Finding:
        """Judge the claim, or say which runs there are no results of."""
        absent = [_label(run) for run in self.runs if evidence.at(self.task, run).empty]
        if absent:
            return untestable(f"not run in this experiment: {'; '.join(absent)}")
        return self.judge(evidence)


def paper_claims() -> list[Claim]:
    """List every claim, in the order of the paper."""
    plotted = [(task, run) for task in paper.TASKS for run in paper.PLOTTED[task]]
    return [
        *(_extrapolation(task, run) for task, run in plotted),
        *_costs("chess", paper.PLOTTED["chess"][1]),
        *list(_costs("mazes", paper.PLOTTED["mazes"][1]))[:2],
        Claim(
            place="Section 3, table 1",
            says="Both losses train the same network",
            judge=judge_same_network,
        ),
        *(_accuracy(task, run) for task, run in plotted if task != "chess"),
        _better("chess", *paper.PLOTTED["chess"], place="Section 4, table 5"),
        *(_convergence(task, run) for task, run in plotted),
        *map(_collapse, paper.TASKS),
        *map(_alpha, paper.TASKS),
        *(_more_steps(task, *paper.PLOTTED[task]) for task in ("chess", "prefix_sums")),
        _not_tested("Section 4", "Both losses perform similarly", "the paper gives no margin"),
        _not_tested("Abstract", "The Delta Loss is formulated more simply", "a matter of taste"),
        *_future_work(),
        _more_steps("mazes", *reversed(paper.PLOTTED["mazes"]), place="Table 6"),
        _better("mazes", *reversed(paper.PLOTTED["mazes"]), place="Table 6"),
        *(
            _better(task, run, LAST_STEP_LOSS, place=f"Table {5 + paper.TASKS.index(task)}")
            for task, run in plotted
        ),
    ]


def _label(run: str) -> str:
    return parse_run(run).label


def _printed(task: str, *runs: str) -> str:
    return " against ".join(f"{paper.ACCURACY[task, run].max_accuracy_percent} %" for run in runs)


def _accuracy(task: str, run: str) -> Claim:
    return Claim(
        place="Section 4",
        says=f"{_label(run)} solves at least {LEAST_PERCENT} % of the test puzzles",
        judge=partial(judge_accuracy, task=task, run=run, least=LEAST_PERCENT),
        task=task,
        runs=(run,),
        printed=_printed(task, run),
        unit=SHARE,
    )


def _extrapolation(task: str, run: str) -> Claim:
    return Claim(
        place="Abstract, figure 1",
        says=f"{_label(run)} solves more of the test puzzles with more steps than in training",
        judge=partial(judge_extrapolation, task=task, run=run),
        task=task,
        runs=(run,),
        unit=SHARE,
    )


def _convergence(task: str, run: str) -> Claim:
    return Claim(
        place="Section 4, figure 1",
        says=f"{_label(run)} converges: its accuracy stays when steps are added",
        judge=partial(judge_convergence, task=task, run=run),
        task=task,
        runs=(run,),
        unit=SHARE,
    )


def _collapse(task: str) -> Claim:
    return Claim(
        place=BANSAL,
        says="With the loss of the last step alone (α = 0) accuracy collapses when steps are added",
        judge=partial(judge_collapse, task=task, run=LAST_STEP_LOSS),
        task=task,
        runs=(LAST_STEP_LOSS,),
        unit=SHARE,
    )


def _alpha(task: str) -> Claim:
    return Claim(
        place=BANSAL,
        says="The accuracy of the Progressive Loss depends on α",
        judge=partial(judge_alpha, task=task),
        task=task,
        unit=POINTS,
    )


def _better(task: str, first: str, second: str, *, place: str) -> Claim:
    return Claim(
        place=place,
        says=f"{_label(first)} solves more of the test puzzles than {_label(second)}",
        judge=partial(judge_difference, task=task, first=first, second=second),
        task=task,
        runs=(first, second),
        printed=_printed(task, first, second),
        unit=POINTS,
    )


def _more_steps(
    task: str, more: str, fewer: str, *, place: str = "Section 4", says: str = ""
) -> Claim:
    """Claim that one run needs more steps; with the paper's numbers, if it has both."""
    in_paper = [paper.ACCURACY.get((task, run)) for run in (more, fewer)]
    steps = [str(row.steps_until_max_accuracy) for row in in_paper if row]
    return Claim(
        place=place,
        says=says or f"{_label(more)} needs more steps than {_label(fewer)}",
        judge=partial(judge_steps, task=task, more=more, fewer=fewer, of_solved=task != "chess"),
        task=task,
        runs=(more, fewer),
        printed=f"{' against '.join(steps)} steps" if all(in_paper) else "",
        unit=STEPS,
    )


def _costs(task: str, run: str) -> Iterator[Claim]:
    """Yield the costs of the Progressive Loss; numbers in parentheses are batch sizes."""
    cost = partial(judge_cost, task=task, run=run)
    expected = "75 % more, in expectation, for 0 < α < 1"
    seconds = partial(cost, measure="seconds")
    largest = partial(cost, measure="largest_batch_8gb_predicted", ratio=1.78, inverse=True)
    for says, printed, judge in (
        ("takes more time per batch", expected, partial(seconds, ratio=1.75)),
        ("needs more memory", expected, partial(cost, measure="kept_mb", ratio=1.75)),
        ("takes more time per batch", "45 % faster with delta (143)", partial(seconds, ratio=1.45)),
        ("allows smaller batches", "78 % larger with delta (255 against 143)", largest),
    ):
        yield Claim(
            place="Section 2",
            says=f"{_label(run)} {says} than delta",
            judge=judge,
            task=task,
            printed=printed,
            unit=RATIO,
        )


def _future_work() -> Iterator[Claim]:
    smaller = "A smaller T in training shortens convergence"
    reason = "an experiment has one T; compare two, as the presets losses and losses_10"
    yield _not_tested("Appendix A.1", smaller, reason, task="prefix_sums")
    drawn = "A T drawn anew for each batch shortens convergence"
    yield _more_steps("prefix_sums", "delta", "delta_random", place="Appendix A.1", says=drawn)


def _not_tested(place: str, says: str, reason: str, task: str = "") -> Claim:
    return Claim(place=place, says=says, judge=lambda evidence: untestable(reason), task=task)
