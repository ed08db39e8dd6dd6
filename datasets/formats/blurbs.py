"""Book blurbs with genres in the format of BGC and GermEval 2019 Task 1 (Language Technology Group, Hamburg).

A file is a sequence of `<book>` elements without a root element. It is not XML, since ampersands are not escaped, so
books are split at their tags, line by line, and their parts found by regular expressions. A genre is `<topic d="k">`
in the German files, with `label="True"` on the most specific one, and `<dk>` in the English ones; k is its level,
from 0. A line of `hierarchy.txt` is `parent TAB child`, or a genre without parent and child.

Gold labels are closed over all parents, and genres without books are left out, as the literature counts them. The
text of a book without a blurb is its title.
"""

import html
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from datasets.formats.archives import check_size, folder_or_archive, open_member
from datasets.formats.textfiles import decoded_lines
from datasets.storage.card import Card
from datasets.storage.counts import size_note
from datasets.storage.documents import SPLITS, CorpusSource, Document, SplitName
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
    """Reader of one collection.

    Attributes:
        card: Data card.
        files: File name of each split.
        archive: Glob pattern of its zip.
        sizes: Published numbers of books in train, val and test.
    """

    card: Card
    files: Mapping[SplitName, str]
    archive: str
    sizes: tuple[int, int, int]

    def read(self, source: Path | None, title: bool) -> CorpusSource:
        """Reads the collection twice: first for the genres in use, then for the texts.

        Args:
            source: The folder or zip, see the card.
            title: Whether to put the title before the blurb.

        Raises:
            DataError: When a file is missing, cut off or without genres, or a book is malformed.
        """
        given = folder_or_archive(self.card.require_source(source), _HIERARCHY, self.archive)
        full = self._hierarchy(given)
        used: set[str] = set()
        sizes: Counter[SplitName] = Counter()
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
        # With no known genre, the writer's error lists the labels that the hierarchy lacks.
        hierarchy = full.sub(full.close(known)) if known else full
        notes = size_note((sizes[split] for split in SPLITS), self.sizes, "books")
        if left_out := len(full) - len(hierarchy):
            notes.append(f"{left_out:,} of {len(full):,} genres of {_HIERARCHY} were left out: no book has them.")
        return CorpusSource(hierarchy, self._documents(given, title, notes), notes, num_documents=sizes.total())

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
        """Yields (place, content of the element) of the books of a file."""
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
                    raise DataError(f"{place}, line {number}: {line!r} is not `parent TAB child`. Get it again.")
                genres.update(dict.fromkeys(names))
                edges += [(names[0], names[1])] if len(names) == 2 else []
        below = {child for _, child in edges}
        try:
            return Hierarchy.from_names([*((ROOT, genre) for genre in genres if genre not in below), *edges])
        except DataError as error:
            raise DataError(f"{place}: {error}") from None


def _plain(text: str) -> str:
    """Returns the stripped text, with predefined entities and character references resolved."""
    return _ENTITY.sub(lambda entity: html.unescape(entity[0]), text).strip()


def _topics(book: str) -> list[str]:
    return [_plain(topic) for topic in _TOPIC.findall(book)]


def _field(book: str, name: str) -> str | None:
    match = _FIELDS[name].search(book)
    return _plain(match[1]) if match else None
