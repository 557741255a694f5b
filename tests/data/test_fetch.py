"""Fetching from servers that fail in every way, and the digests that files are pinned to."""

from __future__ import annotations

import gzip
import hashlib
import io
import logging
import random
import tarfile
from functools import partial
from pathlib import Path

import pytest

from deltaloss.core.errors import DataError
from deltaloss.data import transfer
from deltaloss.data.archives import FOLDER, check_pin, find_addresses, pin_file, read_pin, write_pin
from deltaloss.data.fetch import fetch as fetch_file
from deltaloss.data.unpack import unpacked

from .servers import Answers, serve

NAME = "some_data.tar.gz"
LIMIT = 10**6


def tar_gz(seed=0, size=50_000):
    """Make an archive of noise; all of one size are of the same length."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        member = tarfile.TarInfo("some_data/noise")
        member.size = size
        tar.addfile(member, io.BytesIO(random.Random(seed).randbytes(size)))
    return gzip.compress(buffer.getvalue(), compresslevel=0, mtime=0)


BODY, OTHER = tar_gz(), tar_gz(seed=1)
HALF = (len(BODY) + 1) // 2
DIGEST = hashlib.sha256(BODY).hexdigest()


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(transfer, "ATTEMPTS", 3)
    monkeypatch.setattr(transfer, "BACKOFF_SECONDS", 0.01)


@pytest.fixture
def impatient(monkeypatch):
    """Many short waits: a healthy answer may be slow, too, on a busy machine."""
    monkeypatch.setattr(transfer, "ATTEMPTS", 20)
    monkeypatch.setattr(transfer, "READ_SECONDS", 0.3)


def unpack_to_nowhere(path, max_bytes=LIMIT):
    with unpacked(path, max_bytes=max_bytes):
        pass


@pytest.fixture
def fetch(tmp_path, caplog):
    """Fetch from mirrors into `fetch.folder`; `fetch.lines()` are the log's lines."""
    caplog.set_level(logging.INFO, "deltaloss")

    def fetch(*mirrors, sha256=None, max_bytes=LIMIT):
        addresses = find_addresses(NAME, mirrors=mirrors, files=[])
        fetch_file(
            fetch.folder / NAME,
            addresses,
            sha256=sha256,
            verify=unpack_to_nowhere,
            max_bytes=max_bytes,
        )
        return (fetch.folder / NAME).read_bytes()

    fetch.folder = tmp_path / "kept"
    fetch.lines = lambda: [record.getMessage() for record in caplog.records]
    return fetch


@pytest.fixture
def mirror(tmp_path):
    """A folder that has the archive."""
    folder = tmp_path / "a folder ü"
    folder.mkdir()
    (folder / NAME).write_bytes(BODY)
    return folder


def kept(fetch):
    return {path.name for path in fetch.folder.iterdir()}


def refusal(call, *args, **kwargs):
    """Return the one line of a refusal, which names the archive."""
    with pytest.raises(DataError) as caught:
        call(*args, **kwargs)
    text = str(caught.value)
    assert text.isprintable()
    assert NAME in text
    return text


class TestGoodServers:
    def test_a_file_is_fetched_once_and_pinned_with_its_address(self, fetch):
        with serve(Answers(BODY)) as server:
            assert fetch(server.address) == BODY
            assert fetch(server.address) == BODY
        assert len(server.sent) == 1
        assert kept(fetch) == {NAME, f"{NAME}.sha256"}
        assert read_pin(fetch.folder / NAME) == (DIGEST, f"{server.address}/{NAME}")

    @pytest.mark.parametrize(
        "answers",
        [
            pytest.param({"chunked": True}, id="chunked"),
            pytest.param({"headers": {"Content-Encoding": "gzip"}}, id="gzip encoding"),
            pytest.param({"ranges": False, "etag": None}, id="no ranges, no validator"),
            pytest.param({"headers": {"Content-Length": "many"}}, id="length in words"),
            pytest.param({"headers": {"Content-Length": "-5"}}, id="negative length"),
        ],
    )
    def test_the_bytes_are_those_of_the_server_however_they_are_sent(self, fetch, answers):
        with serve(Answers(BODY, **answers)) as server:
            assert fetch(server.address) == BODY

    def test_folders_and_file_addresses_are_mirrors_too(self, fetch, mirror):
        for address in (str(mirror), mirror.as_uri(), f"{mirror.as_uri()}/"):
            assert fetch(address) == BODY
            (fetch.folder / NAME).unlink()

    def test_progress_is_logged(self, fetch, monkeypatch):
        monkeypatch.setattr("deltaloss.core.progress.FIRST_LINES_SECONDS", (0.0,))
        with serve(Answers(BODY)) as server:
            fetch(server.address)
        assert any(f" {len(BODY)} bytes, in " in f" {line}" for line in fetch.lines())
        assert all(line.isprintable() for line in fetch.lines())


