"""GermEval 2019 Task 1: 20,784 German blurbs of books with 343 genres in 3 levels, 8 branches.

The format is that of `datasets/formats/blurbs.py`. Subtask B has all genres, subtask A the 8 top ones, the roots
of the branches. The text is the blurb; `title=true` puts the title before it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from datasets.formats.blurbs import Blurbs
from datasets.storage.card import Card
from datasets.storage.counts import split_counts
from datasets.storage.documents import CorpusSource

CARD = Card(
    name="germeval",
    title="GermEval 2019 Task 1: Hierarchical Classification of Blurbs",
    summary=(__doc__ or "").partition("\n")[0],
    language="German",
    licence="CC BY-NC 4.0; the blurbs belong to their publishers",
    citation="Remus, Aly and Biemann, GermEval 2019 Task 1: Hierarchical Classification of Blurbs, KONVENS 2019",
    obtain=(
        "Get germeval2019t1-public-data-final.zip from the Language Technology Group of the University of Hamburg "
        "(www.inf.uni-hamburg.de/en/inst/ab/lt/resources/data/germeval-2019-hmc.html), free of charge; it need not be "
        "unpacked."
    ),
    splits="14,548 / 2,079 / 4,157 as published.",
    counts="20,784 documents, 343 labels in 3 levels, 8 branches.",
    traps=(
        "Not checked against the complete files, which are not at hand: layout, file names and counts are those that "
        "their owners and users describe. `python -m datasets.check germeval` prints what differs.",
        "The files are not XML: ampersands are not escaped, also in the names of genres (`Literatur & Unterhaltung`).",
        "Files of the running task (blurbs_*_participants.txt) have no genres; the final data have.",
        "Scores of the task are micro-F1 of subtask A (8 labels) and B (343 labels); macro-F1 was not ranked.",
    ),
    files=(
        "germeval2019t1-public-data-final.zip, a folder with it, or the folder with blurbs_train.txt, blurbs_dev.txt, "
        "blurbs_test.txt and hierarchy.txt; subfolders are searched"
    ),
)

RECIPE = 1
_BLURBS = Blurbs(
    CARD,
    {"train": "blurbs_train.txt", "val": "blurbs_dev.txt", "test": "blurbs_test.txt"},
    "germeval2019*",
    (14_548, 2_079, 4_157),
)


def read(source: Path | None, *, title: bool = False) -> CorpusSource:
    """Reads the data of the task.

    Args:
        source: The folder or zip, see the card.
        title: Whether to put the title before the blurb.

    Raises:
        DataError: When a file is missing, cut off or malformed.
    """
    return _BLURBS.read(source, title)


def published(options: Mapping[str, Any]) -> dict[str, int]:
    """Returns the counts of the task's paper."""
    return split_counts(*_BLURBS.sizes) | {"labels": 343, "branches": 8, "documents without labels": 0}
