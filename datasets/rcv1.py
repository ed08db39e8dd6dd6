"""Reuters RCV1-v2: 804,414 newswire stories, 103 topics in 4 branches. Not part of this version yet.

The card says what to get. Until the reader is there, `jsonl` takes the JSON-lines files that the published
pre-processing of HiAGM, HGCLR or HiTIN makes, together with a taxonomy file.
"""

from pathlib import Path

from datasets.card import Card
from datasets.raw import Raw
from harness.errors import DataError

CARD = Card(
    name="rcv1",
    title="Reuters Corpus Volume 1 (RCV1-v2, LYRL2004)",
    summary=(__doc__ or "").partition("\n")[0],
    language="English",
    licence="research only, under the Organization and Individual agreements with NIST; not to be passed on",
    citation="Lewis et al., RCV1: A New Benchmark Collection for Text Categorization Research, JMLR 5, 2004",
    obtain=(
        "Sign the agreements of NIST (trec.nist.gov/data/reuters/reuters.html) and get rcv1.tar.xz; from the online "
        "appendices of the LYRL2004 paper get rcv1v2-ids.dat, rcv1-v2.topics.qrels, lyrl2004_tokens_train.dat (for its "
        "ids) and rcv1.topics.hier.orig."
    ),
    splits="Train 23,149 (LYRL2004), of which 10% for validation, test 781,265.",
    counts="804,414 documents, 103 labels in a tree of 4 levels (4/55/43/1), 4 branches (34, 33, 26, 10).",
    traps=(
        "The taxonomy file of HiTIN lacks GMIL (102 labels); the official one has 103.",
        "There is no one validation set: HiTIN and HGCLR both hold out 2,315 of 23,149, but different ones.",
        "E312 and GMIL have no training document, so macro-F1 over all labels cannot pass 101/103.",
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
