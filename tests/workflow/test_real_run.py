"""A run in processes of its own, as a user's; most tests run jobs in forks (tests/forks.py)."""

from __future__ import annotations

from .projects import Project, check, finish, same_weights

RESULTS = "results/tiny"
RUNS = ("delta", "progressive-0", "progressive-1")
SAME = (
    "data/prefix_sums.json",
    *(f"evaluations/prefix_sums/{run}/seed42.npz" for run in RUNS),
    "statistics/mcnemar_prefix_sums.csv",
    "tables/table_7.csv",
    "tables/table_7.html",
)


def test_it_makes_the_same_bits_as_jobs_in_forks(tiny_run: Project, project: Project) -> None:
    check(finish(project.start(f"{RESULTS}/tables/table_7.csv")))
    ours, forked = (one.folder / RESULTS for one in (project, tiny_run))
    for name in SAME:
        assert (ours / name).read_bytes() == (forked / name).read_bytes(), name
    for run in RUNS:
        weights = f"models/prefix_sums/{run}/seed42.safetensors"
        assert same_weights(ours / weights, forked / weights), run
