"""Archives opened as if an enemy had made them: only plain files and folders, and not too much.

Whatever a member's header says, no more than the declared limit is unpacked, and never more than a
little of it is in memory.
"""

from __future__ import annotations

import gzip
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from deltaloss.errors import DataError

MOST_MEMBERS = 10_000

_LARGEST_READ = 1 << 20  # bytes: a header that asks for more wants to fill the memory
_BLOCK = tarfile.BLOCKSIZE


def extract(archive: Path, folder: Path, *, max_bytes: int) -> Path:
    """Unpack a .tar.gz into `folder`, which appears, or is replaced, only when all is unpacked.

    Args:
        archive: gzipped tar.
        folder: where its members go.
        max_bytes: most bytes that it may unpack to, headers included.

    Raises:
        DataError: no such file, not a gzipped tar, cut or corrupt; members that are absolute, leave
            the folder, are there twice or are neither file nor folder; too many members or bytes.
    """
    temporary = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        temporary.mkdir(parents=True)
        _unpack(archive, temporary, max_bytes)
        if folder.exists():
            shutil.rmtree(folder)
        temporary.replace(folder)
    except OSError as error:
        raise DataError(f"{archive}: cannot be unpacked: {error.strerror or error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def check_gzip(archive: Path, *, max_bytes: int) -> None:
    """Unpack a gzip file to nowhere, to see that it is whole.

    Raises:
        DataError: not a gzip file, cut, corrupt, or of more than `max_bytes` when unpacked.
    """
    with _opened(archive, max_bytes) as stream:
        stream.drain()


def _unpack(archive: Path, folder: Path, max_bytes: int) -> None:
    with (
        _opened(archive, max_bytes) as stream,
        # typeshed wants a whole file object, tarfile reads, seeks and tells
        tarfile.open(fileobj=stream, mode="r:") as tar,  # type: ignore[call-overload]
    ):
        names: set[PurePosixPath] = set()
        for member in tar:
            if len(names) == MOST_MEMBERS:
                raise DataError(f"{archive}: more than {MOST_MEMBERS:,} members")
            _check_member(archive, member, names, max_bytes)
            tar.extract(member, folder, filter="data")
        if any(stream.last_read) or len(stream.last_read) != _BLOCK:
            raise DataError(f"{archive}: the tar inside has no end, it is cut or corrupt")
        stream.drain()


def _check_member(
    archive: Path, member: tarfile.TarInfo, names: set[PurePosixPath], max_bytes: int
) -> None:
    """Refuse a member that is not a plain file or folder inside, or too large; note its name."""
    name = PurePosixPath(member.name)
    reason = ""
    if name.is_absolute():
        reason = "has an absolute path"
    elif ".." in name.parts:
        reason = "leaves the folder"
    elif not (member.isdir() or member.isreg()) or member.issparse():
        reason = f"is {_kind(member)}; only files and folders are taken"
    elif name in names:
        reason = "is there twice"
    elif member.size < 0 or member.offset_data + member.size > max_bytes:
        reason = f"has {member.size:,} bytes; the archive may unpack to {max_bytes:,}"
    if reason:
        raise DataError(f"{archive}: the member {member.name!r} {reason}")
    names.add(name)


def _kind(member: tarfile.TarInfo) -> str:
    if member.issparse():
        return "a sparse file"
    if member.issym() or member.islnk():
        return f"a link to {member.linkname!r}"
    return "a device or pipe" if member.isdev() else f"of the unknown type {member.type!r}"


@contextmanager
def _opened(archive: Path, max_bytes: int) -> Iterator[_Unpacked]:
    """Give the unpacked bytes; what the libraries say of a bad archive becomes one line."""
    try:
        with archive.open("rb") as packed, gzip.open(packed) as unpacked:
            yield _Unpacked(unpacked, archive, max_bytes)
    except FileNotFoundError as error:
        raise DataError(f"{archive}: there is no such archive") from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{archive}: not a whole gzip file: {error}") from error
    except (tarfile.TarError, OverflowError, ValueError, RecursionError) as error:
        raise DataError(f"{archive}: not a good tar inside: {error}") from error


class _Unpacked:
    """The unpacked bytes of an archive, read only as far as is allowed.

    tarfile reads the headers of long names and of extended attributes in one go, however long they
    claim to be; the limit of one read keeps them out of memory.
    """

    def __init__(self, stream: gzip.GzipFile, archive: Path, max_bytes: int) -> None:
        self.last_read = b""
        self._stream, self._archive, self._max_bytes = stream, archive, max_bytes

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes."""
        if not 0 <= size <= _LARGEST_READ:
            raise DataError(f"{self._archive}: a header in it claims {size:,} bytes")
        self._check(self._stream.tell())
        self.last_read = self._stream.read(size)
        return self.last_read

    def seek(self, place: int) -> int:
        """Go to a place, unpacking what lies before it."""
        self._check(place)
        return self._stream.seek(place)

    def tell(self) -> int:
        """Give the place of the next byte."""
        return self._stream.tell()

    def drain(self) -> None:
        """Read to the end, which checks the checksum."""
        while self.read(_LARGEST_READ):
            pass

    def _check(self, place: int) -> None:
        if place > self._max_bytes:
            raise DataError(
                f"{self._archive}: unpacks to more than the {self._max_bytes:,} bytes allowed"
            )
