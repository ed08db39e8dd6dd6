"""Table cells as spans of text, before any markup."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Span:
    """A run of text."""

    text: str
    bold: bool = False
    underlined: bool = False


Line = tuple[Span, ...]
Text = tuple[Line, ...]
"""The lines of one cell of a grid."""


@dataclass(frozen=True)
class Grid:
    """A table.

    Attributes:
        head: Column headings.
        rows: Cells, one per heading in each row.
        breaks: Numbers of the rows with a rule above them, where the markup has rules.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[Text, ...], ...]
    breaks: tuple[int, ...] = ()

    @classmethod
    def of_text(cls, head: Sequence[str], rows: Iterable[Iterable[str]], breaks: Sequence[int] = ()) -> Self:
        """Makes a table of unemphasised cells of one line."""
        return cls(tuple(head), tuple(tuple(map(plain, row)) for row in rows), tuple(breaks))


def plain(text: str) -> Text:
    """Returns a cell with one line without emphasis."""
    return ((Span(text),),)
