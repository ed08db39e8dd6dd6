"""Text files as their owners left them: UTF-8 lines with exact error places, and taxonomies."""

import io
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from datasets.formats.archives import reading
from datasets.storage.hierarchy import ROOT, Hierarchy
from harness.core.errors import DataError

COMPRESSED = (".gz", ".zst")
"""Endings under which a text file may also lie."""


def find(folder: Path, names: Sequence[str], files: str) -> Path:
    """Returns the first of some files that a folder has, plain or compressed, at most two folders down.

    Args:
        folder: Where to look.
        names: Of the file, the most wanted first.
        files: What the folder has to hold, for the error.

    Raises:
        DataError: When none of them is there.
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
        DataError: When a compressed file is broken or cut off; also while it is read.
    """
    if path.suffix not in COMPRESSED:
        with path.open("rb") as plain:
            yield plain
        return
    import pyarrow

    with reading(path), io.BufferedReader(pyarrow.input_stream(str(path), compression="detect")) as stream:
        yield stream


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yields (line number from 1, line without its end) of a UTF-8 file, with or without a mark in front.

    A file that ends in .gz or .zst is decompressed on the way.

    Raises:
        DataError: Where the file is not UTF-8, with line and byte, or is cut off.
    """
    with open_bytes(path) as file:
        yield from decoded_lines(file, str(path))


def decoded_lines(file: Iterable[bytes], place: str) -> Iterator[tuple[int, str]]:
    """Yields (line number from 1, line without its end) of an open UTF-8 file.

    Args:
        file: Its lines.
        place: What to call it in errors.

    Raises:
        DataError: Where it is not UTF-8, with line and byte.
    """
    start = 0
    for number, line in enumerate(file, 1):
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise DataError(
                f"{place}, line {number}, byte {start + error.start}: not UTF-8 "
                f"(byte 0x{error.object[error.start]:02x}). Save the file as UTF-8."
            ) from None
        start += len(line)
        yield number, text.rstrip("\r\n")


def read_records(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields (place, object) of a JSON-lines file; empty lines are skipped.

    Raises:
        DataError: Where a line is no JSON object, with its number.
    """
    for number, line in read_lines(path):
        if not line.strip():
            continue
        place = f"{path}, line {number}"
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(f"{place}: not JSON ({error.msg} at column {error.colno}).") from None
        if not isinstance(record, dict):
            raise DataError(f"{place}: a JSON object is needed, not a {type(record).__name__}.")
        yield place, record


def read_edges(path: Path) -> list[tuple[str, str]]:
    """Reads a taxonomy: lines `parent TAB child TAB child ...`, a table `parent TAB child`, or a list of edges.

    Lines start with the virtual root. A table has the header `parent TAB child`, a list of edges is a .json file
    `[["parent", "child"], ...]`; these two may leave the virtual root out, and labels without a parent are then its
    children. Names are taken whole: commas, spaces and "(Root)" inside them mean nothing.

    Raises:
        DataError: Where a line has no child, or when nothing says which labels are at the top.
    """
    edges, is_list = (_listed_edges(path), True) if path.suffix == ".json" else _edge_lines(path)
    if any(parent == ROOT for parent, _ in edges):
        return edges
    if not is_list:
        raise DataError(f"{path}: no line starts with {ROOT!r}; one has to name the top labels.")
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
        raise DataError(f"{path}, line {error.lineno}: not JSON ({error.msg}).") from None
    for place, pair in enumerate(pairs if isinstance(pairs, list) else [pairs], 1):
        if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(name, str) and name for name in pair)):
            raise DataError(f'{path}, edge {place}: {json.dumps(pair)[:60]} is not ["parent", "child"].')
    return [(parent, child) for parent, child in pairs]


def read_taxonomy(path: Path) -> Hierarchy:
    """Reads a taxonomy file, see `read_edges`.

    Raises:
        DataError: As `read_edges`, and on a cycle or labels that the root does not reach.
    """
    try:
        return Hierarchy.from_names(read_edges(path))
    except DataError as error:
        raise error if str(path) in str(error) else DataError(f"{path}: {error}") from None
