"""Labels in the cells of a table: names, numbers, lists, and text that separators divide into labels or levels."""

import ast
import json
import math
import re
import warnings
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

LabelPath = tuple[str, ...]
"""Names of a label's ancestors from the top down, as far as they are known, and its own name."""

BETWEEN_LABELS = ("|", ";", ",")
BETWEEN_LEVELS = (" > ", " >> ", ">>", " -> ", "->", ">", "::", "\\", " / ", "/", " | ", "|", ":")
_PLAIN = {" > ", " >> ", ">>", " -> ", "->", "::"}
"""Separators of levels that hardly ever stand inside a name."""
_EMPTY = {"", "nan", "NaN"}
_BARE_ITEMS = re.compile(r"""['"]\s+['"]""")
_WHOLE = re.compile(r"-?\d+\.0")


@dataclass(frozen=True)
class CellFormat:
    """How the cells of a label column are read.

    Attributes:
        between_labels: Separator of labels; empty if a cell is one label.
        between_levels: Separator of levels inside one label; empty if a label is one name.
        list_is_path: Whether a list holds the levels of one label.
    """

    between_labels: str = ""
    between_levels: str = ""
    list_is_path: bool = False

    def paths(self, items: Sequence[Any]) -> list[LabelPath]:
        """Returns the labels in the items of a cell, see `cell_items`."""
        if any(isinstance(item, list) for item in items):  # Each inner list holds the levels of one label.
            inner = [[name for part in cell_items(item) for name in self._split(part)] for item in items]
            return [tuple(path) for path in inner if path]
        separator = self.between_labels
        parts = [part for item in items for part in (item.split(separator) if separator else [item])]
        found = [path for part in parts if (path := self._split(part))]
        return [tuple(name for path in found for name in path)] if self.list_is_path and found else found

    def _split(self, part: str) -> LabelPath:
        names = part.split(self.between_levels) if self.between_levels else [part]
        return tuple(name for name in map(cleaned, names) if name)


def cleaned(name: str) -> str:
    """Returns a name with single spaces inside and none around it."""
    return " ".join(name.split())


def cell_items(value: Any) -> list[Any]:
    """Returns the items of a cell as text; inner lists stay lists, of text.

    A list may be written out as text, as in `['a', 'b']`; whole numbers have no decimals.

    Raises:
        TypeError: When the cell holds something else, such as an object, or lists three deep.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return []
    if isinstance(value, list | tuple):
        found: list[Any] = []
        for item in value:
            inner = cell_items(item)
            if any(isinstance(one, list) for one in inner):
                raise TypeError(f"lists in lists of a list, {str(item)[:40]!r}")
            found += [inner] if isinstance(item, list | tuple) and inner else inner
        return found
    if isinstance(value, str):
        text = value.strip()
        if text in _EMPTY:
            return []
        listed = _written_list(text) if text.startswith("[") and text.endswith("]") else None
        return [cleaned(text)] if listed is None else cell_items(listed)
    if isinstance(value, float) and value.is_integer():
        return [str(int(value))]
    if isinstance(value, bool | int | float):
        return [str(value)]
    raise TypeError(f"{type(value).__name__} {str(value)[:40]!r}")


def _written_list(text: str) -> list[Any] | None:
    if _BARE_ITEMS.search(text) and "," not in _BARE_ITEMS.sub("", text):  # As NumPy prints arrays.
        return [one or two for one, two in re.findall(r"'([^']*)'|\"([^\"]*)\"", text)]
    for parse in (json.loads, ast.literal_eval):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Of backslashes, which stand for themselves.
                found = parse(text)
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            continue
        return found if isinstance(found, list) else None
    return None


def whole_numbers(values: Iterable[str]) -> bool:
    """Returns whether all names are whole numbers with a decimal, as a column with empty cells is often written."""
    found = [value for value in values if value not in _EMPTY]
    return bool(found) and all(_WHOLE.fullmatch(value) for value in found)


def guess_format(cells: Collection[Sequence[Any]], known: Collection[str] = ()) -> CellFormat:
    """Returns the probable format of cells, each given by its items.

    With known names, the separators are those that find most of them. Otherwise a separator is one if dividing by it
    leaves fewer different labels than there are different cells (labels), or if few different names come first
    and no name is both first and later (levels); lists are judged in the same way.

    Args:
        cells: Different cells.
        known: Names of all labels, if a hierarchy is given.
    """
    if known:
        return _matching(cells, set(known))
    lists = [cell for cell in cells if not any(isinstance(item, list) for item in cell)]
    if any(len(cell) > 1 for cell in lists):
        if all(below.startswith(name) for cell in lists for name, below in pairwise(cell)):
            return CellFormat(list_is_path=True)  # As in `A`, `A/B`: the names hold their paths already.
        between_levels = _between_levels({item for cell in lists for item in cell})
        return CellFormat("", between_levels, not between_levels and _are_paths(lists))
    names = {item for cell in lists for item in cell}
    for separator in BETWEEN_LABELS:
        divided = [_divided(name, separator) for name in names]
        parts = {part for cell in divided for part in cell}
        if sum(len(cell) > 1 for cell in divided) > 1 and len(parts) < len(names) and not _are_paths(divided):
            return CellFormat(separator, _between_levels(parts))
    return CellFormat("", _between_levels(names))


def _divided(name: str, separator: str) -> list[str]:
    return [part for part in map(cleaned, name.split(separator)) if part]


def _are_paths(cells: Collection[Sequence[str]]) -> bool:
    """Returns whether lists of names go from the top of a hierarchy down: few names come first, and only there."""
    first = {cell[0] for cell in cells if cell}
    later = {name for cell in cells for name in cell[1:]}
    different = {tuple(cell) for cell in cells if len(cell) > 1}
    return bool(later) and not first & later and 2 * len(first) <= len(different)


def _between_levels(names: Collection[str]) -> str:
    for separator in BETWEEN_LEVELS:
        divided = [_divided(name, separator) for name in names]
        longer = [cell for cell in divided if len(cell) > 1]
        few_first = 2 * len({cell[0] for cell in longer}) <= len(longer)
        if longer and 2 * len(longer) >= len(names) and (separator in _PLAIN or few_first):
            return separator
    return ""


def _matching(cells: Collection[Sequence[Any]], known: set[str]) -> CellFormat:
    def share(form: CellFormat) -> float:
        found = [path for cell in cells for path in form.paths(cell)]
        return sum(path[-1] in known for path in found) / max(len(found), 1)

    return _best([CellFormat(), *(CellFormat(one) for one in BETWEEN_LABELS)], share, BETWEEN_LEVELS)


def _best(forms: list[CellFormat], share: Callable[[CellFormat], float], levels: Sequence[str]) -> CellFormat:
    every = [*forms, *(CellFormat(form.between_labels, separator) for form in forms for separator in levels)]
    return max(every, key=share)  # The first of equals, which divides least.
