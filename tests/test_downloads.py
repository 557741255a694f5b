"""Downloads from servers that fail in every way, and the digests that are kept."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import random
import tarfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from filelock import FileLock

from deltaloss.datasets.archives import extract
from deltaloss.datasets.downloads import fetch_archive, read_record
from deltaloss.datasets.originals import read_mazes
from deltaloss.datasets.transfers import Patience
from deltaloss.errors import DataError

from .servers import Answers, serve

DATA = Path(os.environ.get("DATA_DIR", Path(__file__).resolve().parents[2] / "shared" / "data"))
NAME = "some_data.tar.gz"
QUICK = Patience(
    connect_seconds=1, read_seconds=0.2, attempts=3, backoff_seconds=0.01, line_seconds=0
)


def tar_gz(seed=0, size=50_000):
    """Give an archive of noise; all of one size are of the same length."""
    noise = random.Random(seed).randbytes(size)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        member = tarfile.TarInfo("some_data/noise")
        member.size = size
        tar.addfile(member, io.BytesIO(noise))
    return gzip.compress(buffer.getvalue(), compresslevel=0, mtime=0)


BODY = tar_gz()
DIGEST = hashlib.sha256(BODY).hexdigest()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def fetch(tmp_path):
    """Fetch into a folder; `fetch.lines` are the lines of progress."""

    def fetch(*mirrors, sha256=None, patience=QUICK):
        return fetch_archive(
            NAME,
            mirrors=mirrors,
            folder=tmp_path / "cache",
            sha256=sha256,
            progress=fetch.lines.append,
            patience=patience,
        )

    fetch.lines = []
    fetch.folder = tmp_path / "cache"
    return fetch


def kept(fetch):
    """Give the names of the files in the cache folder that matter to the user."""
    return {path.name for path in fetch.folder.iterdir() if path.suffix != ".lock"}


def refusal(call, *args, **kwargs):
    """Give the one line of a refusal, which names the archive."""
    with pytest.raises(DataError) as caught:
        call(*args, **kwargs)
    text = str(caught.value)
    assert "\n" not in text
    assert NAME in text
    return text


class TestWhole:
    def test_the_bytes_and_the_record(self, fetch):
        with serve(Answers(BODY)) as server:
            path = fetch(server.address)
        assert path == fetch.folder / NAME
        assert path.read_bytes() == BODY
        assert kept(fetch) == {NAME, f"{NAME}.sha256"}
        record = read_record(path)
        assert (record.sha256, record.address) == (DIGEST, server.address)
        assert any("MB/s" in line for line in fetch.lines)
        assert all("\n" not in line for line in fetch.lines)

    def test_the_second_time_nothing_is_asked_for(self, fetch):
        with serve(Answers(BODY)) as server:
            fetch(server.address)
            fetch(server.address)
        assert len(server.sent) == 1

    @pytest.mark.parametrize(
        "answers",
        [
            Answers(BODY, chunked=True),
            Answers(BODY, headers={"Content-Encoding": "gzip"}),
            Answers(BODY, headers={"Content-Encoding": "x-gzip", "Content-Type": "text/plain"}),
            Answers(BODY, ranges=False, etag=None),
        ],
    )
    def test_other_manners_of_sending(self, fetch, answers):
        with serve(answers) as server:
            assert fetch(server.address).read_bytes() == BODY

    def test_a_local_folder_and_a_file_address(self, fetch, tmp_path):
        source = tmp_path / "a folder ü"
        source.mkdir()
        (source / NAME).write_bytes(BODY)
        for mirror in (str(source), source.as_uri(), f"{source.as_uri()}/"):
            path = fetch(mirror)
            assert path.read_bytes() == BODY
            path.unlink()

    def test_an_archive_put_there_by_hand_is_recorded(self, fetch):
        fetch.folder.mkdir()
        (fetch.folder / NAME).write_bytes(BODY)
        assert read_record(fetch.folder / NAME) is None
        record = read_record(fetch())
        assert (record.sha256, record.address) == (DIGEST, "")

    def test_the_record_can_be_checked_with_sha256sum(self, fetch, tmp_path):
        (tmp_path / NAME).write_bytes(BODY)
        fetch(str(tmp_path))
        lines = (fetch.folder / f"{NAME}.sha256").read_text().splitlines()
        assert lines == [f"# from {tmp_path}", f"{DIGEST}  {NAME}"]


class TestMirrors:
    def test_the_next_is_tried(self, fetch, tmp_path):
        (tmp_path / NAME).write_bytes(BODY)
        with serve(Answers(b"", faults=[404])) as server:
            fetch(str(tmp_path / "absent"), server.address, str(tmp_path))
        assert server.sent == [0]
        assert read_record(fetch.folder / NAME).address == str(tmp_path)

    def test_all_are_named_with_their_reasons(self, fetch, tmp_path):
        with serve(Answers(b"", faults=[404])) as one, serve(Answers(b"", faults=[403])) as two:
            text = refusal(fetch, one.address, two.address, str(tmp_path), "ftp://host/folder")
        assert f"{one.address}: the server answers 404 Not Found" in text
        assert f"{two.address}: the server answers 403 Forbidden" in text
        assert f"{tmp_path}: there is no such file there" in text
        assert "ftp://host/folder: not an https://" in text
        assert kept(fetch) == set()

    def test_no_server_and_no_mirror(self, fetch):
        with serve(Answers(BODY)) as server:
            pass
        assert "Connection refused" in refusal(fetch, server.address)
        assert "there are no mirrors" in refusal(fetch)

    def test_another_mirror_goes_on_where_one_broke(self, fetch):
        one = Answers(BODY, faults=["drop"] + [503] * 9)
        with serve(one) as first, serve(Answers(BODY, etag='"two"')) as second:
            assert fetch(first.address, second.address).read_bytes() == BODY
        assert sum(first.sent) + sum(second.sent) == len(BODY)
        assert second.validators == [""]

    def test_passwords_are_not_shown(self, fetch):
        with serve(Answers(BODY)) as server:
            fetch(server.address.replace("//", "//me:secret@"))
        written = (fetch.folder / f"{NAME}.sha256").read_text()
        assert "secret" not in "".join([written, *fetch.lines])

    @pytest.mark.parametrize("name", ["", "..", "a/b.tar.gz", "/b.tar.gz"])
    def test_a_name_that_is_a_path(self, tmp_path, name):
        with pytest.raises(DataError, match="without folders"):
            fetch_archive(name, mirrors=[], folder=tmp_path, sha256=None, progress=print)


class TestBroken:
    @pytest.mark.parametrize("status", [500, 503, 429, 408])
    def test_a_server_in_trouble_is_asked_again(self, fetch, status):
        with serve(Answers(BODY, faults=[status, status])) as server:
            assert fetch(server.address).read_bytes() == BODY
        assert len(server.sent) == 3
        assert any(f"answers {status}" in line and "next attempt" in line for line in fetch.lines)

    def test_a_server_that_says_nothing(self, fetch):
        with serve(Answers(BODY, faults=["mute"], stall_seconds=0.4)) as server:
            assert fetch(server.address).read_bytes() == BODY
        assert any("does not answer in time" in line for line in fetch.lines)

    def test_not_for_ever(self, fetch):
        with serve(Answers(BODY, faults=[500] * 9)) as server:
            text = refusal(fetch, server.address)
        assert len(server.sent) == QUICK.attempts
        assert "500 Internal Server Error (3 attempts)" in text

    @pytest.mark.parametrize("fault", ["drop", "stall"])
    def test_only_the_rest_is_sent(self, fetch, fault):
        half = (len(BODY) + 1) // 2
        with serve(Answers(BODY, faults=[fault])) as server:
            assert fetch(server.address).read_bytes() == BODY
        assert server.ranges == ["", f"bytes={half}-"]
        assert server.validators == ["", '"one"']
        assert server.sent == [half, len(BODY) - half]

    def test_many_breaks_with_some_gain_each(self, fetch):
        with serve(Answers(BODY, faults=["drop"] * 7)) as server:
            assert fetch(server.address).read_bytes() == BODY
        assert sum(server.sent) == len(BODY)

    def test_without_ranges_it_starts_over(self, fetch):
        with serve(Answers(BODY, faults=["drop", "drop"], ranges=False)) as server:
            assert fetch(server.address).read_bytes() == BODY
        assert server.sent[-1] == len(BODY)

    def test_a_file_that_changed_meanwhile_starts_over(self, fetch):
        answers = Answers(tar_gz(seed=1), faults=["drop"] + [503] * 9)
        with serve(answers) as server:
            refusal(fetch, server.address)
            answers.body, answers.etag, answers.faults = BODY, '"two"', []
            assert fetch(server.address).read_bytes() == BODY
        assert server.sent[-1] == len(BODY)

    def test_a_file_that_changed_unnoticed_is_fetched_anew(self, fetch):
        answers = Answers(tar_gz(seed=1), faults=["drop"] + [503] * 9)
        with serve(answers) as server:
            refusal(fetch, server.address)
            answers.body, answers.faults = BODY, []
            assert fetch(server.address).read_bytes() == BODY
        assert any("starting over" in line for line in fetch.lines)

    def test_the_next_job_goes_on(self, fetch):
        answers = Answers(BODY, faults=["drop"] + [503] * 9)
        with serve(answers) as server:
            refusal(fetch, server.address)
            assert kept(fetch) == {f"{NAME}.part", f"{NAME}.part.json"}
            answers.faults.clear()
            fetch(server.address)
        assert sum(server.sent) == len(BODY)
        assert kept(fetch) == {NAME, f"{NAME}.sha256"}

    def test_a_job_stopped_after_the_last_byte(self, fetch):
        answers = Answers(BODY, faults=["drop"] + [503] * 9)
        with serve(answers) as server:
            refusal(fetch, server.address)
            (fetch.folder / f"{NAME}.part").write_bytes(BODY)
            assert fetch(server.address).read_bytes() == BODY
        assert sum(server.sent) < len(BODY)

    @pytest.mark.parametrize("span", ["bytes 0-9", "bytes {0}-{1}/1 of", "", "pages {0}-{1}"])
    def test_a_rest_from_elsewhere_is_not_taken(self, fetch, span):
        with serve(Answers(BODY, faults=["drop"], content_range=span.format)) as server:
            assert fetch(server.address).read_bytes() == BODY
        assert server.sent[-1] == len(BODY)


class TestLies:
    @pytest.mark.parametrize("ranges", [True, False])
    def test_fewer_bytes_than_announced(self, fetch, ranges):
        with serve(Answers(BODY, announced=100, ranges=ranges)) as server:
            text = refusal(fetch, server.address)
        assert (
            f"after {len(BODY):,} of {len(BODY) + 100:,} bytes" in text or "nothing after" in text
        )
        assert NAME not in kept(fetch)

    @pytest.mark.parametrize("length", [1000, len(BODY) - 1])
    def test_more_bytes_than_announced(self, fetch, length):
        with serve(Answers(BODY, headers={"Content-Length": str(length)})) as server:
            text = refusal(fetch, server.address)
        assert "not a whole gzip file" in text
        assert kept(fetch) == set()

    @pytest.mark.parametrize("length", ["many", "-5"])
    def test_a_length_that_is_none(self, fetch, length):
        with serve(Answers(BODY, headers={"Content-Length": length})) as server:
            assert fetch(server.address).read_bytes() == BODY

    @pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/gzip"])
    def test_a_web_page(self, fetch, kind):
        page = b"<!DOCTYPE html>\n<html>Please log in</html>"
        with serve(Answers(page, headers={"Content-Type": kind})) as server:
            text = refusal(fetch, server.address)
        assert "a web page" in text or "begins with b'<!DOCTYPE html>" in text
        assert kept(fetch) == set()

    def test_nothing(self, fetch):
        with serve(Answers(b"")) as server:
            assert "not a gzip file" in refusal(fetch, server.address)

    def test_a_cut_archive_is_not_recorded(self, fetch, tmp_path):
        (tmp_path / NAME).write_bytes(BODY[:-9])
        assert "not a whole gzip file" in refusal(fetch, str(tmp_path))
        assert kept(fetch) == set()

    @pytest.mark.parametrize("chunked", [True, False])
    def test_too_large_a_file(self, fetch, tmp_path, chunked):
        small = Patience(max_bytes=10_000, backoff_seconds=0.01)
        with serve(Answers(BODY, chunked=chunked)) as server:
            assert "10,000" in refusal(fetch, server.address, patience=small)
        assert NAME not in kept(fetch)

    def test_redirections_without_end(self, fetch):
        answers = Answers(BODY, faults=[302] * 99)
        with serve(answers) as server:
            answers.headers["Location"] = server.address
            text = refusal(fetch, server.address)
        assert "redirects" in text
        assert len(server.sent) < 40


class TestDigests:
    def test_the_config_has_it_right(self, fetch, tmp_path):
        (tmp_path / NAME).write_bytes(BODY)
        assert fetch(str(tmp_path), sha256=DIGEST.upper()).read_bytes() == BODY
        assert read_record(fetch.folder / NAME).sha256 == DIGEST

    def test_the_config_has_another(self, fetch, tmp_path):
        (tmp_path / NAME).write_bytes(BODY)
        text = refusal(fetch, str(tmp_path), sha256="0" * 64)
        assert f"its SHA-256 is {DIGEST}, but the config gives {'0' * 64}" in text
        assert kept(fetch) == set()

    def test_a_wrong_mirror_is_passed_over(self, fetch, tmp_path):
        for name, seed in (("wrong", 1), ("right", 0)):
            (tmp_path / name).mkdir()
            (tmp_path / name / NAME).write_bytes(tar_gz(seed))
        mirrors = [str(tmp_path / name) for name in ("wrong", "right")]
        assert fetch(*mirrors, sha256=DIGEST).read_bytes() == BODY

    def test_a_file_changed_in_the_cache(self, fetch, tmp_path):
        (tmp_path / NAME).write_bytes(BODY)
        path = fetch(str(tmp_path))
        path.write_bytes(tar_gz(seed=1))
        assert f"{NAME}.sha256 records {DIGEST}; delete it" in refusal(fetch, str(tmp_path))
        assert "the config gives" in refusal(fetch, str(tmp_path), sha256=DIGEST)
        assert path.read_bytes() == tar_gz(seed=1)

    def test_a_mirror_changed_since_the_first_download(self, fetch, tmp_path):
        (tmp_path / NAME).write_bytes(BODY)
        fetch(str(tmp_path)).unlink()
        (tmp_path / NAME).write_bytes(tar_gz(seed=1))
        assert f"{NAME}.sha256 records {DIGEST}" in refusal(fetch, str(tmp_path))
        assert kept(fetch) == {f"{NAME}.sha256"}

    @pytest.mark.parametrize("text", ["", "abc", "\xff"])
    def test_a_damaged_record(self, fetch, tmp_path, text):
        (tmp_path / NAME).write_bytes(BODY)
        fetch(str(tmp_path))
        (fetch.folder / f"{NAME}.sha256").write_text(text, encoding="latin-1")
        assert "delete the file" in refusal(fetch, str(tmp_path))

    def test_a_page_put_there_by_hand(self, fetch):
        fetch.folder.mkdir()
        (fetch.folder / NAME).write_bytes(b"<html>")
        assert "not a gzip file" in refusal(fetch)


def test_two_jobs_fetch_one_after_the_other(fetch):
    fetch.folder.mkdir()
    with serve(Answers(BODY)) as server:
        with FileLock(fetch.folder / f".{NAME}.lock"):
            job = threading.Thread(target=fetch, args=[server.address])
            job.start()
            job.join(timeout=0.2)
            assert server.sent == []
        job.join()
        assert fetch(server.address).read_bytes() == BODY
    assert len(server.sent) == 1
    assert any("waiting for another job" in line for line in fetch.lines)


def test_a_folder_that_cannot_be_made(fetch, tmp_path):
    (tmp_path / "cache").write_text("a file")
    assert "cannot be kept there" in refusal(fetch, str(tmp_path))


def test_a_plain_server_over_the_shared_archives(tmp_path):
    if not (DATA / "easy_to_hard").is_dir():
        pytest.skip(f"{DATA / 'easy_to_hard'} is absent: set DATA_DIR to the folder of shared data")
    handler = partial(SimpleHTTPRequestHandler, directory=DATA / "easy_to_hard")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        path = fetch_archive(
            "maze_data_test_13.tar.gz",
            mirrors=[f"http://127.0.0.1:{server.server_address[1]}/"],
            folder=tmp_path / "archives",
            sha256=None,
            progress=print,
        )
        server.shutdown()
        thread.join()
    folder = extract(path, tmp_path / "unpacked", max_bytes=10**8)
    assert read_mazes(folder, split="test", size=13).inputs.shape == (50, 3, 32, 32)