class TestMirrors:
    def test_the_next_mirror_is_asked_and_its_address_is_pinned(self, fetch, tmp_path, mirror):
        with serve(Answers(b"", faults=[404])) as server:
            fetch(str(tmp_path / "absent"), server.address, str(mirror))
        assert server.sent == [0]
        assert read_pin(fetch.folder / NAME) == (DIGEST, f"{mirror}/{NAME}")

    def test_a_refusal_names_every_mirror_with_its_reason(self, fetch, tmp_path):
        with serve(Answers(b"", faults=[404])) as one, serve(Answers(b"", faults=[403])) as two:
            text = refusal(fetch, one.address, two.address, str(tmp_path), "ftp://host/folder")
        assert f"{one.address}/{NAME}: the server answers 404 Not Found" in text
        assert f"{two.address}/{NAME}: the server answers 403 Forbidden" in text
        assert f"{tmp_path}/{NAME}: there is no such file there" in text
        assert f"ftp://host/folder/{NAME}: not an https://" in text
        assert kept(fetch) == set()

    def test_no_server_and_no_mirror_are_refused(self, fetch):
        with serve(Answers(BODY)) as server:
            pass
        assert "Connection refused" in refusal(fetch, server.address)
        assert "there are no mirrors" in refusal(fetch)

    def test_a_refusal_says_what_to_do(self, fetch):
        text = refusal(fetch, "~nosuchuser/archives")
        assert f"~nosuchuser/archives/{NAME}: there is no such user; add a mirror" in text
        assert text.endswith("put the file there yourself, or set source: generate")

    def test_a_mirror_with_bad_content_is_passed_over(self, fetch, tmp_path, mirror):
        bad = tmp_path / "bad"
        bad.mkdir()
        (bad / NAME).write_bytes(gzip.compress(b"<html>sorry</html>" * 99))
        assert fetch(str(bad), str(mirror)) == BODY
        assert any("not a good tar" in line for line in fetch.lines())

    def test_passwords_are_neither_logged_nor_written(self, fetch):
        with serve(Answers(BODY)) as server:
            fetch(server.address.replace("//", "//me:secret@"))
        written = (fetch.folder / f"{NAME}.sha256").read_text()
        assert "secret" not in "".join([written, *fetch.lines()])


