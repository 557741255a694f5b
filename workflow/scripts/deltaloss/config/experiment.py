"""An experiment that can work: its settings, and what decides each of its jobs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from deltaloss.config.costs import limit_minutes, predict, seconds
from deltaloss.config.tasks import VALIDATION_EXAMPLES, Json, TaskConfig
from deltaloss.core.fingerprint import digest
from deltaloss.core.runs import RELEASED, Run, parse_run, weights_seed


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A whole experiment that can work; fields are explained in the schema."""

    name: str
    hyperparameters: str
    data_seed: int
    device: str
    precision: str
    deterministic: bool
    select: str
    stop_at_perfect_validation: bool
    resume_published: bool
    threads: int
    archives: Json
    strict: bool
    tasks: Mapping[str, TaskConfig]

    def evaluated_runs(self, task: str) -> list[Run]:
        """List the runs whose weights are kept: those trained, then those of last epochs."""
        runs = list(self.tasks[task].runs)
        return runs + [replace(run, last=True) for run in runs if self.select == "both"]

    @property
    def result_precision(self) -> str:
        """The precision as far as it decides a result: the CPU always computes in fp32."""
        return "fp32" if self.device == "cpu" else self.precision

    def at_size(self, task: str, size: int) -> Experiment:
        """Return the experiment whose test set of a puzzle has one of its `sizes`."""
        return replace(self, tasks={**self.tasks, task: self.tasks[task].at_size(size)})

    def task_pattern(self, *, joint: bool) -> str:
        """Regular expression of the puzzles whose splits are made by one job, or by one each."""
        names = [name for name, task in self.tasks.items() if task.card.joint == joint]
        return "|".join(names) or "(?!)"  # which matches nothing

    def examples_settings(self, task: str, split: str) -> dict[str, Any]:
        """Everything that decides the examples of one split; see `Card.settings`."""
        chosen = self.tasks[task]
        return chosen.card.settings(
            chosen.data, split, seed=self.data_seed, file_digest=chosen.file_digest
        )

    def make_settings(self, task: str, split: str) -> dict[str, Any]:
        """Everything beside files and code that decides a job that makes examples."""
        source = self.tasks[task].data["source"]
        module = "data.published_sets" if source == "archive" else f"puzzles.{task}.make"
        origin = {"module": module, "source": source, "task": task}
        return origin | self.examples_settings(task, split)

    def examples_key(self, task: str, split: str) -> str:
        """Readable name of a folder of examples: "generate_size9_count6000_seed42"."""
        settings = self.examples_settings(task, split)
        parts = [_name(key, value) for key, value in settings.items() if key != "split"]
        return "_".join([self.tasks[task].data["source"], *parts])

    def examples_path(self, task: str, split: str) -> str:
        """Path of a file of examples; experiments that want equal examples share it."""
        return f"results/data/{task}/{self.examples_key(task, split)}/{split}.npz"

    def train_settings(self, task: str, run: str, weights: str) -> dict[str, Any]:
        """Everything beside examples and code that decides the weights of a run."""
        chosen, parsed = self.tasks[task], parse_run(run)
        return {
            "deterministic": self.deterministic and self.device != "cpu",  # which always is
            "loss": parsed.loss,
            "network": chosen.network,
            "precision": self.result_precision,
            "seed": weights_seed(weights),
            "select": self.select,
            "stop_at_perfect_validation": self.stop_at_perfect_validation,
            "split_seed": self.data_seed,
            "task": task,
            "train_steps": chosen.train_steps,
            "training": chosen.training[parsed.loss],
            "validation_fraction": chosen.data["validation_fraction"],
            "value": parsed.value,
        }

    def released_settings(self, task: str, run: str) -> dict[str, Any]:
        """Everything beside code that decides released weights in our form."""
        chosen = self.tasks[task]
        source, network = chosen.released[run].source, chosen.network_of(run, RELEASED)
        return {"network": network, "run": run, "source": source, "task": task}

    def evaluate_settings(
        self, task: str, run: str, weights: str, *, steps: int | None
    ) -> dict[str, Any]:
        """Everything beside weights, examples and code that decides their answers.

        Args:
            task: name of the puzzle.
            run: name of the run.
            weights: their name, by which released ones may have another network.
            steps: None for those of the config's evaluation.
        """
        chosen = self.tasks[task]
        return {
            "network": chosen.network_of(run, weights),
            "precision": self.result_precision,
            "steps": chosen.evaluation["steps"] if steps is None else steps,
            "task": task,
        }

    def validation_settings(self, task: str) -> dict[str, Any]:
        """Everything that decides which examples of a training file choose a step."""
        return {
            "examples": VALIDATION_EXAMPLES,
            "fraction": self.tasks[task].data["validation_fraction"],
            "seed": self.data_seed,
        }

    def priority(self, task: str) -> int:
        """Priority of a puzzle's jobs, so that the longest trainings do not start last."""
        costs = {name: other.operations()["train_model"] for name, other in self.tasks.items()}
        return 1 + sorted(costs, key=lambda name: (costs[name], name)).index(task)

    def page_settings(self) -> dict[str, Any]:
        """Everything that decides results, for reading."""
        common = ("data_seed", "hyperparameters", "select", "stop_at_perfect_validation")
        return {
            "experiment": self.name,
            "precision": self.result_precision,
            **{key: getattr(self, key) for key in common},
            "tasks": {
                name: {
                    "data": {s: self.examples_settings(name, s) for s in ("train", "test")},
                    "evaluation": {"steps": task.evaluation["steps"]},
                    "network": task.network,
                    "runs": [run.name for run in task.runs],
                    "seeds": list(task.seeds),
                    "train_steps": task.train_steps,
                    "training": task.training,
                    "validation_fraction": task.data["validation_fraction"],
                }
                for name, task in self.tasks.items()
            },
        }

    def minutes(self, rule: str, task: str) -> int:
        """Time after which a cluster may stop a job with a network; retries get more."""
        cores = self.threads if self.device == "cpu" else None
        return limit_minutes(self.tasks[task].operations()[rule], cores=cores)

    def predict(self, jobs: Iterable[tuple[str, str | None]], *, cores: int) -> str:
        """Say how long jobs with networks will take; empty if there are none.

        Args:
            jobs: rule and puzzle of each; other rules than those of `TaskConfig.operations` are
                left out.
            cores: processors that they share.
        """
        counted = [count for rule, task in jobs if (count := self._operations(rule, task))]
        if not counted:
            return ""
        early = self.stop_at_perfect_validation
        return predict(counted, cores=cores, gpu=self.device != "cpu", early=early)

    def seconds(self, rule: str, task: str | None) -> float:
        """Predict the time of a job."""
        return seconds(self._operations(rule, task), gpu=self.device != "cpu")

    def _operations(self, rule: str, task: str | None) -> int:
        """Multiply-adds of a job; 0 for rules without networks."""
        return self.tasks[task].operations().get(rule, 0) if task else 0

    def table_settings(self, kind: str, tasks: Sequence[str]) -> dict[str, Any]:
        """Everything beside results and code that decides a table of these puzzles."""
        settings = {"experiment": self.name} if kind == "data" else self.claims_settings(tasks)
        return {"kind": kind, "settings": settings}

    def panel_settings(self, task: str) -> dict[str, Any]:
        """Everything beside curves and code that decides a puzzle's panel of figure 1."""
        return {"task": task, **self.tasks[task].summary}

    def claims_settings(self, tasks: Sequence[str]) -> dict[str, Any]:
        """Everything beside results and code that decides the verdicts on claims about puzzles."""
        return {
            "experiment": self.name,
            "summaries": {task: self.tasks[task].summary for task in tasks},
        }

    @property
    def swept(self) -> list[str]:
        """Puzzles with three or more values of alpha."""
        return [
            name
            for name, task in self.tasks.items()
            if sum(run.loss == "progressive" for run in task.runs) > 2
        ]


def _name(key: str, value: object) -> str:
    """Part of a folder's name for one setting; text that does not fit in one is digested."""
    if not isinstance(value, str):
        return f"{key}{value}"
    plain = value.isascii() and value.isalnum() and len(value) <= 16
    return f"{key}-{value if plain else digest(value)}"
