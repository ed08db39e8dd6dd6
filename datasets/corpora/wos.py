"""Web of Science abstracts: 46,985 abstracts, 7 domains and 134 areas (HDLTex).

Labels are repaired, texts cleaned and splits drawn as in the published code of HiAGM, HGCLR and HiTIN, so that results
can be compared (tested on 1,000 rows, and on the complete split). `word` is the text that HiAGM trains on and that
HiTIN (and the HiMTL framework) also gives to BERT: lower case, no punctuation, no stop words. `natural` is HGCLR's.

Differences: Excel files (.xlsx) keep inner quotes single, while the tab-separated export doubles them; in X.txt with
its label arrays, the few rows of `Electrical generator` are not distinguishable from `Analog signal processing`.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from datasets.corpora.wos_labels import AREAS, CODES, EXTRA_AREAS, wos_hierarchy
from datasets.formats.archives import archive_errors
from datasets.formats.text_forms import natural_form, word_form
from datasets.formats.textfiles import read_lines
from datasets.storage.card import Card
from datasets.storage.counts import branch_counts, level_counts, split_counts
from datasets.storage.documents import CorpusSource, Document, SplitName
from harness.core.errors import DataError

if TYPE_CHECKING:
    from datasets.storage.corpus import Corpus

CARD = Card(
    name="wos",
    title="Web of Science (WOS-46985)",
    summary=(__doc__ or "").partition("\n")[0],
    language="English",
    licence="as stated on its Mendeley Data page, free of charge; the abstracts belong to their publishers",
    citation="Kowsari et al., HDLTex: Hierarchical Deep Learning for Text Classification, ICMLA 2017",
    obtain=(
        "Get the Web of Science dataset of HDLTex from Mendeley Data, doi:10.17632/9rw3vkcfy4 (version 6 or 2), free "
        "of charge, and unpack it."
    ),
    splits="30,070 / 7,518 / 9,397, drawn as in HiAGM (shuffle with seed 7, then 20% test, then 20% validation).",
    counts="46,985 documents, 141 labels in a tree of 2 levels, 7 branches of 10 to 54 labels.",
    traps=(
        "It has 7 root branches, not the 4 that the HiMTL paper states.",
        "`Electrical generator` has no training document, so macro-F1 over all labels cannot pass 140/141.",
        "The integer column Y is not consistent with the tree and is not used.",
    ),
    files=(
        "the unpacked folder, Meta-data/Data.xlsx, its tab-separated export (UTF-8, UTF-16 or cp1252; columns Y1, Y2, "
        "Y, Domain, area, keywords, Abstract), or the folder WOS46985 with X.txt, YL1.txt and YL2.txt"
    ),
)

RECIPE = 1
_SMALLER = (5_736, 11_967)
SPLIT_SHA256: dict[SplitName, str] = {
    "train": "b7fcedff9356919f24fe2bbc13ac145e4ed3e7873b07f88df4d0821b33fe4702",
    "val": "500febfb9638923e22a5d2fa4eadee22edc2d91d5541ea26f757bee50a2e8c4f",
    "test": "01c9499e50a92520f1fe27edf21e89c004c0d12221e02d5ef44483e014dd2dcc",
}
"""SHA-256 of the published row numbers of each split, joined by commas."""


class Row(NamedTuple):
    """One row of the source: codes, names and the abstract."""

    codes: tuple[str, str]
    domain: str
    area: str
    abstract: str


def read(source: Path | None, *, form: Literal["word", "natural"] = "word") -> CorpusSource:
    """Reads Web of Science in any of its forms.

    Args:
        source: A file or folder, see the card.
        form: Form of the text: no punctuation and stop words (`word`), or lower-cased sentences (`natural`).

    Raises:
        DataError: When the file has none of these forms, or a row is malformed.
    """
    path = _find(CARD.require_source(source))
    if path.name == "X.txt":
        rows, notes = _read_arrays(path), ["`Electrical generator` shares its code with another area in X.txt."]
    else:
        rows = _read_xlsx(path) if path.suffix == ".xlsx" else _read_export(path)
        areas = repaired_areas(rows)
        changed = sum(row.area != area for row, area in zip(rows, areas, strict=True))
        rows = [row._replace(area=area) for row, area in zip(rows, areas, strict=True)]
        notes = [f"The areas of {changed:,} rows were repaired as in HiAGM."]
    _check_areas(rows, path)
    notes.append("7 root branches, not the 4 that the HiMTL paper states.")
    if len(rows) != 46_985:
        notes.append(f"The source has {len(rows):,} rows instead of 46,985; the same recipe was applied.")
    clean = word_form if form == "word" else natural_form
    return CorpusSource(wos_hierarchy(), _documents(rows, clean), notes, num_documents=len(rows))


def published(options: Mapping[str, Any]) -> dict[str, int]:
    """Returns the literature's counts."""
    sizes = {
        "CS": (18, 4239, 988, 1287),
        "ECE": (17, 3431, 921, 1131),
        "Psychology": (20, 4571, 1146, 1425),
        "MAE": (10, 2058, 532, 707),
        "Civil": (12, 2733, 678, 826),
        "Medical": (54, 9417, 2366, 2842),
        "biochemistry": (10, 3621, 887, 1179),
    }
    counts = split_counts(30_070, 7_518, 9_397) | level_counts(7, 134)
    counts |= {"branches": 7, "labels without train documents": 1}
    for column, what in enumerate(("labels", "train", "val", "test")):
        counts |= branch_counts({name: row[column] for name, row in sizes.items()}, what)
    return counts