class TestBrokenTransfers:
    @pytest.mark.parametrize("status", [408, 429, 500, 503], ids="status {}".format)
    def test_a_server_in_trouble_is_asked_again(self, fetch, status):
        headers = {"Retry-After": "86400"}
        with serve(Answers(BODY, faults=[status, status], headers=headers)) as server:
            assert fetch(server.address) == BODY
        assert len(server.sent) == 3
        assert any(f"{status}; next attempt in" in line for line in fetch.lines())

    def test_a_silent_server_is_asked_again(self, fetch, impatient):
        with serve(Answers(BODY, faults=["mute"])) as server:
            assert fetch(server.address) == BODY
        assert len(server.sent) > 1

    def test_attempts_end(self, fetch):
        with serve(Answers(BODY, faults=[500] * 9)) as server:
            text = refusal(fetch, server.address)
        assert len(server.sent) == transfer.ATTEMPTS
        assert "500 Internal Server Error" in text

    @pytest.mark.parametrize("fault", ["drop", "stall"])
    def test_only_the_rest_is_sent_again_if_the_file_is_unchanged(self, fetch, fault, impatient):
        with serve(Answers(BODY, faults=[fault])) as server:
            assert fetch(server.address) == BODY
        assert server.ranges[:2] == ["", f"bytes={HALF}-"]
        assert server.validators[:2] == ["", '"one"']
        assert server.sent[:2] == [HALF, len(BODY) - HALF]

    def test_breaks_that_bring_something_new_are_not_counted(self, fetch):
        with serve(Answers(BODY, faults=["drop"] * 7)) as server:
            assert fetch(server.address) == BODY
        assert sum(server.sent) == len(BODY)

    @pytest.mark.parametrize(
        "answers",
        [
            pytest.param({"ranges": False}, id="no ranges"),
            pytest.param({"etag": None}, id="no validator"),
            pytest.param({"etag": 'W/"weak"'}, id="weak validator"),
        ],
    )
    def test_without_range_or_validator_a_transfer_starts_over(self, fetch, answers):
        with serve(Answers(BODY, faults=["drop", "drop"], **answers)) as server:
            assert fetch(server.address) == BODY
        assert server.sent[-1] == len(BODY)

    def test_a_changed_file_starts_over(self, fetch):
        answers = Answers(OTHER, faults=["drop", 404])
        with serve(answers) as server:
            refusal(fetch, server.address)
            answers.body, answers.etag = BODY, '"two"'
            assert fetch(server.address) == BODY
        assert server.validators[-1] == '"one"'
        assert server.sent[-1] == len(BODY)

    def test_the_next_job_resumes(self, fetch):
        answers = Answers(BODY, faults=["drop", 404])
        with serve(answers) as server:
            refusal(fetch, server.address)
            assert kept(fetch) == {f"{NAME}.part", f"{NAME}.part.json"}
            assert fetch(server.address) == BODY
        assert sum(server.sent) == len(BODY)
        assert kept(fetch) == {NAME, f"{NAME}.sha256"}

    def test_another_mirror_does_not_resume_a_file_of_the_first(self, fetch):
        with (
            serve(Answers(OTHER, faults=["drop", 404])) as one,
            serve(Answers(BODY)) as two,
        ):
            assert fetch(one.address, two.address) == BODY
        assert two.ranges == [""]

    def test_a_job_stopped_after_the_last_byte_asks_for_nothing(self, fetch):
        with serve(Answers(BODY, faults=["drop", 404])) as server:
            refusal(fetch, server.address)
            (fetch.folder / f"{NAME}.part").write_bytes(BODY)
            assert fetch(server.address) == BODY
        assert len(server.sent) == 2

    @pytest.mark.parametrize(
        "notes", ["", "[]", "{}", "\xff"], ids=["empty", "list", "no notes", "no text"]
    )
    def test_damaged_notes_start_over(self, fetch, notes):
        with serve(Answers(BODY, faults=["drop", 404])) as server:
            refusal(fetch, server.address)
            (fetch.folder / f"{NAME}.part.json").write_text(notes, encoding="latin-1")
            assert fetch(server.address) == BODY
        assert server.ranges[-1] == ""

    @pytest.mark.parametrize(
        "span",
        ["bytes 0-9", "bytes {0}-{1}/1 of", "", "pages {0}-{1}"],
        ids=["other bytes", "other total", "missing", "other unit"],
    )
    def test_a_rest_from_elsewhere_is_not_appended(self, fetch, span):
        with serve(Answers(BODY, faults=["drop"], content_range=span.format)) as server:
            assert fetch(server.address) == BODY
        assert server.sent[-1] == len(BODY)


class TestLyingServers:
    @pytest.mark.parametrize("ranges", [True, False])
    def test_fewer_bytes_than_announced_are_refused(self, fetch, ranges):
        with serve(Answers(BODY, announced=100, ranges=ranges)) as server:
            refusal(fetch, server.address)
        assert NAME not in kept(fetch)

    @pytest.mark.parametrize("length", [1000, len(BODY) - 1], ids=["many", "one"])
    def test_more_bytes_than_announced_are_refused(self, fetch, length):
        with serve(Answers(BODY, headers={"Content-Length": str(length)})) as server:
            assert "not a whole gzip file" in refusal(fetch, server.address)
        assert kept(fetch) == set()

    @pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/gzip"])
    def test_a_web_page_is_refused(self, fetch, kind):
        page = b"<!DOCTYPE html>\n<html>Please log in</html>"
        with serve(Answers(page, headers={"Content-Type": kind})) as server:
            text = refusal(fetch, server.address)
        assert "a web page" in text or "begins with b'<!DOCTYPE html>" in text
        assert kept(fetch) == set()

    def test_an_endless_body_of_another_kind_is_refused_at_its_first_bytes(self, fetch):
        with serve(Answers(b"a log line\n" * 999, endless=True)) as server:
            text = refusal(fetch, server.address, max_bytes=1 << 40)
        assert "begins with b'a log line" in text

    @pytest.mark.parametrize(
        "answers",
        [
            pytest.param({}, id="announced"),
            pytest.param({"chunked": True}, id="chunked"),
            pytest.param({"endless": True}, id="endless"),
        ],
    )
    def test_a_file_of_more_than_the_limit_is_refused(self, fetch, answers):
        with serve(Answers(BODY, **answers)) as server:
            assert "10,000" in refusal(fetch, server.address, max_bytes=10_000)
        assert kept(fetch) == set()

    def test_an_empty_body_is_refused(self, fetch):
        with serve(Answers(b"")) as server:
            assert "not a" in refusal(fetch, server.address)

    def test_redirections_end(self, fetch):
        answers = Answers(BODY, faults=[302] * 99)
        with serve(answers) as server:
            answers.headers["Location"] = server.address
            assert "redirects" in refusal(fetch, server.address)
        assert len(server.sent) < 40

    def test_terminal_escapes_of_a_server_are_not_shown(self, fetch):
        escape = "\x1b]0;owned\x07\x1b[31mred\x9b"
        with (
            serve(Answers(b"", faults=[404], reason=escape)) as one,
            serve(Answers(b"", headers={"Content-Type": f"text/html{escape}"})) as two,
            serve(Answers(escape.encode("latin-1"))) as three,
        ):
            text = refusal(fetch, one.address, two.address, three.address)
        assert "owned" in text
        assert all(line.isprintable() for line in fetch.lines())


