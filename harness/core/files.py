"""Atomic files, checksums, and full disks."""

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Opens a file to write, which is there whole or not at all afterwards, even after a power cut."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with scratch.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(scratch, path)
    finally:
        scratch.unlink(missing_ok=True)


def write_atomically(path: Path, content: bytes | memoryview) -> None:
    """Writes a file so that it is there whole or not at all, even after a power cut."""
    with whole_file(path) as stream:
        stream.write(content)


def sha256(path: Path) -> str:
    """Returns the SHA-256 of a file's content, in hex digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def is_disk_full(error: BaseException) -> bool:
    """Returns whether an error, also one of a library that has no errno, says that the disk is full."""
    text = str(error).lower()
    return (
        getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT)
        or "no space left" in text
        or "os error 28" in text
    )
