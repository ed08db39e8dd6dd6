"""Tables as columns: CSV, TSV, JSON arrays, JSON lines and Parquet, with exact places in errors."""

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from datasets.formats.archives import archive_errors
from datasets.formats.textfiles import COMPRESSED, is_json_array, json_object, json_value, read_bytes
from harness.core.errors import DataError
from harness.core.registry import nearest

_TEXT = (".csv", ".tsv", ".tab", ".txt")
_JSON = (".json", ".jsonl", ".ndjson")
ENDINGS = (*_TEXT, *_JSON, ".parquet")
"""File name endings of tables; those of text may be followed by .gz or .zst."""

_DELIMITERS = "\t;,|"
_LARGEST_BLOCK = 2**31 - 2
_RAGGED = re.compile(r"Row #(\d+): Expected (\d+) columns, got (\d+)")


@dataclass(frozen=True)
class Table:
    """One file, by columns; its rows are numbered from 1 in errors, without the header line.

    Attributes:
        path: The file.
        columns: Values by column name; None where a cell is missing, and text where the file has no types.
        notes: What was found out about the file, one sentence each.
    """

    path: Path
    columns: dict[str, list[Any]]
    notes: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), []))

    def column(self, name: str) -> list[Any]:
        """Returns the values of a column.

        Raises:
            DataError: When the table does not have it.
        """
        if name not in self.columns:
            raise DataError(f"{self.path} has no column {name!r}.{nearest(name, self.columns)}")
        return self.columns[name]

    def place(self, row: int) -> str:
        """Returns the name of a row in errors, given its index from 0."""
        return f"{self.path}, row {row + 1:,}"


def is_table(path: Path) -> bool:
    """Returns whether a file's name is that of a table."""
    return not path.name.startswith(".") and _ending(path) in ENDINGS


def _ending(path: Path) -> str:
    return Path(path.stem).suffix.lower() if path.suffix in COMPRESSED else path.suffix.lower()


def read_table(path: Path, names: Sequence[str] = (), delimiter: str = "") -> Table:
    """Reads a file as a table, by the ending of its name.

    Args:
        path: The file.
        names: Names of the columns of a text file without a header line; empty if it has one.
        delimiter: Character between the columns of a text file; empty to find it out from the first line.

    Raises:
        DataError: When the file is malformed, not UTF-8 or no table, with line or row.
    """
    ending = _ending(path)
    if ending == ".parquet":
        table = _read_parquet(path)
    elif ending in _JSON:
        table = _read_json(path)
    elif ending in _TEXT:
        table = _read_delimited(path, names, delimiter)
    else:
        raise DataError(f"{path} is no table by its name; tables end in {', '.join(ENDINGS)}. Rename or convert it.")
    if not len(table):
        raise DataError(f"{path} has no rows. Get it again.")
    return table


def _read_delimited(path: Path, names: Sequence[str], delimiter: str) -> Table:
    content = read_bytes(path).removeprefix("\N{BOM}".encode())
    if not content.strip():
        raise DataError(f"{path} is empty. Get it again.")
    first = content[: 2**20].decode("utf-8", "ignore")
    delimiter = delimiter or _delimiter(first.lstrip("\r\n").partition("\n")[0])
    said = "a tab" if delimiter == "\t" else repr(delimiter)
    notes = [f"Columns are separated by {said}."]
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n':
        raise DataError(
            f"{path}: columns cannot be separated by {delimiter!r}; one ASCII character can, and no quotation mark or "
            "line end. Set another delimiter, or convert the file."
        )
    header = _unambiguous(f"{path}: the option columns", names) if names else _header(path, first, delimiter)
    try:
        columns = _parsed(path, content, header, not names, delimiter, '"')
        quoted = not (delimiter == "\t" and _swallowed(columns))
    except DataError:
        # A table with tabs often has quotation marks that mean nothing.
        if delimiter != "\t":
            raise
        quoted = False
    if not quoted:
        columns = _parsed(path, content, header, not names, delimiter, False)
        notes.append("Quotation marks are part of the cells.")
    return Table(path, columns, tuple(notes))


def _delimiter(line: str) -> str:
    unquoted = re.sub(r'"[^"]*"', "", line)
    return max(_DELIMITERS, key=lambda one: (unquoted.count(one) > 0) * (unquoted.count(one) + 1000 * (one == "\t")))


def _header(path: Path, first: str, delimiter: str) -> list[str]:
    """Returns the names in the first line; a first column without a name is an index, as some libraries write it."""
    try:
        # As Arrow does, which leaves empty lines out.
        names = next(cells for cells in csv.reader(io.StringIO(first), delimiter=delimiter) if cells)
    except csv.Error:
        raise DataError(
            f"{path}, line 1: the header has a cell of more than {csv.field_size_limit():,} characters. Is there a "
            "quotation mark that does not end?"
        ) from None
    header = [name.strip() for name in names]
    header = ["index", *header[1:]] if header[0] == "" and "index" not in header else header
    return _unambiguous(f"{path}, line 1: the header", header)


