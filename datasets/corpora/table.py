"""Your own corpus: a table in CSV, TSV, JSON or Parquet, with text and label columns.

The source is a file, or a folder with one file for each split (`train`, `val`, `dev`, `valid`, `validation` or `test`
in its name; several parts of a split are joined) or one file for all. Labels are in

    levels  columns from the top down, such as l1, l2, l3 or Domain, Area
    flags   columns of 0 and 1, whose names are the labels
    list    one column: a name, a list of names, names between separators, or paths such as `A > B > C`

The hierarchy comes from levels or paths, or from a file (`hierarchy`): a table or lines of edges, a path a line, or
JSON, see `datasets.formats.label_trees`. Without any, all labels are top labels. What is not given as an option is
guessed from names and values, and said in the notes; `--look` shows it before anything is written.
"""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from datasets.corpora.table_columns import SPLIT_NAMES, Columns, choose_columns, refuse_missing_header
from datasets.corpora.table_labels import LabelOptions, read_labels
from datasets.formats.label_cells import cell_items
from datasets.formats.tables import ENDINGS, Table, is_table, read_table
from datasets.storage.card import Card
from datasets.storage.documents import SPLITS, CorpusSource, Document, SplitName
from datasets.storage.random_splits import RandomSplit
from harness.core.errors import DataError
from harness.core.files import sha256
from harness.core.registry import NonNegative, Share
from harness.core.text import listed

CARD = Card(
    name="table",
    title="Any corpus in a table",
    summary=(__doc__ or "").partition("\n")[0],
    language="any",
    licence="yours",
    citation="",
    obtain="Put your table into a file; `--look` prints how it would be read, before anything is written.",
    splits="As files or a column say; a split that is missing is drawn with a seed.",
    counts="Printed after preparation.",
    traps=(
        "Give each of several corpora its own `title`; a sweep file then needs `options: {title: ...}` and no more.",
        "A name in two places of the hierarchy is two labels, named by their paths; `repeated=merge` makes it one.",
        "Rows without a text are left out and counted; rows without labels are kept and counted.",
    ),
    files=(
        f"a file that ends in {', '.join(ENDINGS)} (those of text also in .gz or .zst), or a folder with one, or with "
        "one for each split (train, val, test in their names)"
    ),
)

RECIPE = 1
_WORDS = re.compile(r"[a-z]+")
_HIERARCHY = ("taxonomy", "hierarchy")


