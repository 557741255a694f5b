"""Published results: their places, and whether the present workflow would make them.

A result's summary is the JSON file of the same stem beside it. It records the settings of the job
that made the result, the digest of its code (`code`) among them. Results that differ only by the
seed of their weights form a group, named by a pattern such as
``results/quick/histories/mazes/delta/*.json``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deltaloss.config.same_code import latest
from deltaloss.core.errors import ConfigError, DataError
from deltaloss.core.files import digest_files, file_sha256, read_json
from deltaloss.core.fingerprint import digest
from deltaloss.core.runs import LAST, RELEASED, WEIGHTS_PATTERN, weights_seed

if TYPE_CHECKING:  # jobs that check results need no schema
    from deltaloss.config.experiment import Experiment

Json = Mapping[str, Any]

SHOWN = 2  # differences named in one line
UNTRAINED = "untrained"  # in place of a run, in evaluations

_WEIGHTS = re.compile(rf"/({WEIGHTS_PATTERN})(?=\.[^/]+$)")


def path_of(path: str) -> str:
    """Path of the published copy: results/quick/... -> results/published/quick/..."""
    return path.replace("results/", "results/published/", 1)


def group_name(summary: str) -> str:
    """Name of the group of a summary: its path, with a star for the seed of its weights.

    That of released weights is a group of its own, for their network may be another.
    """
    return summary if f"/{RELEASED}." in summary else _WEIGHTS.sub("/*", summary)


def expected_settings(
    files: Iterable[str], asked: Callable[[str], Json]
) -> dict[str, dict[str, Any]]:
    """Return the settings by which the present workflow makes results, by group.

    Those of a group of several seeds are without the seed.

    Args:
        files: results or their summaries.
        asked: returns the settings of the job that makes a summary.
    """
    firsts: dict[str, str] = {}
    for summary in digest_files(files):
        firsts.setdefault(group_name(summary), summary)
    return {
        name: dict(asked(summary)) if name == summary else _without_seed(asked(summary))
        for name, summary in firsts.items()
    }


def recorded_settings(summary: Json) -> dict[str, Any]:
    """Return the settings in a summary; audits record the digest of their code only."""
    return dict(summary.get("settings", {"code": summary.get("code")}))


def find_difference(path: str, summary: Json, expected: Mapping[str, Json]) -> str | None:
    """Say in which settings a summary differs from what the present workflow would ask for.

    Args:
        path: of the summary in ``results/{experiment}/``.
        summary: its content.
        expected: see `expected_settings`.

    Returns:
        "code 1a2b... (now 3c4d...), training.epochs 5 (now 6)"; None where nothing differs.
    """
    recorded, wanted = recorded_settings(summary), dict(expected[group_name(path)])
    if recorded.keys() == {"code"}:
        wanted = {"code": wanted["code"]}
    named = _WEIGHTS.search(path)
    if named and "seed" in recorded:
        wanted["seed"] = weights_seed(named[1])
    before, now = flatten(recorded), flatten(wanted)
    if latest(before.get("code")) == latest(now.get("code")):
        before["code"] = now["code"]
    changed = [
        f"{key} {before.get(key, 'unset')} (now {now.get(key, 'unset')})"
        for key in sorted({*before, *now})
        if before.get(key, "unset") != now.get(key, "unset")
    ]
    more = [f"{len(changed) - SHOWN} more"] if len(changed) > SHOWN else []
    return ", ".join(changed[:SHOWN] + more) or None


def find_restorable(
    experiment: Experiment, task: str, files: Sequence[str], asked: Callable[[str], Json]
) -> list[str]:
    """Results of trainings that were published and that the present workflow would make alike.

    A training is taken with all its results or not at all, because its weights are not published.
    One whose weights are in ``results/{experiment}/models/`` is left to the rules that train.

    Args:
        experiment: the present one.
        task: the puzzle.
        files: all results of its networks that are published, of every run and seed.
        asked: see `expected_settings`.

    Raises:
        DataError: a published summary is damaged.
    """
    audit = Path(path_of(f"results/{experiment.name}/data/{task}.json"))
    if not audit.is_file() or not _same_examples(experiment, task, read_published(audit)):
        return []
    expected = expected_settings(files, asked)
    trainings: dict[tuple[str, str], list[str]] = {}
    for file in files:
        run, name = Path(file).parts[-2:]
        key = (run.removesuffix(LAST), name.partition(".")[0])
        trainings.setdefault(key, []).append(file)
    models = Path(f"results/{experiment.name}/models/{task}")
    return [
        file
        for (run, weights), results in trainings.items()
        if not _is_trained(models, run, weights) and _is_restorable(results, expected)
        for file in results
    ]


def _is_trained(models: Path, run: str, weights: str) -> bool:
    """Whether weights of a run are here; for the untrained network of a seed, those of any run."""
    return any(models.glob(f"{'*' if run == UNTRAINED else run}/{weights}.safetensors"))


def _is_restorable(files: Sequence[str], expected: Mapping[str, Json]) -> bool:
    """Whether all results of one training are published and made as now asked for."""
    if not all(Path(path_of(file)).is_file() for file in files):
        return False
    for path in digest_files(files):
        published = Path(path_of(path))
        if not published.is_file():
            return False
        if find_difference(path, read_published(published), expected):
            return False
    return True


def _same_examples(experiment: Experiment, task: str, audit: Json) -> bool:
    """Whether the audited examples were made with the present settings."""
    return all(
        audit[split]["card"].get(key) == value
        for split in ("train", "test")
        for key, value in experiment.make_settings(task, split).items()
    )


def read_published(path: Path) -> dict[str, Any]:
    """Read a published summary.

    Raises:
        DataError: it is damaged or was changed.
    """
    try:
        return read_json(path)
    except DataError as error:
        raise damaged_copy(path) from error


def damaged_copy(path: Path) -> DataError:
    """Error of a published file whose content is not what was published."""
    return DataError(
        f"{path}: damaged or changed; take back the committed one (git checkout {path}), or delete "
        "it, and what it belongs to is computed again"
    )


def copies_digest(files: Iterable[str]) -> str:
    """Digest of the published copies of results, by their summaries."""
    return digest([file_sha256(Path(path_of(path))) for path in digest_files(files)])


def check_fresh(files: list[str], resume_published: bool) -> list[str]:
    """Refuse to compare published results with their own copies; return the files unchanged.

    Raises:
        ConfigError: results may have been taken from the published ones.
    """
    if resume_published:
        raise ConfigError(
            "resume_published: true: published results would be compared with themselves; add "
            "--config resume_published=false"
        )
    return files


def check_weights_wanted(restored: Iterable[str], history: str) -> list[str]:
    """Refuse to train a network whose results are taken from the published ones.

    Args:
        restored: results that are taken from there.
        history: that the training would write.

    Returns:
        No files: this is an input of the rule that trains.

    Raises:
        ConfigError: Snakemake then looks for another rule that makes the wanted file.
    """
    if history in restored:
        raise ConfigError(
            f"{history} is taken from results/published/, which has no weights; to train this "
            "network here, add --config resume_published=false"
        )
    return []


def flatten(value: object, key: str = "") -> dict[str, object]:
    """Nested settings by their dotted names, such as ``training.epochs``."""
    if not isinstance(value, Mapping) or not value:
        return {key: value}
    start = f"{key}." if key else ""
    return {
        name: leaf
        for part, inner in value.items()
        for name, leaf in flatten(inner, f"{start}{part}").items()
    }


def _without_seed(settings: Json) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if key != "seed"}
