"""Texts of a file, read one after the other: JSON lines, CSV, TSV or Parquet of any size."""

import csv
import sys
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import accumulate, islice
from pathlib import Path
from typing import Any, NamedTuple

from datasets.formats.archives import archive_errors
from datasets.formats.textfiles import json_object
from harness.core.errors import DataError
from harness.core.registry import nearest
from harness.core.text import is_unicode

ENDINGS = (".jsonl", ".csv", ".tsv", ".parquet")
ID = "id"
_ROWS_AT_ONCE = 1024
_BUFFER = 2**20
"""Bytes of a column that are read at once; without it those of a whole row group would be."""


class Text(NamedTuple):
    """One document: its id, or the number of its row from 1, and its text."""

    doc_id: str
    text: str


def stream(path: Path, column: str, skipped: int = 0) -> Iterator[Text]:
    """Yields the documents of a file in order, in memory that does not grow with it.

    Args:
        path: The file.
        column: Column, or field, of the text. Ids are taken from `id`, if there is one.
        skipped: Number of documents at its start that are left out.

    Raises:
        DataError: If the file cannot be read, has no such column, or a text is no Unicode text, with its place.
    """
    check(path)
    readers = {".jsonl": _lines, ".csv": _delimited, ".tsv": _delimited, ".parquet": _parquet}
    for number, (row, place) in enumerate(readers[path.suffix.lower()](path, column, skipped), skipped + 1):
        if column not in row:
            raise DataError(f"{place}: there is no {column!r}.{nearest(column, row)} Name the text's with --column.")
        text = "" if row[column] is None else row[column]
        if not isinstance(text, str) or not is_unicode(text):
            raise DataError(f"{place}: {column!r} is no text. Name the column of texts with --column, or mend it.")
        doc_id = row.get(ID)
        yield Text(str(number if doc_id in (None, "") else doc_id), text)


def check(path: Path) -> None:
    """Raises DataError where there is no such file, or it is of no known kind by its name."""
    if not path.is_file():
        raise DataError(f"There is no file {path}. Name a file of texts: {', '.join(ENDINGS)}.")
    if path.suffix.lower() not in ENDINGS:
        raise DataError(f"{path} is none of {', '.join(ENDINGS)} by its name. Rename or convert it.")


def num_documents(path: Path, column: str) -> int:
    """Returns the number of documents of a Parquet file, of which only the end is read.

    Raises:
        DataError: If it is no Parquet file, or has no such column.
    """
    with _opened(path, column) as (file, _):
        return int(file.metadata.num_rows)


Row = tuple[Mapping[str, Any], str]
"""Cells by column, and where it stands."""


def _lines(path: Path, column: str, skipped: int) -> Iterator[Row]:
    with path.open("rb") as lines:
        full = ((number, line) for number, line in enumerate(lines, 1) if line.strip())
        for number, line in islice(full, skipped, None):
            place = f"{path}, line {number:,}"
            yield json_object(line, place), place


def _delimited(path: Path, column: str, skipped: int) -> Iterator[Row]:
    csv.field_size_limit(sys.maxsize)  # Texts may be long.
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.DictReader(lines, delimiter="\t" if path.suffix.lower() == ".tsv" else ",", strict=True)
            for number, row in islice(enumerate(rows, 1), skipped, None):
                if None in row:
                    raise DataError(
                        f"{path}, row {number:,}: there are more cells than columns. Quote them, or mend it."
                    )
                yield row, f"{path}, row {number:,}"
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read as a table in UTF-8 ({error}). Convert it.") from None


def _parquet(path: Path, column: str, skipped: int) -> Iterator[Row]:
    with _opened(path, column) as (file, names):
        sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
        first = bisect_right([*accumulate(sizes)], skipped)
        number = sum(sizes[:first])
        for batch in file.iter_batches(_ROWS_AT_ONCE, row_groups=range(first, len(sizes)), columns=names):
            start, number = number, number + len(batch)
            for place, row in enumerate(batch.slice(max(0, skipped - start)).to_pylist(), max(start, skipped) + 1):
                yield row, f"{path}, row {place:,}"


@contextmanager
def _opened(path: Path, column: str) -> Iterator[tuple[Any, list[str]]]:
    """Opens a Parquet file; yields it and the columns to read."""
    import pyarrow as pa
    from pyarrow import parquet

    with (
        archive_errors(path, pa.ArrowException),
        parquet.ParquetFile(path, buffer_size=_BUFFER, pre_buffer=False) as file,
    ):
        names = [name for name in (ID, column) if name in file.schema_arrow.names]
        if column not in names:
            raise DataError(f"{path} has no column {column!r}.{nearest(column, file.schema_arrow.names)} See --column.")
        yield file, names
