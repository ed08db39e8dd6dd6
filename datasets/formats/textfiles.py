"""UTF-8 text files, plain or compressed: lines, JSON objects and taxonomies, with exact positions in errors."""

import io
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from datasets.formats.archives import archive_errors
from datasets.storage.hierarchy import ROOT, Hierarchy
from harness.core.errors import DataError

COMPRESSED = (".gz", ".zst")
"""File name endings of compressed text files."""


def find_file(folder: Path, names: Sequence[str], files: str) -> Path:
    """Returns the first of some files that a folder has, plain or compressed, at most two folders down.

    Args:
        folder: Folder to search.
        names: File names, in order of preference.
        files: Description of a valid source, for the error.

    Raises:
        DataError: When the folder has none of them.
    """
    for name in names:
        for ending in ("", *COMPRESSED):
            for pattern in (name, f"*/{name}", f"*/*/{name}"):
                if found := sorted(folder.glob(pattern + ending)):
                    return found[0]
    raise DataError(f"{folder} does not hold {' or '.join(names)}; --source is {files}.")


@contextmanager
def open_bytes(path: Path) -> Iterator[BinaryIO]:
    """Opens a plain or compressed file for reading.

    Raises:
        DataError: When a compressed file is damaged or cut off; also during reading.
    """
    if path.suffix not in COMPRESSED:
        with path.open("rb") as plain:
            yield plain
        return
    import pyarrow

    with archive_errors(path), io.BufferedReader(pyarrow.input_stream(str(path), compression="detect")) as stream:
        yield stream


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yields (line number from 1, line without its end) of a UTF-8 file, with or without a byte order mark.

    A file that ends in .gz or .zst is decompressed.

    Raises:
        DataError: When the file is not UTF-8 (with line and byte) or is cut off.
    """
    with open_bytes(path) as file:
        yield from decoded_lines(file, str(path))


def read_bytes(path: Path) -> bytes:
    """Returns the content of a UTF-8 file, plain or compressed.

    Raises:
        DataError: When the file is not UTF-8 (with line and byte) or is cut off.
    """
    with open_bytes(path) as file:
        content = file.read()
    try:
        content.decode()
    except UnicodeDecodeError as error:
        raise _not_utf8(str(path), content.count(b"\n", 0, error.start) + 1, 0, error) from None
    return content


def _not_utf8(place: str, line: int, start: int, error: UnicodeDecodeError) -> DataError:
    """Returns the error for bytes that begin at byte `start` of a file and cannot be decoded."""
    encoding = "UTF-16" if start == 0 and error.object.startswith((b"\xff\xfe", b"\xfe\xff")) else "CP1252"
    return DataError(
        f"{place}, line {line}, byte {start + error.start}: not UTF-8 (byte 0x{error.object[error.start]:02x}). Save "
        f"the file as UTF-8, for example with `iconv -f {encoding} -t UTF-8`."
    )


def is_json_array(content: bytes) -> bool:
    """Returns whether a file's content, or its beginning, is that of a JSON array."""
    return content.removeprefix("\N{BOM}".encode()).lstrip().startswith(b"[")


def decoded_lines(file: Iterable[bytes], place: str) -> Iterator[tuple[int, str]]:
    """Yields (line number from 1, line without its end) of an open UTF-8 file.

    Args:
        file: Lines of the file.
        place: Name of the file in errors.

    Raises:
        DataError: When the file is not UTF-8, with line and byte.
    """
    start = 0
    for number, line in enumerate(file, 1):
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise _not_utf8(place, number, start, error) from None
        start += len(line)
        yield number, text.rstrip("\r\n")


def read_records(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields (place, object) of a JSON-lines file; empty lines are skipped.

    Raises:
        DataError: When a line is not a JSON object, with its number.
    """
    for number, line in read_lines(path):
        if not line.strip():
            continue
        place = f"{path}, line {number}"
        yield place, json_object(line, place)


def json_value(content: str | bytes, place: str) -> Any:
    """Returns the JSON value that `content` is; `place` names it in errors.

    Raises:
        DataError: When it is not JSON.
    """
    try:
        return json.loads(content)
    except json.JSONDecodeError as error:
        line = f"line {error.lineno}, " if error.lineno > 1 else ""
        raise DataError(f"{place}: not JSON ({error.msg} at {line}column {error.colno}). Fix it.") from None
    except ValueError as error:  # Not UTF-8, or a number of thousands of digits.
        raise DataError(f"{place}: not JSON ({error}). Fix it.") from None
    except RecursionError:
        raise DataError(f"{place}: JSON of too many levels. Fix it.") from None


def json_object(content: str | bytes, place: str) -> dict[str, Any]:
    """Returns the JSON object that `content` is; `place` names it in errors.

    Raises:
        DataError: When it is not JSON, or not an object.
    """
    found = json_value(content, place)
    if not isinstance(found, dict):
        raise DataError(f"{place}: a JSON object is needed, not a {type(found).__name__}.")
    return found


def read_edges(path: Path) -> list[tuple[str, str]]:
    """Reads a taxonomy: lines `parent TAB child TAB child ...`, a table `parent TAB child`, or a list of edges.

    In the first form, top labels are children of the virtual root. A table has the header `parent TAB child`, a list
    of edges is a .json file `[["parent", "child"], ...]`; these two may omit the virtual root, and labels without a
    parent are then its children. Names are taken literally: commas, spaces and "(Root)" have no meaning inside them.

    Raises:
        DataError: When a line has no child, or no line names the top labels.
    """
    edges, is_list = (_listed_edges(path), True) if path.suffix == ".json" else _edge_lines(path)
    if any(parent == ROOT for parent, _ in edges):
        return edges
    if not is_list:
        raise DataError(f"{path}: no line starts with {ROOT!r}. Add one that names the top labels.")
    below = {child for _, child in edges}
    return [*((ROOT, parent) for parent in dict.fromkeys(parent for parent, _ in edges) if parent not in below), *edges]


def _edge_lines(path: Path) -> tuple[list[tuple[str, str]], bool]:
    """Returns the edges of a text file, and whether it is a table with a header."""
    edges: list[tuple[str, str]] = []
    has_header = False
    for number, line in read_lines(path):
        names = [name.strip() for name in line.split("\t")]
        if number == 1 and names == ["parent", "child"]:
            has_header = True
        elif any(names):
            parent, *children = names
            children = [child for child in children if child]
            if not parent or not children:
                raise DataError(f"{path}, line {number}: {line!r} is not `parent TAB child TAB child ...`.")
            edges += [(parent, child) for child in children]
    return edges, has_header


def _listed_edges(path: Path) -> list[tuple[str, str]]:
    try:
        pairs = json.loads("\n".join(line for _, line in read_lines(path)))
    except json.JSONDecodeError as error:
        raise DataError(f"{path}, line {error.lineno}: not JSON ({error.msg}). Fix the file.") from None
    for place, pair in enumerate(pairs if isinstance(pairs, list) else [pairs], 1):
        if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(name, str) and name for name in pair)):
            raise DataError(f'{path}, edge {place}: {json.dumps(pair)[:60]} is not ["parent", "child"].')
    return [(parent, child) for parent, child in pairs]


def read_taxonomy(path: Path) -> Hierarchy:
    """Reads a taxonomy file, see `read_edges`.

    Raises:
        DataError: When the file is malformed, or has a cycle or labels that the root does not reach.
    """
    try:
        return Hierarchy.from_names(read_edges(path))
    except DataError as error:
        raise error if str(path) in str(error) else DataError(f"{path}: {error}") from None