def convention(corpus: "Corpus") -> str:
    """Returns whether the split is the published one, index for index, as a sentence."""
    for split, checksum in SPLIT_SHA256.items():
        numbers = ",".join(doc_id.removeprefix("wos-") for doc_id in corpus.doc_ids(corpus.rows(split)))
        if hashlib.sha256(numbers.encode()).hexdigest() != checksum:
            return f"not the published one: the {split} split has other rows"
    return "the published one of HiAGM, HiTIN, HGCLR and HPT, index for index (SHA-256)"


def _documents(rows: list[Row], clean: Callable[[str], str]) -> Iterator[Document]:
    for split, numbers in split_rows(len(rows)).items():
        for number in numbers.tolist():
            row = rows[number]
            yield Document(f"wos-{number}", clean(row.abstract), (row.domain, row.area), split)


def _find(source: Path) -> Path:
    if source.is_file():
        return source
    for name in ("Data.xlsx", "Data.txt", "X.txt"):
        found = sorted(source.rglob(name), key=lambda path: ("46985" not in str(path), len(path.parts), str(path)))
        if found:
            return found[0]
    raise DataError(f"{source} holds no Data.xlsx, Data.txt or X.txt; --source is {CARD.files}.")


def _decode(path: Path) -> str:
    content = path.read_bytes()
    utf_16 = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    for encoding in ("utf-16",) if utf_16 else ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError as error:
            start = error.start
    raise DataError(f"{path}, byte {start}: neither UTF-8 nor UTF-16 nor cp1252. Save the file as UTF-8.")


def _read_export(path: Path) -> list[Row]:
    lines = [line.rstrip("\r") for line in _decode(path).split("\n")]
    return _rows([(number, line.split("\t")) for number, line in enumerate(lines, 1) if line.strip()], path)


def _read_xlsx(path: Path) -> list[Row]:
    from openpyxl import load_workbook

    # A damaged workbook lacks parts of its zip (KeyError), or they are not XML (SyntaxError) or cells (ValueError).
    with archive_errors(path, KeyError, SyntaxError, ValueError):
        book = load_workbook(path, read_only=True)
        cells = book.worksheets[0].iter_rows(max_col=7, values_only=True)
        table = [(number, ["" if cell is None else str(cell) for cell in row]) for number, row in enumerate(cells, 1)]
        book.close()
    return _rows([(number, row) for number, row in table if any(row)], path, outer_quotes=False)


