"""New York Times (LDC2008T19): 36,471 articles, 166 labels in 4 branches, as sampled by HiAGM.

The monthly archives are read in place. The year of an archive and the last part of a name inside it identify an
article. Articles, splits and order are those of the published id lists, which come with HiAGM's code and are checked by
SHA-256.

A text is all paragraphs (`p`) but the first. Labels are the prefixes of the taxonomic classifiers' paths that are among
the 166 labels; paths of fewer than three parts are skipped. `word` is what HiAGM and HiTIN train on, also with BERT
(letters only, no stop words); `natural` is HGCLR's text.

Differences: paragraphs are joined by a space, while the published programs join the last word of one to the first of
the next (`join=none`); an empty paragraph is skipped, while they drop the article or fail; an article without a word of
the word form keeps its natural text; articles that the lists repeat are kept as `ID#2`.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Literal

from datasets.formats.archives import tar_members
from datasets.formats.news_xml import Element, find_elements
from datasets.formats.text_forms import letter_form
from datasets.formats.textfiles import find_file, open_bytes, read_lines, read_taxonomy
from datasets.storage.card import Card
from datasets.storage.counts import branch_counts, level_counts, split_counts
from datasets.storage.documents import SPLITS, CorpusSource, Document, SplitName
from datasets.storage.hierarchy import Hierarchy
from datasets.storage.progress import track
from harness.core.errors import DataError

if TYPE_CHECKING:
    from datasets.storage.corpus import Corpus

CARD = Card(
    name="nyt",
    title="The New York Times Annotated Corpus (LDC2008T19), sample of HiAGM",
    summary=(__doc__ or "").partition("\n")[0],
    language="English",
    licence="licence of the Linguistic Data Consortium, for a fee; not to be passed on",
    citation="Sandhaus, The New York Times Annotated Corpus, LDC2008T19, 2008",
    obtain=(
        "Licence LDC2008T19 from the Linguistic Data Consortium (catalog.ldc.upenn.edu/LDC2008T19) and get its "
        "nyt_corpus/data/YYYY/MM.tgz; from the repository of HiAGM get the three id files idnewnyt_*.json and "
        "nyt.taxonomy; put all into one folder."
    ),
    splits="23,345 / 5,834 / 7,292, by the id files that HiAGM, HiTIN, HGCLR and HPT share.",
    counts="36,471 documents, 166 labels in a tree of 8 levels, 4 branches (74, 62, 23, 7).",
    traps=(
        "Label names are full paths and may hold commas (`Media, Entertainment and Publishing`).",
        "Labels outside the fixed list of 166 are dropped, and paths of fewer than 3 parts are skipped.",
        "55% of the articles are longer than 512 tokens.",
        "The published lists hold 36,355 different articles; 22 test articles are also in train or val.",
        "HGCLR's program asks for train, then val, and calls the rest test: these 22 are not in its test split.",
    ),
    files=(
        "a folder with nyt_corpus/data/YYYY/MM.tgz, idnewnyt_train.json, idnewnyt_val.json and idnewnyt_test.json "
        "(each also as .gz or .zst) and nyt.taxonomy; subfolders are searched"
    ),
)

RECIPE = 1
SIZES: dict[SplitName, int] = {"train": 23_345, "val": 5_834, "test": 7_292}
LISTS: dict[SplitName, str] = {"train": "dde3f523d147e8f4", "val": "7e3879a4b784144e", "test": "7c71592e078e8cd9"}
TAXONOMY = "9b516e8bc7ee9722"
"""First digits of the SHA-256 of the published id lists and of nyt.taxonomy."""

_TOP = "Top"
_LINE = re.compile(r"Nytimes/(\d{4})/(\d+)\.xml")

Article = tuple[str, str]
"""Year and number, both as in the file name."""


def read(
    source: Path | None,
    *,
    form: Literal["word", "natural"] = "word",
    join: Literal["space", "none"] = "space",
) -> CorpusSource:
    """Reads the articles of the published id lists.

    Args:
        source: The folder, see the card.
        form: Form of the text: letters without stop words (`word`), or lower-cased sentences (`natural`).
        join: Separator of paragraphs; `none` joins words, as the published programs do.

    Raises:
        DataError: When a file is missing or damaged, or a listed article is not in the archives.
    """
    folder = CARD.require_source(source)
    path = find_file(folder, ("nyt.taxonomy",), CARD.files)
    hierarchy = read_taxonomy(path)
    notes = [f"Paragraphs joined by {'a space' if join == 'space' else 'nothing'}."]
    if not _sha256(path).startswith(TAXONOMY):
        notes.append(
            f"{path.name} is not the published one: {len(hierarchy)} labels instead of 166, or in other words."
        )
    lists = {split: _ids(folder, split, notes) for split in SPLITS}
    if not any("is not the published list" in note for note in notes):
        notes.append("The id lists are the published ones (SHA-256).")
    notes += _repeated(lists)
    archives = sorted(path for path in folder.rglob("*.tgz") if path.is_file())
    if not archives:
        raise DataError(f"{folder} holds no monthly archives YYYY/MM.tgz; --source is {CARD.files}.")
    reader = _Reader(hierarchy, letter_form if form == "word" else str.lower, " " if join == "space" else "")
    return CorpusSource(
        hierarchy, _documents(archives, lists, reader, notes), notes, num_documents=sum(map(len, lists.values()))
    )


def published(options: Mapping[str, Any]) -> dict[str, int]:
    """Returns the literature's counts."""
    counts = split_counts(*SIZES.values()) | level_counts(4, 27, 51, 47, 17, 12, 6, 2) | {"branches": 4}
    sizes = {"Top/News": 74, "Top/Features": 62, "Top/Classifieds": 23, "Top/Opinion": 7}
    seen = {"Top/News": 19_610, "Top/Features": 16_122, "Top/Classifieds": 9_670, "Top/Opinion": 3_129}
    return counts | branch_counts(sizes, "labels") | branch_counts(seen, "train+val")


