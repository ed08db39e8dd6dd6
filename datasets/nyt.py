"""New York Times Annotated Corpus: 36,471 articles, 166 labels in 4 branches. Not part of this version yet.

The card says what to get. Until the reader is there, `jsonl` takes the JSON-lines files that the published
pre-processing of HiAGM, HGCLR or HiTIN makes, together with a taxonomy file.
"""

from pathlib import Path

from datasets.card import Card
from datasets.raw import Raw
from harness.errors import DataError

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
        "nyt.taxonomy."
    ),
    splits="23,345 / 5,834 / 7,292, by the id files that HiAGM, HiTIN, HGCLR and HPT share.",
    counts="36,471 documents, 166 labels in a tree of 8 levels, 4 branches (74, 62, 23, 7).",
    traps=(
        "Label names are full paths and may hold commas (`Media, Entertainment and Publishing`).",
        "Labels outside the fixed list of 166 are dropped, and paths of fewer than 3 parts are skipped.",
        "55% of the articles are longer than 512 word pieces.",
    ),
    files="the reader is not part of this version yet",
)


def read(source: Path | None) -> Raw:
    """Refuses, and says what to get and what to do meanwhile.

    Raises:
        DataError: Always.
    """
    raise DataError(
        f"The reader of {CARD.name!r} is not part of this version yet. {CARD.obtain} Meanwhile, prepare JSON-lines "
        "files made by the published code of HiAGM, HGCLR or HiTIN with `python -m datasets.prepare jsonl`."
    )
