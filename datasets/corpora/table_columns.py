"""Columns of a table by their part: text, labels, id and split, as given or as their names and values suggest."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal

from datasets.formats.label_cells import cell_items
from datasets.formats.tables import Table
from datasets.storage.documents import SplitName
from harness.core.errors import DataError
from harness.core.text import listed

Form = Literal["levels", "flags", "list"]

SPLIT_NAMES: dict[str, SplitName] = {
    "train": "train", "training": "train", "val": "val", "dev": "val", "valid": "val", "validation": "val",
    "test": "test", "testing": "test",
}  # fmt: skip
"""Names of splits in files and columns, in lower case."""

_TEXTS = (
    "text", "document", "content", "abstract", "body", "sentence", "utterance", "description", "review", "reviewtext",
    "review_text", "doc_token", "token", "question", "query", "message", "comment", "tweet", "news", "article",
    "headline", "title",
)  # fmt: skip
_LABELS = (
    "labels", "label", "doc_label", "categories", "category", "category_path", "product_category_tree", "classes",
    "class", "tags", "tag", "topics", "topic", "genres", "genre", "intent", "target", "y",
)  # fmt: skip
_PAIRS = (
    ("domain", "area"), ("domain", "intent"), ("category", "subcategory"), ("category", "sub_category"),
    ("category", "sub-category"), ("main_category", "sub_category"), ("topic", "subtopic"), ("coarse", "fine"),
    ("coarse_label", "fine_label"), ("label_coarse", "label_fine"), ("label-coarse", "label-fine"),
)  # fmt: skip
_LEVEL = re.compile(
    r"(?P<before>.*?)(?:l|level|lvl|cat|category|categories|label|class|topic|tier|depth|genre|department|y|c)"
    r"[ _.-]?(?P<number>\d)",
    re.IGNORECASE,
)
_IDS = ("id", "doc_id", "docid", "document_id", "uid", "uuid", "_id", "celex_id")
_SPLITS = ("split", "fold", "subset", "partition", "set", "data_split")
_FLAGS = {"0", "1"}
_LOOKED_AT = 2_000
"""Rows that a guess looks at."""
_LONG = 80


@dataclass(frozen=True)
class Columns:
    """The columns in use; names that are empty are of no column.

    Attributes:
        text: Columns that are joined to the text.
        labels: Columns with labels.
        form: Levels from the top down, 0/1 columns whose names are labels, or one column with all labels.
        doc_id: Column with document ids.
        split: Column with splits.
        notes: What was guessed, one sentence each.
    """

    text: tuple[str, ...]
    labels: tuple[str, ...]
    form: Form
    doc_id: str
    split: str
    notes: tuple[str, ...]


def choose_columns(tables: Sequence[Table], text: str, labels: str, form: str, doc_id: str, split: str) -> Columns:
    """Returns the columns that are given by options of the reader, and guesses the others.

    Args:
        tables: The tables; the first one has all columns.
        text: Names separated by commas, or empty.
        labels: Names or patterns separated by commas, or empty.
        form: A form, or `guess`.
        doc_id: A name, `none`, or empty.
        split: A name, `none`, or empty.

    Raises:
        DataError: When a column is missing or cannot be guessed, with the columns that there are.
    """
    table, notes = tables[0], list[str]()
    label_names = tuple(_named(table, labels)) if labels else _guess_labels(table)
    if not label_names:
        raise _unclear(table, "labels", "labels=l1,l2,l3` (levels from the top down, 0/1 columns, or one column")
    chosen = _form(table, label_names) if form == "guess" else form
    split = "" if split == "none" else split or _guess_split(tables)
    doc_id = "" if doc_id == "none" else doc_id or _guess_id(tables, notes)
    taken = {*label_names, split, doc_id}
    text_names = tuple(_named(table, text)) if text else _guess_text(table, taken)
    if not text_names:
        raise _unclear(table, "the text", "text=COLUMN` (several are joined")
    if overlap := set(text_names) & set(label_names):
        raise DataError(
            f"{table.path}: the column {overlap.pop()!r} cannot be both text and label. Set text or labels."
        )
    guessed = [name for name, given in (("text", text), ("labels", labels)) if not given]
    kinds = {"levels": "levels from the top down", "flags": "0/1 columns", "list": "one column"}
    notes += [
        f"Text: {listed(text_names)}. Labels: {listed(label_names)} ({kinds[chosen]})."
        + (f" The columns of {' and '.join(guessed)} are guessed; `--set` names others." if guessed else "")
    ]
    if unused := [name for name in table.columns if name not in {*taken, *text_names}]:
        notes.append(f"Columns not used: {listed(unused)}.")
    if chosen == "list" and len(label_names) > 1:
        raise DataError(f"{table.path}: form=list reads one column, labels names {listed(label_names)}. Name one.")
    return Columns(text_names, label_names, chosen, doc_id, split, tuple(notes))  # type: ignore[arg-type]


def refuse_missing_header(table: Table) -> None:
    """Raises DataError where the first line of a text file seems to be a row and not the names of its columns."""
    if table.path.suffix in (".parquet", ".json", ".jsonl", ".ndjson"):
        return
    long = [name for name in table.columns if len(name) > _LONG]
    again = [name for name, cells in table.columns.items() if name in cells[:_LOOKED_AT] and set(cells) - _FLAGS]
    if long or again:
        raise DataError(
            f"{table.path}, line 1: {(long or again)[0][:_LONG]!r} seems to be a cell, not the name of a column. If "
            "there is no header line, name the columns with `--set columns=text,label`; if there is one, name those in "
            "use with `--set text=...` and `--set labels=...`."
        )


def _unclear(table: Table, what: str, cure: str) -> DataError:
    columns = listed(list(table.columns), 12)
    return DataError(f"{table.path}: no column looks like {what}. Say which one is: `--set {cure}). It has {columns}.")


def _named(table: Table, option: str) -> list[str]:
    """Returns the columns that an option names, by name or pattern, in the order of the option."""
    found: list[str] = []
    for one in (part.strip() for part in option.split(",")):
        matching = [name for name in table.columns if fnmatchcase(name, one)]
        if one not in table.columns and not matching:
            table.column(one)
        found += [one] if one in table.columns else matching
    return list(dict.fromkeys(found))


def _first(table: Table, names: Sequence[str]) -> str:
    lower = {name.lower(): name for name in reversed(list(table.columns))}
    return next((lower[name] for name in names if name in lower), "")


def _guess_labels(table: Table) -> tuple[str, ...]:
    lower = {name.lower(): name for name in table.columns}
    groups: dict[str, dict[int, str]] = {}
    for name in table.columns:
        if match := _LEVEL.fullmatch(name):
            groups.setdefault(match["before"].lower(), {})[int(match["number"])] = name
    levels = [group for group in groups.values() if len(group) > 1 and _consecutive(sorted(group))]
    numbered = [tuple(group[number] for number in sorted(group)) for group in levels]
    pairs = [(lower[one], lower[two]) for one, two in _PAIRS if one in lower and two in lower]
    worded = [names for names in numbered if not _all_numbers(table, names)]
    if found := [*worded, *pairs, *numbered]:
        return found[0]
    single = _first(table, _LABELS)
    flags = tuple(name for name in table.columns if _is_flag(table, name))
    if single and not (single in flags and len(flags) > 1):
        return (single,)
    return flags if len(flags) > 1 else ()


def _consecutive(numbers: list[int]) -> bool:
    return numbers[0] in (0, 1) and numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def _all_numbers(table: Table, names: Sequence[str]) -> bool:
    return all(str(cell).isdigit() for name in names for cell in table.column(name)[:_LOOKED_AT])


def _is_flag(table: Table, name: str) -> bool:
    return is_flag_column(table.column(name)[:_LOOKED_AT])


def is_flag_column(cells: Sequence[Any]) -> bool:
    """Returns whether all cells are 0, 1, false or true as numbers or digits, and at least one is there."""
    return bool(cells) and all(isinstance(cell, bool | int | float | str) and flag(cell) is not None for cell in cells)


def flag(cell: Any) -> bool | None:
    """Returns whether a 0/1 cell is set; None if it is no such cell."""
    if isinstance(cell, bool | int | float) and cell in (0, 1):
        return bool(cell)
    return {"0": False, "1": True, "0.0": False, "1.0": True}.get(cell.strip()) if isinstance(cell, str) else None


def _form(table: Table, names: Sequence[str]) -> Form:
    if len(names) == 1:
        return "list"
    return "flags" if all(_is_flag(table, name) for name in names) else "levels"


def _everywhere(tables: Sequence[Table], name: str) -> list[str]:
    """Returns the cells of a column of all tables, without empty ones; none where one is an object."""
    try:
        return [str(cell) for table in tables for cell in table.columns.get(name, ()) if cell_items(cell)]
    except TypeError:
        return []


def _guess_split(tables: Sequence[Table]) -> str:
    # A column that names one split is that of all: what else it has is refused, and never drawn in its place.
    name = _first(tables[0], _SPLITS)
    return name if any(cell.strip().lower() in SPLIT_NAMES for cell in _everywhere(tables, name)) else ""


def _guess_id(tables: Sequence[Table], notes: list[str]) -> str:
    name = _first(tables[0], _IDS)
    if not name:
        return ""
    if len(set(_everywhere(tables, name))) == sum(map(len, tables)):
        return name
    notes.append(f"The column {name} does not tell the rows apart, so they are numbered.")
    return ""


def _guess_text(table: Table, taken: set[str]) -> tuple[str, ...]:
    free = [name for name in table.columns if name not in taken]
    named = _first(Table(table.path, {name: table.columns[name] for name in free}), _TEXTS)
    if named:
        return (named,)
    lengths = {name: _mean_length(table.column(name)[:_LOOKED_AT]) for name in free}
    longest = max(lengths, key=lambda name: lengths[name], default="")
    return (longest,) if longest and lengths[longest] else ()


def _mean_length(cells: Sequence[Any]) -> float:
    texts = [cell for cell in cells if isinstance(cell, str)]
    return sum(map(len, texts)) / len(texts) if texts and not all(map(str.isdigit, texts)) else 0.0