def _rows(table: list[tuple[int, list[str]]], path: Path, outer_quotes: bool = True) -> list[Row]:
    wrong = [(number, len(fields)) for number, fields in table if len(fields) != 7]
    if wrong:
        number, count = wrong[0]
        raise DataError(
            f"{path}: {len(wrong):,} rows have other than 7 fields, first line {number} with {count}. Export it again."
        )
    if not table or table[0][1][0].strip() != "Y1":
        raise DataError(f"{path}: the first row has to name the columns, from Y1 to Abstract.")
    rows = []
    for _, (y1, y2, _, domain, area, _, abstract) in table[1:]:
        text = abstract.strip()
        rows.append(Row((y1, y2), domain.strip(), area.strip(), text.strip('"') if outer_quotes else text))
    return rows


def _read_arrays(path: Path) -> list[Row]:
    texts = _decode(path).rstrip("\n").split("\n")
    first, second = (_codes(path.parent / f"{name}.txt") for name in ("YL1", "YL2"))
    if not len(texts) == len(first) == len(second):
        raise DataError(
            f"{path.parent}: X.txt, YL1.txt and YL2.txt have {len(texts):,}, {len(first):,} and {len(second):,} rows."
        )
    if len(texts) in _SMALLER:
        raise DataError(
            f"{path.parent} has {len(texts):,} rows, so it is one of the smaller sets of HDLTex. Their codes stand for "
            "other areas than those of WOS46985, which is the set of the literature; take that one."
        )
    rows = []
    for number, (text, y1, y2) in enumerate(zip(texts, first, second, strict=True), 1):
        if (y1, y2) not in CODES:
            raise DataError(f"{path.parent}, row {number}: no label has the codes {y1} and {y2}. Get it again.")
        rows.append(Row((y1, y2), *CODES[y1, y2], text.strip().strip('"')))
    return rows


def _codes(path: Path) -> list[str]:
    if not path.exists():
        raise DataError(f"{path} is missing; X.txt has its labels in YL1.txt and YL2.txt beside it.")
    return " ".join(line for _, line in read_lines(path)).split()


def _check_areas(rows: list[Row], path: Path) -> None:
    known = {(domain, area) for domain in AREAS for area in (*AREAS[domain], *EXTRA_AREAS.get(domain, ())) if area}
    wrong = [(number, row) for number, row in enumerate(rows, 1) if (row.domain, row.area) not in known]
    if wrong:
        number, row = wrong[0]
        raise DataError(
            f"{path}: {len(wrong):,} rows have an area that is not one of the 134, first row {number}: "
            f"{row.area!r} in {row.domain!r}."
        )


def repaired_areas(rows: list[Row]) -> list[str]:
    """Returns the areas with rare second names of a code replaced, in file order as HiAGM does.

    The name of a row is replaced by the first name that its code had so far and that is more frequent in the domain,
    over the whole file. The result depends on the order of rows.
    """
    counts = Counter((row.domain, row.area) for row in rows)
    met: defaultdict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    areas = []
    for row in rows:
        names = met[row.codes]
        names[row.area] = None
        own = counts[row.domain, row.area]
        areas.append(next((name for name in names if counts[row.domain, name] > own), row.area))
    return areas


def split_rows(num_rows: int) -> dict[SplitName, np.ndarray]:
    """Returns the row numbers of each split, in the published order.

    Rows are shuffled with NumPy's legacy seed 7, then split twice as by scikit-learn's `train_test_split(test_size=0.2,
    random_state=0)`, which holds out the first fifth (rounded up) of a permutation.
    """
    rest = np.arange(num_rows)
    np.random.RandomState(7).shuffle(rest)
    rest, test = _hold_out(rest)
    train, val = _hold_out(rest)
    return {"train": train, "val": val, "test": test}


def _hold_out(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.random.RandomState(0).permutation(len(rows))
    num_held = -(-len(rows) // 5)
    return rows[order[num_held:]], rows[order[:num_held]]