def _unambiguous(where: str, header: Sequence[str]) -> list[str]:
    """Returns names of columns, which have to be several and all different."""
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice or len(header) < 2:
        problem = f"names the column {twice[0]!r} more than once" if twice else "names a single column"
        raise DataError(
            f"{where} {problem}. If the file has no header line, name its columns with "
            "`--set columns=text,label`; if another character separates columns, give it with `--set delimiter=;`."
        )
    return list(header)


def _parsed(
    path: Path, content: bytes, header: Sequence[str], skip: bool, delimiter: str, quote: str | bool
) -> dict[str, list[Any]]:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    if len(content) > _LARGEST_BLOCK:
        raise DataError(f"{path} has {len(content):,} bytes, too many for one text file; split it, or make it Parquet.")
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(content),
            # In one block, since a row must not straddle two.
            arrow_csv.ReadOptions(use_threads=False, block_size=len(content) + 1, column_names=header, skip_rows=0),
            arrow_csv.ParseOptions(delimiter=delimiter, quote_char=quote, newlines_in_values=bool(quote)),
            arrow_csv.ConvertOptions(column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False),
        )
    except pa.ArrowInvalid as error:
        ragged = _RAGGED.search(str(error))
        if not ragged:
            raise DataError(f"{path} cannot be read as a table: {str(error).splitlines()[0]}. Fix it.") from None
        row, wanted, got = map(int, ragged.groups())
        raise DataError(
            f"{path}, {f'row {row - skip:,}' if row > skip else 'line 1'}: {got} cells instead of {wanted}. Put cells "
            f"that hold {delimiter!r} or a line end into quotation marks, or name the columns with `--set columns=...`."
        ) from None
    return {name: table.column(place).to_pylist()[skip:] for place, name in enumerate(header)}


def _swallowed(columns: dict[str, list[Any]]) -> bool:
    """Returns whether a cell holds a tab: a quotation mark that means nothing has swallowed the cells after it."""
    return any("\t" in cell for cells in columns.values() for cell in cells)


def _read_json(path: Path) -> Table:
    content = read_bytes(path)
    if is_json_array(content):
        rows = json_value(content, str(path))
    else:
        lines = enumerate(content.removeprefix("\N{BOM}".encode()).splitlines(), 1)
        numbered = [(line, f"{path}, line {number}") for number, line in lines if line.strip()]
        if not numbered:
            raise DataError(f"{path} is empty. Get it again.")
        if _ending(path) != ".json" or (len(numbered) > 1 and _is_json(numbered[0][0])):
            rows = [json_object(line, place) for line, place in numbered]
        else:
            rows = _only_list(json_object(content, str(path)), path)
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise DataError(f"{path}, row {number:,}: an object is needed, not a {type(row).__name__}.")
    names = dict.fromkeys(name for row in rows for name in row)
    return Table(path, {name: [row.get(name) for row in rows] for name in names})


def _is_json(content: bytes) -> bool:
    try:
        json.loads(content)
    except ValueError:
        return False
    return True


def _only_list(found: dict[str, Any], path: Path) -> list[Any]:
    lists = [value for value in found.values() if isinstance(value, list) and value and isinstance(value[0], dict)]
    if len(lists) == 1:
        return lists[0]
    if not any(isinstance(value, list | dict) for value in found.values()):
        return [found]
    raise DataError(
        f"{path} is one JSON object, of {', '.join(list(found)[:4])}; an array of objects, or one object a line, is "
        "needed. Convert it."
    )


def _read_parquet(path: Path) -> Table:
    import pyarrow as pa
    from pyarrow import parquet

    with archive_errors(path, pa.ArrowException):
        header = parquet.read_schema(path).names
        if twice := next((name for name in header if header.count(name) > 1), ""):
            raise DataError(f"{path} names the column {twice!r} more than once. Rename one of them.")
        table = parquet.read_table(path)
    names = _class_names(table.schema.metadata or {})
    columns = {name: table.column(place).to_pylist() for place, name in enumerate(table.column_names)}
    named = [name for name in names if name in columns]
    for name in named:
        columns[name] = [_named(value, names[name], f"{path}, column {name!r}") for value in columns[name]]
    note = f"The numbers in {', '.join(named)} are replaced by the names that the file has for them."
    return Table(path, columns, (note,) if named else ())


def _class_names(metadata: dict[bytes, bytes]) -> dict[str, list[str]]:
    """Returns the names of classes by column, as the Hugging Face library stores them in a Parquet file."""
    found: dict[str, list[str]] = {}
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
    except (ValueError, LookupError, TypeError):  # Not that library's.
        return found
    for column, feature in features.items():
        inner = feature[0] if isinstance(feature, list) and feature else feature
        inner = inner.get("feature", inner) if isinstance(inner, dict) else {}
        if isinstance(inner, dict) and inner.get("_type") == "ClassLabel" and inner.get("names"):
            found[column] = list(map(str, inner["names"]))
    return found


def _named(value: Any, names: list[str], place: str) -> Any:
    if isinstance(value, list):
        return [_named(one, names, place) for one in value]
    if value is None or value == -1:
        return None
    if not isinstance(value, int) or not 0 <= value < len(names):
        raise DataError(f"{place}: {value!r} has no name among the {len(names)} of the file. Get it again.")
    return names[value]