def read(
    source: Path | None,
    *,
    title: str = "",
    text: str = "",
    labels: str = "",
    form: Literal["guess", "levels", "flags", "list"] = "guess",
    separator: str = "",
    path_separator: str = "",
    hierarchy: str = "",
    repeated: Literal["path", "merge"] = "path",
    doc_id: str = "",
    split: str = "",
    val_share: Share = 0.1,
    test_share: Share = 0.2,
    seed: NonNegative = 0,
    columns: str = "",
    delimiter: str = "",
) -> CorpusSource:
    """Reads a table.

    Args:
        source: The file or folder.
        title: Short name that distinguishes several corpora of yours.
        text: Columns that make the text, separated by commas and joined by line ends; empty to guess.
        labels: Label columns, separated by commas; `*` in a name stands for anything. Empty to guess.
        form: What label columns hold: levels from the top down, 0/1 flags, or all labels in one column.
        separator: What separates labels in a cell, or `none`; empty to guess.
        path_separator: What separates the levels of a label, or `none`; empty to guess.
        hierarchy: File with the hierarchy, beside the source or anywhere; empty for the file in the source folder with
            `taxonomy` or `hierarchy` in its name, else the labels' own.
        repeated: Whether a name in several places is a label for each, named by its path, or one label.
        doc_id: Column with ids, or `none` for numbers; empty to guess.
        split: Column with splits, or `none`; empty to guess.
        val_share: Share of the training documents to draw for validation, if no file or column defines it.
        test_share: Share of the training documents to draw for test, if no file or column defines it.
        seed: Seed of the draw.
        columns: Names of all columns, separated by commas, for a text file without a header line.
        delimiter: Character between the columns of a text file, or `tab`; empty to guess.

    Raises:
        DataError: When a file is missing or malformed, or columns or labels cannot be understood, with file and row.
    """
    given = CARD.require_source(source)
    if val_share + test_share >= 1:
        raise DataError(f"table: val_share {val_share} and test_share {test_share} leave nothing to train on.")
    found = _hierarchy(given, hierarchy)
    files, notes = _files(given, found)
    names = [name.strip() for name in columns.split(",")] if columns else []
    tables = [read_table(path, names, "\t" if delimiter == "tab" else delimiter) for path in files]
    if not (names or (text and labels)):
        refuse_missing_header(tables[0])
    chosen = choose_columns(tables, text, labels, form, doc_id, split)
    _check_columns(tables, chosen)
    rows = read_labels(tables, chosen, LabelOptions(separator, path_separator, found, repeated))
    texts = [one for table in tables for one in _texts(table, chosen)]
    missing = [row for row, one in enumerate(texts) if not one.strip()]
    kept = [row for row, one in enumerate(texts) if one.strip()]
    splits, split_note = _splits(files, tables, chosen.split, kept, RandomSplit(val_share, test_share, seed))
    ids = _ids(tables, chosen.doc_id)
    notes += [*dict.fromkeys(note for table in tables for note in table.notes), *chosen.notes, *rows.notes, split_note]
    if missing:
        notes.append(f"Rows without a text, which are left out: {len(missing):,}, the first is row {missing[0] + 1:,}.")
    read_from = listed([f"{path.name} ({sha256(path)[:12]})" for path in [*files, *([found] if found else [])]], 8)
    notes.append(f"Read from {read_from}; in brackets the beginning of each file's SHA-256.")
    documents = (Document(ids[row], texts[row], rows.labels[row], splits[row]) for row in kept)
    return CorpusSource(rows.hierarchy, documents, notes, num_documents=len(kept))


def _files(source: Path, hierarchy: Path | None) -> tuple[list[Path], list[str]]:
    """Returns the files to read, by split, and a note on those that are not."""
    if source.is_file():
        return [source], []
    inside = [path for pattern in ("*", "*/*") for path in sorted(source.glob(pattern)) if path.is_file()]
    every = [path for path in inside if is_table(path) and path != hierarchy and not _is_hierarchy(path)]
    by_split = sorted((path for path in every if _split_of(path)), key=lambda path: SPLITS.index(_split_of(path)))
    files = by_split or every
    if not files or (len(files) > 1 and not by_split):
        names = listed([path.name for path in files]) or "none"
        raise DataError(
            f"{source} has to hold one table, or tables with train, val or test in their names; found: {names}. Name "
            "one file with --source."
        )
    others = [path.name for path in every if path not in files]
    return files, [f"Not read: {listed(others)}."] if others else []


def _split_of(path: Path) -> Any:
    """Returns the split that a file's name says, or an empty string."""
    found = {SPLIT_NAMES[word] for word in _WORDS.findall(path.name.lower()) if word in SPLIT_NAMES}
    return found.pop() if len(found) == 1 else ""


def _is_hierarchy(path: Path) -> bool:
    return path.suffix == ".taxonomy" or any(word in path.name.lower() for word in _HIERARCHY)


def _hierarchy(source: Path, option: str) -> Path | None:
    folder = source if source.is_dir() else Path(os.path.abspath(source)).parent
    if option:
        path = next((path for path in (folder / option, Path(option)) if path.is_file()), None)
        if path is None:
            raise DataError(f"There is no file {option}, neither in {folder} nor here; hierarchy names such a file.")
        return path
    found = [path for path in sorted(folder.iterdir()) if path.is_file() and _is_hierarchy(path)]
    if len(found) > 1 and source.is_dir():
        names = listed([path.name for path in found])
        raise DataError(f"{folder} holds several hierarchies: {names}. Name one with `--set hierarchy=...`.")
    return found[0] if found and source.is_dir() else None


