"""Labels of a table's rows: read from its label columns, and put into one hierarchy."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

from datasets.corpora.table_columns import Columns, flag
from datasets.formats.label_cells import CellFormat, LabelPath, cell_items, guess_format, whole_numbers
from datasets.formats.label_trees import LabelTree, read_label_tree
from datasets.formats.tables import Table
from datasets.storage.hierarchy import Hierarchy
from harness.core.errors import DataError
from harness.core.text import listed

_NONE = "none"


@dataclass(frozen=True)
class LabelOptions:
    """Options of the reader that say how labels are read; those that are empty are guessed."""

    separator: str
    path_separator: str
    hierarchy: Path | None
    repeated: Literal["path", "merge"]


class RowLabels(NamedTuple):
    """The hierarchy, the labels of each row, and what was guessed or found."""

    hierarchy: Hierarchy
    labels: list[tuple[str, ...]]
    notes: list[str]


def read_labels(tables: Sequence[Table], columns: Columns, options: LabelOptions) -> RowLabels:
    """Returns the labels of all rows of some tables, in their order.

    Raises:
        DataError: When a cell or a label cannot be understood, with its row and the number of such labels.
    """
    tree = read_label_tree(options.hierarchy, options.repeated == "merge") if options.hierarchy else None
    notes: list[str] = []
    if columns.form == "levels":
        rows = _level_paths(tables, columns.labels, options, notes)
    else:
        rows = _cell_paths(tables, columns, options, tree.places if tree else (), notes)
    if tree is None:
        every = sorted({path for paths in rows for path in paths})
        if not every:
            raise DataError(f"{tables[0].path}: no row has a label. Name the label columns with `--set labels=...`.")
        tree = LabelTree(every, options.repeated == "merge")
        notes.append(_origin(tree))
    else:
        notes.append(f"Hierarchy: {options.hierarchy.name if options.hierarchy else ''}.")
    notes += _repeated(tree)
    return RowLabels(tree.hierarchy, _titles(tables, rows, tree, options.hierarchy), notes)


def _origin(tree: LabelTree) -> str:
    if int(tree.hierarchy.levels.max()) == 1:
        return (
            "Hierarchy: none was found, so all labels are top labels. `--set hierarchy=FILE` names one, and "
            "`--set path_separator=/` divides names such as A/B."
        )
    return "Hierarchy: from the labels of the documents."


def _repeated(tree: LabelTree) -> list[str]:
    if not tree.repeated:
        return []
    first = tree.repeated[0]
    places = listed([repr("/".join(place)) for place in tree.places[first]], 2)
    if tree.merged:
        return [
            f"Names in several places, which are one label each: {len(tree.repeated):,}, first {first!r} ({places})."
        ]
    return [f"Names in several places, whose labels are named by paths: {len(tree.repeated):,}, first {places}."]


def _cells(tables: Sequence[Table], name: str) -> list[list[Any]]:
    """Returns the items of each cell of a column."""
    found: list[list[Any]] = []
    for table in tables:
        for row, cell in enumerate(table.column(name)):
            try:
                found.append(cell_items(cell))
            except TypeError as error:
                raise DataError(
                    f"{table.place(row)}: {name} is {error}, and has to be a name, a number or a list. Convert it."
                ) from None
    return found


def _without_decimals(cells: list[list[Any]], name: str, notes: list[str]) -> list[list[Any]]:
    """Returns cells such as `2.0` as `2` where a whole column is written like this."""
    if not whole_numbers(item for cell in cells for item in cell if isinstance(item, str)):
        return cells
    notes.append(f"The numbers in {name} are written without decimals: 1 for 1.0.")
    return [[item.removesuffix(".0") if isinstance(item, str) else item for item in cell] for cell in cells]


def _flag_cells(tables: Sequence[Table], names: Sequence[str]) -> Iterator[list[Any]]:
    """Yields the names of the 0/1 columns that are set in each row."""
    for table in tables:
        columns = [table.column(name) for name in names]
        for row, cells in enumerate(zip(*columns, strict=True)):
            for name, cell in zip(names, cells, strict=True):
                if flag(cell) is None and cell not in (None, ""):
                    raise DataError(f"{table.place(row)}: {name} is {cell!r}, and has to be 0 or 1. Fix it.")
            yield [name for name, cell in zip(names, cells, strict=True) if flag(cell)]


def _level_paths(
    tables: Sequence[Table], names: Sequence[str], options: LabelOptions, notes: list[str]
) -> list[list[LabelPath]]:
    form = CellFormat("" if options.separator == _NONE else options.separator)
    levels = []
    for name in names:
        cells = _without_decimals(_cells(tables, name), name, notes)
        levels.append([[path[-1] for path in form.paths(cell)] for cell in cells])
    found: list[list[LabelPath]] = []
    counts: Counter[str] = Counter()
    place = _places(tables)
    for row, cells_by_level in enumerate(zip(*levels, strict=True)):
        filled = [cell for cell in cells_by_level if cell]
        several = any(len(cell) > 1 for cell in filled)
        if several and options.hierarchy:
            found.append([(name,) for cell in filled for name in cell])
            continue
        if len({len(cell) for cell in filled}) > 1:
            numbers = ", ".join(str(len(cell)) for cell in filled)
            raise DataError(
                f"{place(row)}: {listed(names)} have {numbers} labels, so which belong together is unknown. Give the "
                "hierarchy in a file with `--set hierarchy=...`."
            )
        counts["several"] += several
        counts["gap"] += any(not cell and any(cells_by_level[level:]) for level, cell in enumerate(cells_by_level))
        paths = []
        for path in zip(*filled, strict=True):
            short = tuple(name for level, name in enumerate(path) if level == 0 or name != path[level - 1])
            counts["same"] += len(short) < len(path)
            paths.append(short)
        found.append(paths)
    told = {
        "several": "Rows with several labels in a level column, which are paired by their order",
        "gap": "Rows with an empty level above a filled one, whose label is put below the next level above",
        "same": "Labels with the same name as the level above, taken for that label",
    }
    notes += [f"{what_is_told}: {counts[what]:,}." for what, what_is_told in told.items() if counts[what]]
    return found


def _cell_paths(
    tables: Sequence[Table], columns: Columns, options: LabelOptions, known: Collection[str], notes: list[str]
) -> list[list[LabelPath]]:
    """Returns the labels of one column, or of 0/1 columns by their names, divided by given or guessed separators."""
    if columns.form == "flags":
        cells = list(_flag_cells(tables, columns.labels))
        guessed = replace(guess_format([[name] for name in columns.labels], known), between_labels="")
    else:
        cells = _without_decimals(_cells(tables, columns.labels[0]), columns.labels[0], notes)
        guessed = guess_format(list({repr(cell): cell for cell in cells}.values()), known)
    form = CellFormat(
        _given(options.separator, guessed.between_labels),
        _given(options.path_separator, guessed.between_levels),
        guessed.list_is_path and not options.path_separator,
    )
    if form.between_labels:
        notes.append(f"Labels in a cell are separated by {form.between_labels!r} (`--set separator=...`).")
    if form.between_levels:
        notes.append(f"Levels of a label are separated by {form.between_levels!r} (`--set path_separator=...`).")
    if form.list_is_path:
        notes.append("A list holds the levels of one label, from the top down (`--set path_separator=none`: labels).")
    return [form.paths(cell) for cell in cells]


def _given(option: str, guessed: str) -> str:
    return "" if option == _NONE else option or guessed


def _places(tables: Sequence[Table]) -> Callable[[int], str]:
    """Returns a function that names a row by its number over all tables."""

    def place(row: int) -> str:
        for table in tables:
            if row < len(table):
                return table.place(row)
            row -= len(table)
        raise AssertionError("a row of no table")

    return place


def _titles(
    tables: Sequence[Table], rows: list[list[LabelPath]], tree: LabelTree, hierarchy: Path | None
) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    complaints: dict[str, int] = {}
    known: dict[tuple[LabelPath, ...], tuple[str, ...]] = {}
    for row, paths in enumerate(rows):
        if tuple(paths) not in known:
            titles, wrong = tree.find(paths)
            complaints |= {one: row for one in wrong if one not in complaints}
            known[tuple(paths)] = tuple(dict.fromkeys(titles))
        found.append(known[tuple(paths)])
    if complaints:
        first, row = next(iter(complaints.items()))
        raise DataError(
            f"{_places(tables)(row)}: {first} in {hierarchy}; such labels in all: {len(complaints):,}. Change that "
            "file, name another one with `--set hierarchy=...`, or say with `--set` how labels are written; a label in "
            "several places is written as a path, or beside its parent."
        )
    return found
