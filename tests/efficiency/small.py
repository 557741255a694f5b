"""A small network of each puzzle in float64, and its loss forms."""

from __future__ import annotations

import torch

from deltaloss.config.settings import NetworkSettings
from deltaloss.core.runs import parse_run
from deltaloss.efficiency.forms import Form, Problem, make_forms, make_problem
from deltaloss.efficiency.published import from_ours
from deltaloss.losses.base import Criterion
from deltaloss.model.make import make_network
from deltaloss.model.network import RecallNetwork
from deltaloss.puzzles.base import load_task

SHAPES = {"chess": (8, 8), "mazes": (6, 6), "prefix_sums": (7,)}
RUNS = ("delta", "progressive-0", "progressive-0.3", "progressive-1")
STEPS = 5
CPU = torch.device("cpu")


def small_network(task: str = "prefix_sums") -> RecallNetwork:
    settings = NetworkSettings(width=6, head=(4, 3), recall_relu=True)
    return make_network(load_task(task), settings, seed=1).double()


def small_problem(task: str = "prefix_sums", count: int = 4) -> Problem:
    made = make_problem(load_task(task), SHAPES[task], count, seed=1, device=CPU)
    criterion = Criterion(targets=made.criterion.targets, counted=made.criterion.counted)
    return Problem(x=made.x.double(), criterion=criterion)


def small_forms(run: str, task: str = "prefix_sums") -> list[Form]:
    network = small_network(task)
    return make_forms(
        network, from_ours(network), parse_run(run), steps=STEPS, draws=[(1, 2), (0, 4)], seed=1
    )
