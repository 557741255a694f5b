"""Fetch a file of a Hugging Face data set at one commit: retried, verified, pinned.

huggingface_hub resumes a transfer that breaks, but keeps no part of a file for another job. The
variables of its environment, such as HF_ENDPOINT and HF_TOKEN, apply.
"""

from __future__ import annotations

import re
import time
from pathlib import Path

import httpx2
from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
    XetDownloadError,
)
from huggingface_hub.utils.tqdm import disable_progress_bars

from deltaloss.core.errors import DataError, printable
from deltaloss.core.files import file_sha256
from deltaloss.core.log import logger
from deltaloss.data.archives import check_pin, read_pin, write_pin
from deltaloss.data.transfer import RefusedError

ATTEMPTS = 4  # huggingface_hub resumes a broken transfer several times in each
BACKOFF_SECONDS = 2.0  # doubled for each further attempt

_SHA256 = re.compile("[0-9a-f]{64}")
_ERRORS = (httpx2.HTTPError, OSError, RuntimeError, ValueError, XetDownloadError)
# Errors that another attempt does not cure, those of subclasses first.
_FINAL: dict[type[Exception], str] = {
    GatedRepoError: "its authors grant access: ask them, and set HF_TOKEN",
    RepositoryNotFoundError: "there is no such public data set",
    RevisionNotFoundError: "the data set has no such commit",
    EntryNotFoundError: "the commit has no such file",
}


def fetch_from_hub(folder: Path, *, repository: str, revision: str, file: str) -> Path:
    """Fetch a file; one that is there is only checked against the digest of its first download.

    Args:
        folder: of this commit; the file is written to its own path there.
        repository: data set, OWNER/NAME.
        revision: hash of a commit.
        file: path in the data set.

    Raises:
        DataError: the hub does not have the file, or another one than before; or it cannot be
            written.
    """
    path = folder / file
    if path.exists():
        write_pin(path, *check_pin(path, None))
        return path
    known = read_pin(path)
    address = printable(hf_hub_url(repository, file, repo_type="dataset", revision=revision))
    try:
        _fetch(folder, path, address, repository, revision)
        found = file_sha256(path)
        if known and known[0] != found:
            path.unlink()
            raise RefusedError(
                f"its SHA-256 is {found}, but must be {known[0]}; delete {path}.sha256 to accept it"
            )
    except RefusedError as error:
        raise DataError(
            f"{path}: cannot be fetched from {address}: {error}; correct repository, revision or "
            "file, or get the checkpoint in another way and give its path as file, without "
            "repository and revision"
        ) from error
    write_pin(path, found, address)
    logger.info("%s: fetched, %.1f MB", path.name, path.stat().st_size / 1e6)
    return path


def _fetch(folder: Path, path: Path, address: str, repository: str, revision: str) -> None:
    """Fetch the file in several attempts; `RefusedError` where the hub does not have it."""
    disable_progress_bars()
    for attempt in range(1, ATTEMPTS + 1):
        logger.info("fetching %s", address)
        try:
            etag = _check_commit(address, revision)
            hf_hub_download(
                repository,
                path.relative_to(folder).as_posix(),
                repo_type="dataset",
                revision=revision,
                local_dir=folder,
            )
        except _ERRORS as error:
            final = next((text for one, text in _FINAL.items() if isinstance(error, one)), "")
            if final and not isinstance(error, LocalEntryNotFoundError):
                raise RefusedError(final) from error
            if attempt == ATTEMPTS:
                raise RefusedError(f"{_reason(error)} ({attempt} attempts)") from error
            logger.info("%s; trying again", _reason(error))
            time.sleep(BACKOFF_SECONDS * 2 ** (attempt - 1))
            continue
        if _SHA256.fullmatch(etag) and etag != file_sha256(path):
            path.unlink()
            raise RefusedError("what arrived has not the SHA-256 that the hub gives")
        return


def _check_commit(address: str, revision: str) -> str:
    """Return the ETag of a file, which is its SHA-256 if it is large.

    Raises:
        RefusedError: the answer is of another commit, or not from a hub.
    """
    answer = get_hf_file_metadata(address)
    if answer.commit_hash != revision:
        raise RefusedError(f"the answer is of commit {printable(str(answer.commit_hash))}")
    return answer.etag or ""


def _reason(error: BaseException) -> str:
    """Describe an error of a transfer in a few words."""
    if isinstance(error, HfHubHTTPError):
        return f"the hub answers {error.response.status_code}"
    while inner := error.__cause__ or error.__context__:
        error = inner
    lines = [*str(getattr(error, "strerror", None) or error).splitlines(), type(error).__name__]
    return printable(next(line for line in lines if line.strip()))
