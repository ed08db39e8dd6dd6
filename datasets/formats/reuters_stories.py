"""Stories of Reuters Corpus Volume 1, read in place from the archive, the daily zips or unpacked files.

Only the last part of a name identifies a story. No file is written under a name from an archive and no link in it is
followed, so names such as `../../x` or `/etc/x` are harmless.
"""

import os
import re
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from datasets.formats.archives import archive_errors, check_size, tar_members
from datasets.storage.progress import track
from harness.core.errors import DataError
from harness.core.files import is_disk_full

_STORY = re.compile(r"(\d+)newsML\.xml")
_DAY = re.compile(r"\d{8}\.zip")
_ARCHIVES = ("rcv1.tar.xz", "rcv1.tar.gz", "rcv1.tar")


class Stories:
    """Stories (XML) by number.

    Args:
        places: Location of each story.
        read: Function that returns the XML at a location.
    """

    def __init__(self, places: Mapping[int, Any], read: Callable[[Any], bytes]):
        self._places = places
        self._read = read

    def __contains__(self, number: int) -> bool:
        return number in self._places

    def __getitem__(self, number: int) -> bytes:
        return self._read(self._places[number])


@contextmanager
def open_stories(source: Path) -> Iterator[Stories]:
    """Opens the stories of a source.

    Args:
        source: A folder with the unpacked files, the daily zips (YYYYMMDD.zip) or `rcv1.tar.xz`, at any depth; the
            first of these that exists is read.

    Raises:
        DataError: When there are no stories, an archive is damaged, or a story occurs twice.
    """
    files = sorted(_files(str(source)))
    zips = [Path(file) for file in files if _DAY.fullmatch(os.path.basename(file))]
    archives = [Path(file) for file in files if os.path.basename(file) in _ARCHIVES]
    with ExitStack() as stack:
        if any(_number(file) is not None for file in files):
            yield _unpacked(files)
        elif zips:
            yield _zipped(zips, stack)
        elif archives:
            yield _archived(archives[0], stack)
        else:
            raise DataError(
                f"{source} holds no stories (NUMBERnewsML.xml), no daily zips (YYYYMMDD.zip) and no {_ARCHIVES[0]}."
            )


def _files(folder: str) -> Iterator[str]:
    """Yields the paths of files at any depth, and of links to archives; as text, to save memory."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _files(entry.path)
            elif entry.is_file(follow_symlinks=_number(entry.name) is None):
                yield entry.path


def _number(name: str) -> int | None:
    match = _STORY.fullmatch(re.split(r"[/\\]", name)[-1])
    return int(match[1]) if match else None


def _add(found: dict[int, Any], name: str, value: Any, place: Path | str) -> None:
    number = _number(name)
    if number is None:
        return
    if number in found:
        raise DataError(f"{place} holds story {number} a second time, as {name}; keep one copy of each.")
    found[number] = value


def _unpacked(files: list[str]) -> Stories:
    found: dict[int, str] = {}
    for file in files:
        _add(found, file, file, os.path.dirname(file))

    def read(file: str) -> bytes:
        check_size(os.path.getsize(file), file)
        return Path(file).read_bytes()

    return Stories(found, read)


def _zipped(paths: list[Path], stack: ExitStack) -> Stories:
    found: dict[int, tuple[zipfile.ZipFile, zipfile.ZipInfo]] = {}
    for path in track(paths, "daily zips", len(paths)):
        with archive_errors(path):
            day = stack.enter_context(zipfile.ZipFile(path))
        for info in day.infolist():
            _add(found, info.filename, (day, info), path)

    def read(place: tuple[zipfile.ZipFile, zipfile.ZipInfo]) -> bytes:
        day, info = place
        check_size(info.file_size, f"{day.filename}, {info.filename}")
        with archive_errors(Path(str(day.filename))):
            return day.read(info)

    return Stories(found, read)


def _archived(path: Path, stack: ExitStack) -> Stories:
    """Copies the stories, compressed one by one, into a nameless file, as an archive has no random access."""
    spool = stack.enter_context(_spool())
    found: dict[int, tuple[int, int]] = {}
    stories = tar_members(path, lambda name: _number(name) is not None)
    for name, content in track(stories, "archived stories"):
        packed = zlib.compress(content, 1)
        _add(found, name, (spool.tell(), len(packed)), path)
        spool.write(packed)

    def read(place: tuple[int, int]) -> bytes:
        spool.seek(place[0])
        return zlib.decompress(spool.read(place[1]))

    return Stories(found, read)


@contextmanager
def _spool() -> Iterator[BinaryIO]:
    """Opens a nameless file in the folder for temporary files; a full disk becomes a DataError."""
    try:
        with tempfile.TemporaryFile() as spool:
            yield spool
    except OSError as error:
        if not is_disk_full(error):
            raise
        raise DataError(
            f"{tempfile.gettempdir()} is full: the stories of the archive are kept there while they are read. Name a "
            "folder with more room with TMPDIR=FOLDER, or unpack the archive."
        ) from None
