"""Blurb Genre Collection (English): 91,894 blurbs of books with 146 genres in a tree of 4 levels, 7 branches.

The format is that of `datasets/formats/blurbs.py`. The text is the blurb, as in the paper; `title=true` puts the
title before it, as later work does.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from datasets.formats.blurbs import Blurbs
from datasets.storage.card import Card
from datasets.storage.counts import level_counts, split_counts
from datasets.storage.documents import CorpusSource

CARD = Card(
    name="bgc",
    title="Blurb Genre Collection (BGC-EN)",
    summary=(__doc__ or "").partition("\n")[0],
    language="English",
    licence="CC BY-NC 4.0; the blurbs belong to Penguin Random House and its providers, who permit sharing",
    citation="Aly, Remus and Biemann, Hierarchical Multi-label Classification of Text with Capsule Networks, ACL SRW "
    "2019",
    obtain=(
        "Get blurbgenrecollectionen.zip from the Language Technology Group of the University of Hamburg "
        "(www.inf.uni-hamburg.de/en/inst/ab/lt/resources/data/blurb-genre-collection.html), free of charge; it need "
        "not be unpacked."
    ),
    splits="58,715 / 14,785 / 18,394 as published (64% / 16% / 20%).",
    counts="91,894 documents, 146 labels in 4 levels (7/46/77/16), 7 branches.",
    traps=(
        "Not checked against the complete files, which are not at hand: layout, file names and counts are those that "
        "their owners and users describe. `python -m datasets.check bgc` prints what differs.",
        "The files are not XML: ampersands are not escaped, also in the names of genres.",
        "hierarchy.txt is said to name more genres than the 146 in use; those that no book has are left out.",
        "Names hold commas and typographic apostrophes (`Crafts, Home & Garden`, `Women’s Fiction`).",
    ),
    files=(
        "blurbgenrecollectionen.zip, a folder with it, or the folder with BlurbGenreCollection_EN_train.txt, _dev.txt "
        "and _test.txt and hierarchy.txt; subfolders are searched"
    ),
)

RECIPE = 1
_BLURBS = Blurbs(
    CARD,
    {
        "train": "BlurbGenreCollection_EN_train.txt",
        "val": "BlurbGenreCollection_EN_dev.txt",
        "test": "BlurbGenreCollection_EN_test.txt",
    },
    "blurbgenrecollection*",
    (58_715, 14_785, 18_394),
)


def read(source: Path | None, *, title: bool = False) -> CorpusSource:
    """Reads the collection.

    Args:
        source: The folder or zip, see the card.
        title: Whether to put the title before the blurb.

    Raises:
        DataError: When a file is missing, cut off or malformed.
    """
    return _BLURBS.read(source, title)


def published(options: Mapping[str, Any]) -> dict[str, int]:
    """Returns the literature's counts."""
    counts = split_counts(*_BLURBS.sizes) | level_counts(7, 46, 77, 16)
    return counts | {"branches": 7, "documents without labels": 0, "documents that came not closed": 0}