def convention(corpus: "Corpus") -> str:
    """Returns whether every split is that of the published id lists, in their order, as a sentence."""
    for split, checksum in LISTS.items():
        ids = (doc_id.partition("#")[0] for doc_id in corpus.doc_ids(corpus.rows(split)))
        text = "".join(f"Nytimes/{doc_id}.xml\n" for doc_id in ids)
        if not hashlib.sha256(text.encode()).hexdigest().startswith(checksum):
            return f"not the published one: the {split} split has other articles"
    return "the published one of HiAGM and HiTIN, article for article (SHA-256)"


def _ids(folder: Path, split: SplitName, notes: list[str]) -> list[Article]:
    """Returns the articles of a split in the order of its list; adds a note if the list is not the published one."""
    path = find_file(folder, (f"idnewnyt_{split}.json",), CARD.files)
    articles = []
    for number, line in read_lines(path):
        match = _LINE.fullmatch(line.strip())
        if not match:
            raise DataError(f"{path}, line {number}: {line!r} is not `Nytimes/YYYY/NUMBER.xml`. Get it again.")
        articles.append((match[1], match[2]))
    if not _sha256(path).startswith(LISTS[split]):
        notes.append(
            f"{path.name} is not the published list (SHA-256): {len(articles):,} articles, published {SIZES[split]:,}."
        )
    return articles


def _repeated(lists: dict[SplitName, list[Article]]) -> list[str]:
    """Returns a note on articles that the lists name more than once, if there are any."""
    distinct = {split: set(articles) for split, articles in lists.items()}
    num_repeated = sum(map(len, lists.values())) - len(set().union(*distinct.values()))
    if not num_repeated:
        return []
    num_seen = len(distinct["test"] & (distinct["train"] | distinct["val"]))
    return [
        f"The id lists name {num_repeated:,} articles again, and {num_seen:,} test articles are also in train or val; "
        "all are kept, as in the literature."
    ]


def _sha256(path: Path) -> str:
    """Returns the SHA-256 of the decompressed file."""
    with open_bytes(path) as stream:
        return hashlib.sha256(stream.read()).hexdigest()


class _Reader:
    """Extracts text and labels from the XML of an article."""

    def __init__(self, hierarchy: Hierarchy, clean: Callable[[str], str], join: str):
        self.index = hierarchy.index
        self.clean = clean
        self.join = join

    def __call__(self, content: bytes, place: str) -> tuple[str, tuple[str, ...]]:
        """Returns the text (may be empty) and the labels of an article."""
        found = find_elements(content, {"p", "classifier"}, place)
        paragraphs = [element.text for element in found if element.name == "p"]
        natural = self.join.join(paragraphs[1:]).strip()
        return self.clean(natural) or natural.lower(), self.labels(found)

    def labels(self, found: list[Element]) -> tuple[str, ...]:
        """Returns the labels that the taxonomic classifiers among the elements name."""
        labels: dict[str, None] = {}
        for element in found:
            if element.name == "classifier" and element.attributes.get("type") == "taxonomic_classifier":
                parts = element.text.split("/")
                if len(parts) >= 3:
                    prefixes = ("/".join(parts[:length]) for length in range(1, len(parts) + 1))
                    labels.update(dict.fromkeys(name for name in prefixes if name != _TOP and name in self.index))
        return tuple(labels)


def _documents(
    archives: list[Path], lists: dict[SplitName, list[Article]], reader: _Reader, notes: list[str]
) -> Iterator[Document]:
    wanted = dict.fromkeys(article for articles in lists.values() for article in articles)
    found: dict[Article, tuple[str, tuple[str, ...]]] = {}
    for path in track(archives, "monthly archives", len(archives)):
        for article, content in _articles(path, wanted):
            if article in found:
                raise DataError(f"{path} holds article {'/'.join(article)} a second time; keep one copy of each month.")
            found[article] = reader(content, f"{path}, article {article[1]}")
    missing = [article for article in wanted if article not in found]
    if missing:
        raise DataError(
            f"{len(missing):,} of the {len(wanted):,} listed articles are not in the {len(archives)} archives, first "
            f"{'/'.join(missing[0])}; is a month missing?"
        )
    num_empty = 0
    times: Counter[Article] = Counter()
    for split, articles in lists.items():
        for article in articles:
            text, labels = found[article]
            num_empty += not text
            times[article] += 1
            if text:
                again = f"#{times[article]}" if times[article] > 1 else ""
                yield Document("/".join(article) + again, text, labels, split)
    if num_empty:
        notes.append(f"{num_empty:,} articles without text were dropped, as in HiAGM.")


def _articles(path: Path, wanted: Collection[Article]) -> Iterator[tuple[Article, bytes]]:
    """Yields the wanted articles of a monthly archive; the name of its folder is the year."""
    year = path.parent.name

    def is_wanted(name: str) -> bool:
        article = PurePosixPath(name)
        return article.suffix == ".xml" and (year, article.stem) in wanted

    for name, content in tar_members(path, is_wanted):
        yield (year, PurePosixPath(name).stem), content
