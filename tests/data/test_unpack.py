"""Hostile archives: each is refused in one line and leaves nothing behind."""

from __future__ import annotations

import gzip
import io
import os
import struct
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import zstandard

from deltaloss.core.errors import DataError
from deltaloss.data import unpack as module
from deltaloss.data.unpack import check_zstd, unpacked

LIMIT = 10**6


def member(name, kind=tarfile.REGTYPE, **changes):
    info = tarfile.TarInfo(name)
    info.type = kind
    for key, value in changes.items():
        setattr(info, key, value)
    return info


def tar_bytes(*members, content=b"bits"):
    """Make an unpacked tar; plain files hold `content`."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for info in members:
            if info.isreg() and not info.size:
                info.size = len(content)
            tar.addfile(info, io.BytesIO(content) if info.isreg() else None)
    return buffer.getvalue()


def pax_header(records, kind=b"x"):
    return (
        member("x", kind, size=len(records)).tobuf(tarfile.PAX_FORMAT)
        + records
        + bytes(-len(records) % 512)
    )


@pytest.fixture
def unpack(tmp_path):
    """Unpack bytes of an archive into {path: content}; nothing stays and nothing escapes."""

    def unpack(packed, max_bytes=LIMIT):
        inside = tmp_path / "inside"
        inside.mkdir(exist_ok=True)
        archive = inside / "some.tar.gz"
        archive.write_bytes(packed)
        try:
            with unpacked(archive, max_bytes=max_bytes) as folder:
                return {
                    str(path.relative_to(folder)): path.read_bytes()
                    for path in folder.rglob("*")
                    if path.is_file()
                }
        finally:
            assert list(tmp_path.iterdir()) == [inside]
            assert list(inside.iterdir()) == [archive]

    return unpack


def refusal(call, *args, **kwargs):
    """Return the one line of a refusal."""
    with pytest.raises(DataError) as caught:
        call(*args, **kwargs)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_files_and_folders_are_unpacked(unpack):
    packed = gzip.compress(
        tar_bytes(member("./a", tarfile.DIRTYPE), member("./a/b"), member("c/d"))
    )
    assert unpack(packed) == {"a/b": b"bits", "c/d": b"bits"}


def test_an_absolute_member_lands_inside(unpack):
    assert unpack(gzip.compress(tar_bytes(member("/tmp/out")))) == {"tmp/out": b"bits"}


@pytest.mark.parametrize(
    ("info", "reason"),
    [
        pytest.param(member("../out"), "outside the destination", id="above"),
        pytest.param(member("a/../../out"), "outside the destination", id="above a folder"),
        pytest.param(
            member("link", tarfile.SYMTYPE, linkname="/etc"), "not a plain file", id="link"
        ),
        pytest.param(
            member("link", tarfile.SYMTYPE, linkname="a"), "not a plain file", id="link inside"
        ),
        pytest.param(
            member("link", tarfile.LNKTYPE, linkname="a"), "not a plain file", id="hard link"
        ),
        pytest.param(member("pipe", tarfile.FIFOTYPE), "not a plain file", id="pipe"),
        pytest.param(
            member("null", tarfile.CHRTYPE, devmajor=1, devminor=3), "not a plain file", id="device"
        ),
        pytest.param(member("odd", b"Z"), "not a plain file", id="unknown type"),
        pytest.param(member("a/b/\x1b[31m", b"Z"), r"\x1b[31m", id="terminal escape"),
        pytest.param(member("/".join("a" * 400)), "more than 16 folders", id="400 folders"),
        pytest.param(
            member("/".join("a" * 400), tarfile.DIRTYPE), "more than 16 folders", id="folder"
        ),
        pytest.param(member("first/b"), "cannot be unpacked", id="a file as a folder"),
        pytest.param(member("b" * 300), "cannot be unpacked", id="a long name"),
    ],
)
def test_hostile_members_are_refused(unpack, info, reason):
    assert reason in refusal(unpack, gzip.compress(tar_bytes(member("first"), info)))


class TestSizes:
    @pytest.mark.parametrize(
        "tar",
        [
            pytest.param(tar_bytes(member("zeros"), content=bytes(2 * LIMIT)), id="one member"),
            pytest.param(
                tar_bytes(*[member(f"f{i}") for i in range(30)], content=bytes(LIMIT // 20)),
                id="many members",
            ),
            pytest.param(tar_bytes(member("a")) + bytes(3 * LIMIT), id="after the end"),
        ],
    )
    def test_more_bytes_than_allowed_are_refused(self, unpack, tar):
        assert f"more than the {LIMIT:,} bytes allowed" in refusal(unpack, gzip.compress(tar))

    def test_too_many_members_are_refused(self, unpack, monkeypatch):
        monkeypatch.setattr(module, "MOST_MEMBERS", 5)
        packed = gzip.compress(tar_bytes(*[member(f"f{i}") for i in range(6)]))
        assert "more than 5 members" in refusal(unpack, packed)

    @pytest.mark.parametrize(
        "kind",
        [
            pytest.param(b"x", id="pax"),
            pytest.param(b"g", id="global pax"),
            pytest.param(b"L", id="long name"),
            pytest.param(b"K", id="long link"),
        ],
    )
    @pytest.mark.parametrize("before", ["nothing", "a folder that claims as many bytes"])
    def test_a_header_that_claims_gigabytes_is_refused(self, unpack, kind, before):
        header = member("long", kind, size=1 << 33).tobuf(tarfile.GNU_FORMAT)
        if before != "nothing":
            folder = member("folder", tarfile.DIRTYPE, size=1 << 33)
            header = folder.tobuf(tarfile.GNU_FORMAT) + header
        text = refusal(unpack, gzip.compress(header + bytes(4096)), max_bytes=1 << 40)
        assert "headers have more than" in text

    def test_headers_of_many_members_stay_within_memory(self, tmp_path):
        """Global headers add up, and tarfile copies all of them for every member."""
        records = b"".join(b"15 key%06d=v\n" % i for i in range(3000))
        one = pax_header(records, b"g") + tar_bytes(member("a"))[:1024]
        archive = tmp_path / "some.tar.gz"
        archive.write_bytes(gzip.compress(one * 900 + bytes(1024)))
        program = (
            "import resource, sys; from pathlib import Path\n"
            "from deltaloss.data.unpack import unpacked\n"
            "resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))\n"
            "with unpacked(Path(sys.argv[1]), max_bytes=10**9): pass"
        )
        done = subprocess.run(
            [sys.executable, "-c", program, str(archive)],
            env={**os.environ, "PYTHONPATH": str(Path(module.__file__).parents[2])},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert "headers have more than" in done.stderr, done.stderr

    def test_headers_within_headers_end(self, unpack):
        packed = gzip.compress(pax_header(b"11 a=bcdef\n") * 900)
        assert "not a good tar" in refusal(unpack, packed)

    @pytest.mark.parametrize(
        "kind",
        [
            pytest.param(tarfile.REGTYPE, id="file"),
            pytest.param(b"x", id="pax"),
            pytest.param(b"L", id="long name"),
        ],
    )
    def test_a_negative_size_is_refused(self, unpack, kind):
        header = bytearray(member("back", kind).tobuf(tarfile.GNU_FORMAT))
        header[124:136] = b"\xff" * 10 + struct.pack(">h", -1024)
        assert refusal(unpack, gzip.compress(with_checksum(header) + bytes(2048)))

    def test_a_sparse_file_is_refused(self, unpack):
        header = bytearray(member("sparse", tarfile.GNUTYPE_SPARSE).tobuf(tarfile.GNU_FORMAT))
        header[386:398] = b"%011o\0" % 0
        header[398:410] = b"%011o\0" % 0
        header[483:495] = b"%011o\0" % (1 << 32)
        packed = gzip.compress(with_checksum(header) + bytes(1024))
        assert "not a plain file" in refusal(unpack, packed)


def with_checksum(header):
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


class TestDamage:
    @pytest.mark.parametrize("kept", [1, 9, 30, -9, -1])
    def test_a_cut_gzip_is_refused(self, unpack, kept):
        packed = gzip.compress(tar_bytes(member("a"), content=bytes(range(256)) * 40))
        assert "not a whole gzip file" in refusal(unpack, packed[:kept])

    def test_a_wrong_checksum_at_the_end_is_refused(self, unpack):
        packed = bytearray(gzip.compress(tar_bytes(member("a"))))
        packed[-5] ^= 1
        assert "not a whole gzip file" in refusal(unpack, bytes(packed))

    @pytest.mark.parametrize("blocks", [1, 2, 3])
    def test_a_cut_tar_in_a_whole_gzip_is_refused(self, unpack, blocks):
        whole = tar_bytes(member("a"), member("b"), content=bytes([1]) * 600)
        assert refusal(unpack, gzip.compress(whole[: 512 * blocks]))

    def test_a_spoilt_header_is_not_taken_for_the_end(self, unpack):
        whole = bytearray(tar_bytes(member("a"), member("b")))
        whole[1024] ^= 1
        assert "no end" in refusal(unpack, gzip.compress(bytes(whole)))

    @pytest.mark.parametrize(
        "packed",
        [
            pytest.param(b"", id="nothing"),
            pytest.param(b"<html>", id="page"),
            pytest.param(gzip.compress(b"", mtime=0), id="nothing in a gzip"),
            pytest.param(gzip.compress(b"<html>" * 500, mtime=0), id="page in a gzip"),
            pytest.param(tar_bytes(member("a")), id="tar"),
        ],
    )
    def test_files_of_another_kind_are_refused(self, unpack, packed):
        assert "some.tar.gz: not a" in refusal(unpack, packed)

    @pytest.mark.parametrize("name", ["absent.tar.gz", "."])
    def test_a_missing_archive_and_a_folder_are_refused(self, tmp_path, name):
        with (
            pytest.raises(DataError, match="no such archive"),
            unpacked(tmp_path / name, max_bytes=9),
        ):
            pass

    def test_errors_of_the_reader_pass_through(self, tmp_path):
        (tmp_path / "a.tar.gz").write_bytes(gzip.compress(tar_bytes(member("a"))))
        with pytest.raises(FileNotFoundError), unpacked(tmp_path / "a.tar.gz", max_bytes=LIMIT):
            (tmp_path / "b").read_bytes()


class TestZstd:
    WHOLE = zstandard.compress(b"text\n" * 1000) + zstandard.compress(b"more")

    def check(self, tmp_path, content, max_bytes=LIMIT):
        path = tmp_path / "some.zst"
        path.write_bytes(content)
        check_zstd(path, max_bytes=max_bytes)

    def test_all_frames_are_read(self, tmp_path):
        self.check(tmp_path, self.WHOLE)
        assert "more than the 5,003" in refusal(self.check, tmp_path, self.WHOLE, max_bytes=5003)

    @pytest.mark.parametrize("kept", [0, 3, 9, -1, -9])
    def test_a_cut_file_is_refused(self, tmp_path, kept):
        assert "zstd file" in refusal(self.check, tmp_path, self.WHOLE[:kept])

    def test_another_kind_is_refused(self, tmp_path):
        assert "not a good zstd file" in refusal(self.check, tmp_path, b"<html>" * 9)
