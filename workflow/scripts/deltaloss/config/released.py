"""Released weights in the config: checkpoints that others trained, named by run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from deltaloss.config.user_files import content_digest
from deltaloss.core.errors import ConfigError, DataError
from deltaloss.core.runs import Run, parse_run

Json = Mapping[str, Any]

FOLDER = "results/data/released"
CHECKPOINT = "model_best.pth"  # in a folder, as the published implementations write it


@dataclass(frozen=True, kw_only=True)
class ReleasedWeights:
    """One checkpoint; fields are explained in the schema.

    Attributes:
        path: the checkpoint on this machine, present or yet to be fetched.
        repository: empty for a file of the user.
        revision: commit of the repository; empty for a file of the user.
        file: its path in the repository, or its name.
        file_digest: of the content of the user's file; empty for one of a repository.
        recall_relu: whether a ReLU follows the recall convolution; None for the puzzle's setting.
    """

    path: str
    repository: str
    revision: str
    file: str
    file_digest: str
    recall_relu: bool | None

    @property
    def source(self) -> dict[str, str]:
        """Return what decides the content of the checkpoint; its place on this machine does not."""
        if not self.repository:
            return {"file_name": self.file, "sha256": self.file_digest}
        return {"repository": self.repository, "revision": self.revision, "file": self.file}

    def network(self, own: Json) -> dict[str, Any]:
        """Return the settings of the checkpoint's network, from those of the puzzle."""
        settings = {name: value for name, value in own.items() if name != "mixing"}  # never mixes
        if self.recall_relu is not None:
            settings["recall_relu"] = self.recall_relu
        return settings


def read_released(
    key: str, given: Mapping[str, Json], runs: Sequence[Run], memory: Path
) -> dict[str, ReleasedWeights]:
    """Read the section `released` of a puzzle, by the name of the run.

    Args:
        key: the section, for errors.
        given: its content, valid by the schema.
        runs: of the puzzle.
        memory: folder that remembers digests of the user's files.

    Raises:
        ConfigError: a run that is not listed; a repository without a revision, or the reverse.
        DataError: a file of the user cannot be read.
    """
    read = {}
    for text, section in given.items():
        try:
            run = parse_run(text)
        except ConfigError as error:
            raise ConfigError(f"{key}: {error}") from error
        if run not in runs or run.name in read:
            listed = ", ".join(one.name for one in runs)
            raise ConfigError(
                f"{key}: '{text}' must be one of this puzzle's runs ({listed}), each once; add it "
                "to runs"
            )
        read[run.name] = _read_source(f"{key}.{text}", section, memory)
    return read


def _read_source(key: str, given: Json, memory: Path) -> ReleasedWeights:
    repository, revision = (given.get(name, "") for name in ("repository", "revision"))
    if bool(repository) != bool(revision):
        raise ConfigError(
            f"{key}: repository and revision belong together; give both, or only file for a file "
            "on this machine"
        )
    file, digest = given["file"], ""
    path = f"{FOLDER}/{repository.replace('/', '--')}/{revision}/{file}"
    if not repository:
        path = str(Path(file) / CHECKPOINT) if Path(file).is_dir() else file
        try:
            digest = content_digest(path, memory, kind="checkpoint")
        except DataError as error:
            raise DataError(f"{key}: {error}") from error
        file = Path(path).name
    elif PurePosixPath(file).is_absolute() or {".", ".."} & set(file.split("/")):
        raise ConfigError(f"{key}.file: '{file}' must be a path in the repository")
    return ReleasedWeights(
        path=path,
        repository=repository,
        revision=revision,
        file=file,
        file_digest=digest,
        recall_relu=given.get("recall_relu"),
    )
