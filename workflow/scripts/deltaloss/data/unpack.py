"""Unpack archives that may be hostile: nothing leaves the folder, and sizes are bounded.

tarfile's `data` filter keeps members inside the folder. The limits here are on what a small archive
can make of itself: bytes on disk, number and depth of members, and headers, which tarfile reads
into memory however long they claim to be.
"""

from __future__ import annotations

import gzip
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

import zstandard

from deltaloss.core.errors import DataError

MOST_MEMBERS = 1000  # the published archives have up to 106
MOST_LEVELS = 16  # of folders
HEADER_BYTES = 2 << 20  # of all headers together; parsed, they take up to 100 times as much memory

_CHUNK = 1 << 20
_ZSTD_CHUNK = 1 << 10  # bytes; one decompresses to 32 MB at most


@contextmanager
def unpacked(archive: Path, *, max_bytes: int) -> Iterator[Path]:
    """Unpack a .tar.gz into a temporary folder beside it, removed at the end.

    Args:
        archive: gzipped tar.
        max_bytes: most bytes that it may unpack to, headers included.

    Raises:
        DataError: no such file; not a gzipped tar, cut or corrupt; members that leave the folder or
            are neither file nor folder; too many members, levels or bytes. Its text begins with
            the archive's path.
    """
    if not archive.is_file():
        raise DataError(f"{archive}: there is no such archive")
    with TemporaryDirectory(dir=archive.parent, prefix=".unpacked-") as folder:
        _unpack(archive, Path(folder), max_bytes)
        yield Path(folder)


def check_zstd(path: Path, *, max_bytes: int) -> None:
    """Decompress a .zst file without keeping the result.

    Raises:
        DataError: not a zstandard file, cut, corrupt, or of more than `max_bytes` when unpacked.
    """
    frame, complete, size = zstandard.ZstdDecompressor().decompressobj(), False, 0
    try:
        with path.open("rb") as file:
            while chunk := file.read(_ZSTD_CHUNK):
                while chunk:
                    size += len(frame.decompress(chunk))
                    if size > max_bytes:
                        raise _too_large(path, max_bytes)
                    chunk, complete = frame.unused_data, frame.eof
                    if complete:
                        frame = zstandard.ZstdDecompressor().decompressobj()
    except zstandard.ZstdError as error:
        raise DataError(f"{path}: not a good zstd file: {error}") from error
    if not complete:
        raise DataError(f"{path}: not a whole zstd file, it is cut off")


def _unpack(archive: Path, folder: Path, max_bytes: int) -> None:
    """Unpack into an empty folder; the libraries' errors become one line."""
    try:
        with archive.open("rb") as packed, gzip.open(packed) as stream:
            _extract(_LimitedReader(stream, archive, max_bytes), archive, folder)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{archive}: not a whole gzip file: {error}") from error
    except (tarfile.TarError, OverflowError, ValueError, RecursionError) as error:
        raise DataError(f"{archive}: not a good tar inside: {error}") from error
    except OSError as error:
        raise DataError(f"{archive}: cannot be unpacked: {error.strerror or error}") from error


def _extract(reader: _LimitedReader, archive: Path, folder: Path) -> None:
    count = 0
    # typeshed wants a whole file object; tarfile calls read, seek and tell
    with tarfile.open(fileobj=reader, mode="r:") as tar:  # type: ignore[call-overload]
        while member := tar.next():
            tar.members.clear()  # each holds a copy of all global headers
            count += 1
            if count > MOST_MEMBERS:
                raise DataError(f"{archive}: more than {MOST_MEMBERS:,} members")
            if reason := _refusal(member):
                raise DataError(f"{archive}: the member {member.name[:200]!r} {reason}")
            if member.isreg():
                reader.allow(member.size)
            tar.extract(member, folder, filter="data")
        reader.drain()


def _refusal(member: tarfile.TarInfo) -> str:
    """Why a member is refused that the `data` filter may accept; empty if it is not."""
    if not (member.isdir() or member.isreg()) or member.issparse():
        return "is not a plain file or folder"
    if len(PurePosixPath(member.name).parts) > MOST_LEVELS:
        return f"is nested in more than {MOST_LEVELS} folders"
    return ""


class _LimitedReader:
    """The unpacked bytes of an archive, of which no more than allowed are read.

    Attributes:
        last_read: bytes of the last read.
    """

    def __init__(self, stream: gzip.GzipFile, archive: Path, max_bytes: int) -> None:
        self.last_read = b""
        self._stream, self._archive, self._max_bytes = stream, archive, max_bytes
        self._left = HEADER_BYTES

    def allow(self, size: int) -> None:
        """Allow a member's content to be read too."""
        self._check(self._stream.tell() + size)
        self._left += size

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes."""
        if not 0 <= size <= self._left:
            raise DataError(f"{self._archive}: its headers have more than {HEADER_BYTES:,} bytes")
        self._left -= size
        self._check(self._stream.tell() + size)
        self.last_read = self._stream.read(size)
        return self.last_read

    def seek(self, place: int) -> int:
        """Go to a place further on."""
        self._check(place)
        return self._stream.seek(place)

    def tell(self) -> int:
        """Place of the next byte."""
        return self._stream.tell()

    def drain(self) -> None:
        """Check that the tar had an end, and the gzip's checksum at its end."""
        if any(self.last_read) or len(self.last_read) != tarfile.BLOCKSIZE:
            raise DataError(f"{self._archive}: the tar inside has no end, it is cut or corrupt")
        while self._stream.read(_CHUNK):
            self._check(self._stream.tell())

    def _check(self, place: int) -> None:
        if place > self._max_bytes:
            raise _too_large(self._archive, self._max_bytes)


def _too_large(path: Path, max_bytes: int) -> DataError:
    return DataError(
        f"{path}: unpacks to more than the {max_bytes:,} bytes allowed; raise "
        "archives.max_gigabytes if it may be so large"
    )