def _check_columns(tables: Sequence[Table], columns: Columns) -> None:
    wanted = [name for name in (*columns.text, *columns.labels, columns.doc_id, columns.split) if name]
    for table in tables:
        if lacking := [name for name in wanted if name not in table.columns]:
            raise DataError(
                f"{table.path} has no column {lacking[0]!r}, only {listed(list(table.columns))}; {tables[0].path.name} "
                "has it. Files of all splits need the same columns; to read one file, name it with --source."
            )


def _texts(table: Table, columns: Columns) -> Iterator[str]:
    cells = [table.column(name) for name in columns.text]
    for row in range(len(table)):
        yield "\n".join(part for column in cells if (part := _text(column[row], table, row)))


def _text(cell: Any, table: Table, row: int) -> str:
    if isinstance(cell, str):
        return cell
    return _words(cell, f"{table.place(row)}: the text", "Name a column of strings with `--set text=...`.")


def _words(cell: Any, what: str, cure: str) -> str:
    try:
        return " ".join(word for item in cell_items(cell) for word in (item if isinstance(item, list) else [item]))
    except TypeError as error:
        raise DataError(f"{what} is {error}. {cure}") from None


def _splits(
    files: Sequence[Path], tables: Sequence[Table], column: str, kept: list[int], shares: RandomSplit
) -> tuple[list[SplitName], str]:
    """Returns the split of every row, and a note on where splits come from."""
    found: list[SplitName] = []
    by_file = len({_split_of(path) for path in files}) > 1 and not column
    for path, table in zip(files, tables, strict=True):
        if column:
            for row, cell in enumerate(table.column(column)):
                name = str(cell).strip().lower()
                if name not in SPLIT_NAMES:
                    raise DataError(
                        f"{table.place(row)}: {column} is {cell!r}, and has to be train, val or test. `--set "
                        "split=none` draws splits instead."
                    )
                found.append(SPLIT_NAMES[name])
        else:
            found += [_split_of(path) if by_file else "train"] * len(table)
    present = {found[row] for row in kept}
    draw = RandomSplit(
        0.0 if "val" in present else shares.val_share, 0.0 if "test" in present else shares.test_share, shares.seed
    )
    training = [row for row in kept if found[row] == "train"]
    for row, drawn in zip(training, draw.assign(len(training)), strict=True):
        found[row] = drawn
    origin = [f"by the column {column}" if column else "by the names of the files"] if column or by_file else []
    names = {"val": f"validation {draw.val_share:.0%}", "test": f"test {draw.test_share:.0%}"}
    drawn_parts = " and ".join(names[split] for split in SPLITS if split in draw.held_out)
    origin += [f"{drawn_parts} of the training documents, drawn with seed {draw.seed}"] if drawn_parts else []
    return found, f"Splits: {'; '.join(origin) or 'none is drawn'}."


def _ids(tables: Sequence[Table], column: str) -> list[str]:
    """Returns the id of every row: that of its column, or its number."""
    if not column:
        return [f"row-{number}" for number in range(1, sum(map(len, tables)) + 1)]
    found: dict[str, None] = {}
    for table in tables:
        for row, cell in enumerate(table.column(column)):
            doc_id = _words(cell, f"{table.place(row)}: {column}", "`--set doc_id=none` numbers the rows instead.")
            if not doc_id or doc_id in found:
                problem = f"the id {doc_id!r} in {column} occurred before" if doc_id else f"{column} is empty"
                raise DataError(f"{table.place(row)}: {problem}. `--set doc_id=none` numbers the rows instead.")
            found[doc_id] = None
    return list(found)
