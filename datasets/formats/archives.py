"""Tar, zip and compressed files, read in place as streams; damage is distinguished from a full disk.

Every stream is read to its end, also after the last member of a tar archive, so that its checksum is verified. Links
inside an archive are ignored.
"""

import bz2
import errno
import gzip
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, cast

from harness.core.errors import DataError

_BROKEN: tuple[type[Exception], ...] = (
    tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, zlib.error, EOFError, OSError, NotImplementedError,
    RuntimeError, UnicodeDecodeError,
)  # fmt: skip
"""Exceptions that libraries raise on damaged, encrypted or unknown archives."""

MAX_BYTES = 64 * 2**20
"""Largest size of one member; no news story or law comes near it."""


def _zstandard(path: Path) -> object:
    import pyarrow

    return pyarrow.input_stream(str(path), compression="zstd")


_MAGICS: dict[bytes, Callable[[Path], object]] = {
    b"\x1f\x8b": gzip.open,
    b"\xfd7zXZ\0": lzma.open,
    b"BZh": bz2.open,
    b"\x28\xb5\x2f\xfd": _zstandard,
}
"""First bytes of compressed files, and the function that opens them."""
_ENDINGS = (".zip", ".tar", ".tgz", ".gz", ".xz", ".bz2", ".zst")


@contextmanager
def archive_errors(path: Path, *more: type[Exception]) -> Iterator[None]:
    """Turns the exceptions of reading an archive into `DataError`.

    Args:
        path: Path of the archive.
        more: Further exceptions that mean damaged content.

    Raises:
        DataError: When the archive is damaged, or when this machine cannot read it (worded differently).
    """
    try:
        yield
    except _BROKEN + more as error:
        if isinstance(error, OSError) and error.strerror:
            hint = "; raise the limit with `ulimit -n 4096`" if error.errno == errno.EMFILE else ""
            raise DataError(f"{path} cannot be read: {error.strerror}{hint}.") from None
        raise DataError(f"{path} cannot be read to its end ({error}); get it again.") from None


def check_size(num_bytes: int, place: object) -> None:
    """Raises DataError for a member that is too long to be one text."""
    if num_bytes > MAX_BYTES:
        raise DataError(f"{place} has {num_bytes:,} bytes; {MAX_BYTES:,} are the most that one text may have.")


def tar_members(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Yields (name, content) of the wanted files of a tar archive, compressed or not, in its order.

    Args:
        path: Path of the archive; its first bytes determine the compression.
        wanted: Function of a member's name that decides whether it is read.

    Raises:
        DataError: When the archive is damaged or cut off, or a member is too long.
    """
    with archive_errors(path), _decompressed(path) as stream:
        with tarfile.open(fileobj=stream, mode="r|") as tar:
            for member in tar:
                if member.isreg() and wanted(member.name):
                    check_size(member.size, f"{path}, {member.name}")
                    content = tar.extractfile(member)
                    assert content is not None
                    yield member.name, content.read()
                tar.members.clear()  # type: ignore[attr-defined]  # It would keep them all.
        _drain(stream)


def read_members(source: Path, patterns: Iterable[str], wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Yields (name, content) of the wanted files of a folder, pattern by pattern, or of a tar archive, in its order.

    Args:
        source: A folder or a tar archive.
        patterns: Glob patterns below a folder; an archive is searched whole.
        wanted: Function of a file's name that decides whether it is read.

    Raises:
        DataError: When the archive is damaged or cut off, or a file is too long.
    """
    if source.is_file():
        yield from tar_members(source, wanted)
        return
    for path in (path for pattern in patterns for path in sorted(source.glob(pattern))):
        if path.is_file() and wanted(str(path)):
            check_size(path.stat().st_size, path)
            yield str(path), path.read_bytes()


@contextmanager
def open_member(source: Path, name: str, files: str) -> Iterator[IO[bytes]]:
    """Opens a file of a folder, a zip or a tar archive, at any depth; archives are read in place.

    Args:
        source: The folder or archive.
        name: Name of the file, without folders.
        files: Description of a valid source, for errors.

    Raises:
        DataError: When the file is missing, or the source is no archive or damaged; also during reading.
    """
    missing = DataError(f"{source} holds no {name}; --source is {files}.")
    if source.is_dir():
        found = sorted(path for path in source.rglob(name) if path.is_file())
        if not found:
            raise missing
        with found[0].open("rb") as plain:
            yield plain
        return
    with source.open("rb") as start:
        magic = start.read(6)
    if magic.startswith(b"PK"):
        with archive_errors(source), zipfile.ZipFile(source) as archive:
            members = [info for info in archive.infolist() if info.filename.split("/")[-1] == name]
            if not members:
                raise missing
            with archive.open(members[0]) as member:
                yield member
    elif magic.startswith(tuple(_MAGICS)) or tarfile.is_tarfile(source):
        with archive_errors(source), _decompressed(source) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
            for info in tar:
                if info.isreg() and info.name.split("/")[-1] == name:
                    content = tar.extractfile(info)
                    assert content is not None
                    yield content
                    break
            else:
                raise missing
            _drain(stream)
    else:
        raise DataError(f"{source} is neither a folder nor an archive; --source is {files}.")


def folder_or_archive(source: Path, name: str, archives: str) -> Path:
    """Returns the folder or archive that holds a file: the source itself, or an archive inside it.

    Args:
        source: A folder or an archive.
        name: Name of the file, without folders.
        archives: Glob pattern of its archive, searched in a folder that does not have the file.
    """
    if source.is_file() or any(source.rglob(name)):
        return source
    found = (path for path in sorted(source.rglob(archives)) if path.suffix in _ENDINGS and path.is_file())
    return next(found, source)


def _drain(stream: BinaryIO) -> None:
    """Reads a stream to its end: the checksum follows the end of the tar archive."""
    while stream.read(2**20):
        pass


def _decompressed(path: Path) -> BinaryIO:
    with path.open("rb") as plain:
        start = plain.read(6)
    opened = next((opener(path) for magic, opener in _MAGICS.items() if start.startswith(magic)), None)
    if opened is None and start and not tarfile.is_tarfile(path):
        raise DataError(f"{path} is not a tar archive, compressed or plain. Get it again.")
    return cast(BinaryIO, opened) if opened else path.open("rb")
