"""Files of Hugging Face data sets, from a server that answers as the hub does, or fails."""

from __future__ import annotations

import logging
import random

import pytest
from huggingface_hub import constants

from deltaloss.core.errors import DataError
from deltaloss.data import hub as fetching
from deltaloss.data.archives import read_pin
from deltaloss.data.hub import fetch_from_hub

from .hub import LATER, REPOSITORY, REVISION, Hub, digest, serve_hub

FILE = "a folder/model_best.pth"
BODY, OTHER = (random.Random(seed).randbytes(200_000) for seed in (1, 2))


@pytest.fixture
def hub(monkeypatch):
    """A hub that has one file, at the address that huggingface_hub asks."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setattr(fetching, "BACKOFF_SECONDS", 0.01)
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 10_000)  # what arrives in part is kept
    with serve_hub(Hub({(REPOSITORY, REVISION, FILE): BODY})) as served:
        monkeypatch.setattr(constants, "ENDPOINT", served.address)
        template = f"{served.address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        yield served


@pytest.fixture
def fetch(tmp_path, caplog):
    caplog.set_level(logging.INFO, "deltaloss")

    def fetch(revision=REVISION, file=FILE, repository=REPOSITORY):
        folder = tmp_path / "kept" / revision
        return fetch_from_hub(folder, repository=repository, revision=revision, file=file)

    fetch.path = tmp_path / "kept" / REVISION / FILE
    return fetch


@pytest.mark.parametrize("linked", [True, False], ids=["large", "small"])
def test_a_file_is_fetched_once_and_pinned(hub, fetch, linked):
    hub.linked = linked
    assert fetch() == fetch.path
    assert fetch.path.read_bytes() == BODY
    address = f"{hub.address}/datasets/{REPOSITORY}/resolve/{REVISION}/a%20folder/model_best.pth"
    assert read_pin(fetch.path) == (digest(BODY), address)
    asked = len(hub.asked)
    fetch()
    assert len(hub.asked) == asked, "a file that is there is only checked"


def test_a_broken_transfer_is_resumed(hub, fetch):
    hub.faults = ["drop"]
    assert fetch().read_bytes() == BODY
    first, *others = hub.contents()
    assert first == ""
    assert f"bytes={len(BODY) // 2}-" in others


def test_a_server_in_trouble_is_asked_again(hub, fetch, caplog):
    hub.faults = [500, 503]
    assert fetch().read_bytes() == BODY
    assert "the hub answers 500; trying again" in caplog.text


def test_in_lasting_trouble_the_error_has_the_reason(hub, fetch):
    hub.faults = [500] * 99
    with pytest.raises(DataError, match=r"the hub answers 500 \(4 attempts\); correct repository"):
        fetch()
    assert not fetch.path.exists()


def test_without_a_server_the_error_has_the_reason(fetch, monkeypatch):
    template = "http://127.0.0.1:9/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(fetching, "ATTEMPTS", 1)
    with pytest.raises(DataError, match=r"Connection refused.* \(1 attempts\)"):
        fetch()


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ({"repository": "someone/else"}, "there is no such public data set"),
        ({"revision": LATER}, "the data set has no such commit"),
        ({"file": "no.pth"}, "the commit has no such file"),
    ],
    ids=["repository", "revision", "file"],
)
def test_what_is_not_there_is_one_line_and_asked_for_once(hub, fetch, wanted, reason):
    with pytest.raises(DataError, match=reason) as error:
        fetch(**wanted)
    assert "\n" not in str(error.value)
    assert len(hub.asked) == 1


def test_an_answer_of_another_commit_is_refused(hub, fetch):
    hub.commit = LATER
    with pytest.raises(DataError, match=f"the answer is of commit {LATER}"):
        fetch()
    assert not fetch.path.exists()


def test_content_of_another_digest_than_announced_is_refused(hub, fetch):
    hub.etag = digest(OTHER)
    with pytest.raises(DataError, match="has not the SHA-256 that the hub gives"):
        fetch()
    assert not fetch.path.exists()


def test_a_commit_with_other_content_than_before_is_refused(hub, fetch):
    fetch().unlink()
    hub.files[REPOSITORY, REVISION, FILE] = OTHER
    hub.linked = False  # small files have no digest of their content
    with pytest.raises(DataError, match=f"is {digest(OTHER)}, but must be {digest(BODY)}"):
        fetch()
    assert not fetch.path.exists()


def test_a_changed_file_is_refused_and_stays(hub, fetch):
    fetch().write_bytes(OTHER)
    with pytest.raises(DataError, match=r"model_best\.pth\.sha256 has"):
        fetch()
    assert fetch.path.read_bytes() == OTHER


def test_a_file_that_the_user_put_there_is_pinned(hub, fetch):
    fetch.path.parent.mkdir(parents=True)
    fetch.path.write_bytes(BODY)
    fetch()
    assert read_pin(fetch.path) == (digest(BODY), "")
    assert hub.asked == []