class TestDigests:
    def test_the_digest_of_the_config_may_be_in_capitals(self, fetch, mirror):
        assert fetch(str(mirror), sha256=DIGEST.upper()) == BODY

    def test_another_digest_than_the_config_s_is_refused(self, fetch, mirror):
        text = refusal(fetch, str(mirror), sha256="0" * 64)
        assert f"its SHA-256 is {DIGEST}, but must be {'0' * 64}" in text
        assert kept(fetch) == set()

    def test_a_mirror_with_another_digest_is_passed_over(self, fetch, tmp_path, mirror):
        (tmp_path / NAME).write_bytes(OTHER)
        assert fetch(str(tmp_path), str(mirror), sha256=DIGEST) == BODY

    def test_a_mirror_changed_since_the_first_download_is_refused(self, fetch, mirror):
        fetch(str(mirror))
        (fetch.folder / NAME).unlink()
        (mirror / NAME).write_bytes(OTHER)
        text = refusal(fetch, str(mirror))
        assert f"must be {DIGEST}" in text
        assert f"delete {fetch.folder / NAME}.sha256 to accept another file" in text
        assert kept(fetch) == {f"{NAME}.sha256"}

    def test_a_file_changed_in_its_place_is_refused_and_stays(self, fetch, mirror):
        fetch(str(mirror))
        (fetch.folder / NAME).write_bytes(OTHER)
        assert f"{NAME}.sha256 has {DIGEST}; delete the file" in refusal(fetch, str(mirror))
        assert "the config gives" in refusal(fetch, str(mirror), sha256=DIGEST)
        assert (fetch.folder / NAME).read_bytes() == OTHER

    def test_a_cut_archive_is_not_pinned(self, fetch, mirror):
        (mirror / NAME).write_bytes(BODY[:-9])
        assert "not a whole gzip file" in refusal(fetch, str(mirror))
        assert kept(fetch) == set()

    def test_a_folder_that_cannot_be_made_is_one_line(self, fetch, mirror):
        fetch.folder.write_text("a file")
        assert "cannot be kept there" in refusal(fetch, str(mirror))


class TestFilesOfTheUser:
    @pytest.fixture
    def path(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        path = Path(FOLDER) / NAME
        path.parent.mkdir(parents=True)
        path.write_bytes(BODY)
        return path

    def test_a_good_one_is_pinned_as_sha256sum_does(self, path):
        pin_file(path, {})
        assert path.with_name(f"{NAME}.sha256").read_text() == f"{DIGEST}  {NAME}\n"

    def test_files_elsewhere_and_pinned_ones_are_left_alone(self, path, tmp_path):
        write_pin(path, DIGEST, "https://x.org/a")
        pin_file(path, {})
        assert read_pin(path) == (DIGEST, "https://x.org/a")
        (tmp_path / "a.csv").write_text("")
        pin_file(Path("a.csv"), {})
        pin_file(None, {})
        assert [one.name for one in tmp_path.glob("*.sha256")] == []

    def test_a_bad_one_is_refused_and_not_pinned(self, fetch):
        fetch.folder.mkdir()
        (fetch.folder / NAME).write_bytes(b"junk")
        assert "not a whole gzip file" in refusal(fetch)
        assert kept(fetch) == {NAME}


@pytest.mark.parametrize("text", ["", "abc", "\xff"], ids=["empty", "short", "no text"])
def test_a_damaged_pin_is_refused(tmp_path, text):
    (tmp_path / NAME).write_bytes(BODY)
    (tmp_path / f"{NAME}.sha256").write_text(text, encoding="latin-1")
    assert "delete it" in refusal(partial(check_pin, tmp_path / NAME), None)
