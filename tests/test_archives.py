"""Archives made by an enemy: each is refused in one line and leaves nothing behind."""

from __future__ import annotations

import gzip
import io
import os
import struct
import tarfile

import pytest

from deltaloss.datasets import archives
from deltaloss.datasets.archives import check_gzip, extract
from deltaloss.errors import DataError

LIMIT = 10**6


def refusal(call, *args, **kwargs):
    """Give the one line of a refusal."""
    with pytest.raises(DataError) as caught:
        call(*args, **kwargs)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def member(name, kind=tarfile.REGTYPE, **changes):
    info = tarfile.TarInfo(name)
    info.type = kind
    for key, value in changes.items():
        setattr(info, key, value)
    return info


def tar_bytes(*members, content=b"bits"):
    """Give an unpacked tar; plain files hold `content`."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for info in members:
            if info.isreg() and not info.size:
                info.size = len(content)
            tar.addfile(info, io.BytesIO(content) if info.isreg() else None)
    return buffer.getvalue()


@pytest.fixture
def unpack(tmp_path):
    """Unpack bytes of an archive; whatever happens, nothing half-made stays and nothing escapes."""

    def unpack(packed, max_bytes=LIMIT):
        inside = tmp_path / "inside"
        inside.mkdir(exist_ok=True)
        archive = inside / "some.tar.gz"
        archive.write_bytes(packed)
        try:
            return extract(archive, inside / "unpacked", max_bytes=max_bytes)
        finally:
            assert {path.name for path in tmp_path.iterdir()} == {"inside"}
            assert {path.name for path in inside.iterdir()} <= {"some.tar.gz", "unpacked"}

    return unpack


class TestExtract:
    def test_files_and_folders(self, unpack):
        folder = unpack(
            gzip.compress(tar_bytes(member("./a", tarfile.DIRTYPE), member("./a/b"), member("c/d")))
        )
        assert (folder / "a" / "b").read_bytes() == (folder / "c" / "d").read_bytes() == b"bits"

    def test_an_older_folder_is_replaced(self, unpack):
        unpack(gzip.compress(tar_bytes(member("old"))))
        folder = unpack(gzip.compress(tar_bytes(member("new"))))
        assert {path.name for path in folder.iterdir()} == {"new"}

    def test_an_older_folder_stays_when_the_archive_is_bad(self, unpack):
        folder = unpack(gzip.compress(tar_bytes(member("old"))))
        refusal(unpack, b"nothing")
        assert (folder / "old").exists()

    @pytest.mark.parametrize(
        ("info", "reason"),
        [
            (member("../out"), "'../out' leaves the folder"),
            (member("a/../../out"), "leaves the folder"),
            (member("/tmp/out"), "absolute path"),
            (member("link", tarfile.SYMTYPE, linkname="/etc/passwd"), "a link to '/etc/passwd'"),
            (member("link", tarfile.SYMTYPE, linkname="a"), "a link to"),
            (member("link", tarfile.LNKTYPE, linkname="../some.tar.gz"), "a link to"),
            (member("pipe", tarfile.FIFOTYPE), "a device or pipe"),
            (member("null", tarfile.CHRTYPE, devmajor=1, devminor=3), "a device or pipe"),
            (member("disk", tarfile.BLKTYPE), "a device or pipe"),
            (member("odd", b"Z"), "of the unknown type b'Z'"),
            (member("a"), "is there twice"),
            (member("a\nb/../.."), "leaves the folder"),
        ],
    )
    def test_hostile_members(self, unpack, info, reason):
        assert reason in refusal(unpack, gzip.compress(tar_bytes(member("a"), info)))

    def test_a_file_used_as_a_folder(self, unpack):
        assert "cannot be unpacked" in refusal(
            unpack, gzip.compress(tar_bytes(member("a"), member("a/b")))
        )

    def test_more_bytes_than_allowed(self, unpack):
        big = gzip.compress(tar_bytes(member("zeros"), content=bytes(2 * LIMIT)))
        assert len(big) < LIMIT / 100
        assert f"may unpack to {LIMIT:,}" in refusal(unpack, big)

    def test_more_bytes_than_allowed_in_small_members(self, unpack):
        small = [member(f"zeros{i}") for i in range(30)]
        packed = gzip.compress(tar_bytes(*small, content=bytes(LIMIT // 20)))
        assert f"may unpack to {LIMIT:,}" in refusal(unpack, packed)

    def test_more_bytes_than_allowed_after_the_end(self, unpack):
        packed = gzip.compress(tar_bytes(member("a")) + bytes(3 * LIMIT))
        assert f"more than the {LIMIT:,} bytes" in refusal(unpack, packed)

    def test_too_many_members(self, unpack, monkeypatch):
        monkeypatch.setattr(archives, "MOST_MEMBERS", 5)
        packed = gzip.compress(tar_bytes(*[member(f"f{i}") for i in range(6)]))
        assert "more than 5 members" in refusal(unpack, packed)

    @pytest.mark.parametrize("kind", [b"x", b"g", b"L", b"K"])
    def test_a_header_that_would_fill_the_memory(self, unpack, kind):
        header = member("long", kind, size=1 << 33).tobuf(tarfile.GNU_FORMAT)
        packed = gzip.compress(header + bytes(4096))
        assert "a header in it claims 8,589,934,592 bytes" in refusal(unpack, packed)

    @pytest.mark.parametrize("kind", [tarfile.REGTYPE, b"x", b"L"])
    def test_a_negative_size(self, unpack, kind):
        header = bytearray(member("back", kind).tobuf(tarfile.GNU_FORMAT))
        header[124:136] = b"\xff" * 10 + struct.pack(">h", -1024)
        header[148:156] = b" " * 8
        header[148:156] = b"%06o\0 " % sum(header)
        assert refusal(unpack, gzip.compress(bytes(header) + bytes(2048)))

    def test_headers_of_headers_without_end(self, unpack):
        record = b"11 a=bcdef\n"
        header = member("x", b"x", size=len(record)).tobuf(tarfile.PAX_FORMAT)
        packed = gzip.compress((header + record.ljust(512, b"\0")) * 900)
        assert "not a good tar" in refusal(unpack, packed)

    def test_a_sparse_file(self, unpack):
        info = member("sparse", tarfile.GNUTYPE_SPARSE)
        header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
        header[386:398] = b"%011o\0" % 0
        header[398:410] = b"%011o\0" % 0
        header[483:495] = b"%011o\0" % (1 << 32)
        header[148:156] = b" " * 8
        header[148:156] = b"%06o\0 " % sum(header)
        assert "a sparse file" in refusal(unpack, gzip.compress(bytes(header) + bytes(1024)))

    @pytest.mark.parametrize("kept", [0, 1, 9, 30, -9, -1])
    def test_a_cut_gzip(self, unpack, kept):
        packed = gzip.compress(tar_bytes(member("a"), content=bytes(range(256)) * 40))
        assert "some.tar.gz" in refusal(unpack, packed[:kept])

    def test_a_corrupt_gzip(self, unpack):
        packed = bytearray(gzip.compress(tar_bytes(member("a"), content=os.urandom(5000))))
        packed[2000] ^= 1
        assert "not a" in refusal(unpack, bytes(packed))

    def test_a_wrong_checksum_at_the_end(self, unpack):
        packed = bytearray(gzip.compress(tar_bytes(member("a"))))
        packed[-5] ^= 1
        assert "not a whole gzip file" in refusal(unpack, bytes(packed))

    @pytest.mark.parametrize("blocks", [1, 2, 3])
    def test_a_cut_tar_in_a_whole_gzip(self, unpack, blocks):
        whole = tar_bytes(member("a"), member("b"), content=bytes([1]) * 600)
        assert refusal(unpack, gzip.compress(whole[: 512 * blocks]))

    def test_a_tar_with_a_spoilt_header_inside(self, unpack):
        whole = bytearray(tar_bytes(member("a"), member("b")))
        whole[1024] ^= 1  # the second header's checksum fails, which tarfile takes for the end
        assert "no end" in refusal(unpack, gzip.compress(bytes(whole)))

    @pytest.mark.parametrize(
        "packed",
        [
            b"",
            b"<html>",
            gzip.compress(b""),
            gzip.compress(b"<html>" * 500),
            tar_bytes(member("a")),
        ],
    )
    def test_what_is_no_archive(self, unpack, packed):
        assert "some.tar.gz: not a" in refusal(unpack, packed)

    def test_no_archive_and_a_folder(self, tmp_path):
        assert "there is no such archive" in refusal(
            extract, tmp_path / "absent.tar.gz", tmp_path / "to", max_bytes=9
        )
        assert "Is a directory" in refusal(extract, tmp_path, tmp_path / "to", max_bytes=9)

    def test_check_gzip(self, tmp_path):
        path = tmp_path / "zeros.gz"
        path.write_bytes(gzip.compress(bytes(5 << 20)))
        check_gzip(path, max_bytes=5 << 20)
        assert "more than" in refusal(check_gzip, path, max_bytes=2 << 20)
