"""Book blurbs with genres as the Language Technology Group of Hamburg publishes them: BGC and GermEval 2019 Task 1.

A file is a sequence of `<book>` elements without a root element. It is no XML: an ampersand stands for itself. So
books are cut out between their tags, line by line, and their parts found by regular expressions. A genre is
`<topic d="k">` in the German files, with `label="True"` where it is the most specific one, and `<dk>` in the English
ones, with k its level from 0. `hierarchy.txt` has lines `parent TAB child`, or one genre alone that has no other.

Gold labels are closed over all parents again, and genres that no book has are left out, as the literature counts
them. A book without a blurb keeps its title.
"""

import html
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from datasets.formats.archives import check_size, open_member, origin
from datasets.formats.textfiles import decoded_lines
from datasets.storage.card import Card
from datasets.storage.counts import size_note
from datasets.storage.documents import SPLITS, Document, Raw, Split
from datasets.storage.hierarchy import ROOT, Hierarchy
from datasets.storage.progress import track
from harness.core.errors import DataError

_HIERARCHY = "hierarchy.txt"
_END = "</book>"
_START = re.compile(r"\s*<book\b[^>]*>")
_TOPIC = re.compile(r'<(?:topic d="\d+"[^>]*|d\d+)>(.*?)</(?:topic|d\d+)>', re.DOTALL)
_ENTITY = re.compile(r"&(?:amp|lt|gt|quot|apos|#\d+);")
_FIELDS = {name: re.compile(rf"<{name}>(.*?)</{name}>", re.DOTALL) for name in ("title", "body", "isbn")}


@dataclass(frozen=True)
class Blurbs:
    """One of the collections.

    Attributes:
        card: Its card.
        files: The file of each split.
        archive: The name of its zip, as a pattern.
        sizes: Published numbers of books in train, val and test.
    """

    card: Card
    files: Mapping[Split, str]
    archive: str
    sizes: tuple[int, int, int]

    def read(self, source: Path | None, title: bool) -> Raw:
        """Reads the collection, twice: once for the genres in use, once for the texts.

        Args:
            source: The folder or zip, see the card.
            title: Whether a text is the title and the blurb, or the blurb alone.

        Raises:
            DataError: When a file is missing, cut off or without genres, or has a book that is not as published.
        """
        given = origin(self.card.need(source), _HIERARCHY, self.archive)
        full = self._hierarchy(given)
        used: set[str] = set()
        sizes: Counter[Split] = Counter()
        for split, name in self.files.items():
            found: set[str] = set()
            for _, book in self._books(given, name):
                sizes[split] += 1
                found.update(_topics(book))
            if sizes[split] and not found:
                raise DataError(
                    f"{given}: no book of {name} has a topic, so it is the file for participants; get the final data."
                )
            used |= found
        known = sorted(full.index[topic] for topic in used if topic in full.index)
        # A hierarchy of other names is told with the labels that it lacks.
        hierarchy = full.sub(full.close(known)) if known else full
        notes = size_note((sizes[split] for split in SPLITS), self.sizes, "books")
        if left_out := len(full) - len(hierarchy):
            notes.append(f"{left_out:,} of {len(full):,} genres of {_HIERARCHY} were left out: no book has them.")
        return Raw(hierarchy, self._documents(given, title, notes), notes, num_documents=sizes.total())

    def _documents(self, source: Path, title: bool, notes: list[str]) -> Iterator[Document]:
        times: Counter[str] = Counter()
        learned: set[str] = set()
        num_bodiless = num_leaked = 0
        for split, name in self.files.items():
            for number, (place, book) in enumerate(self._books(source, name), 1):
                heading, body = _field(book, "title"), _field(book, "body")
                if heading is None or body is None:
                    raise DataError(f"{place}: a book has a <title> and a <body>. Get the file again.")
                num_bodiless += not body
                text = f"{heading}\n{body}".strip() if title else body or heading
                isbn = _field(book, "isbn") or f"{split}-{number}"
                times[isbn] += 1
                num_leaked += split == "test" and isbn in learned
                learned.update([isbn] if split != "test" else [])
                again = f"#{times[isbn]}" if times[isbn] > 1 else ""
                yield Document(isbn + again, text, tuple(dict.fromkeys(_topics(book))), split)
        if num_bodiless:
            notes.append(f"{num_bodiless:,} books without a blurb keep their title.")
        if num_again := times.total() - len(times):
            notes.append(
                f"{num_again:,} books have an ISBN that came before, and {num_leaked:,} test books one of train or "
                "val; all are kept."
            )

    def _books(self, source: Path, name: str) -> Iterator[tuple[str, str]]:
        """Yields (place, what is between the tags) of the books of a file."""
        place, rest, start = f"{source}, {name}", "", 1
        with open_member(source, name, self.card.files) as stream:
            for number, line in decoded_lines(track(stream, f"lines of {name}"), place):
                rest += line + "\n"
                if _END not in line:
                    check_size(len(rest), f"{place}, the book in line {start}")
                    continue
                *books, rest = rest.split(_END)
                for book in books:
                    opened = _START.match(book)
                    if not opened:
                        raise DataError(f"{place}, line {start}: a <book> is needed here, not {book.strip()[:40]!r}.")
                    yield f"{place}, line {start}", book[opened.end() :]
                    start = number
                start = number + 1
        if rest.strip():
            raise DataError(f"{place} is cut off: the book in line {start} does not end. Get the file again.")

    def _hierarchy(self, source: Path) -> Hierarchy:
        place = f"{source}, {_HIERARCHY}"
        edges: list[tuple[str, str]] = []
        genres: dict[str, None] = {}
        with open_member(source, _HIERARCHY, self.card.files) as stream:
            for number, line in decoded_lines(stream, place):
                names = [_plain(name) for name in line.split("\t") if name.strip()]
                if len(names) > 2:
                    raise DataError(f"{place}, line {number}: {line!r} is not `parent TAB child`.")
                genres.update(dict.fromkeys(names))
                edges += [(names[0], names[1])] if len(names) == 2 else []
        below = {child for _, child in edges}
        try:
            return Hierarchy.from_names([*((ROOT, genre) for genre in genres if genre not in below), *edges])
        except DataError as error:
            raise DataError(f"{place}: {error}") from None


def _plain(text: str) -> str:
    """Returns a text without white space around it; the predefined and numbered entities are resolved."""
    return _ENTITY.sub(lambda entity: html.unescape(entity[0]), text).strip()


def _topics(book: str) -> list[str]:
    return [_plain(topic) for topic in _TOPIC.findall(book)]


def _field(book: str, name: str) -> str | None:
    match = _FIELDS[name].search(book)
    return _plain(match[1]) if match else None
