"""Reuters RCV1-v2: 804,414 newswire stories, 103 topics in 4 branches (LYRL2004).

Stories are read in place from the NIST archive, the daily zips or the unpacked files. They are in the order of
`rcv1v2-ids.dat`, as in the published programs, whatever the packing. A text is the paragraphs of the body, without
title, headline and dateline. `word` is what HiAGM and HiTIN train on, also with BERT; `natural` is HGCLR's text.

Validation sets differ. `val=hitin` draws 10% of the training stories as HiTIN does (pandas, seed 7), `hgclr` as HGCLR
and HPT do (scikit-learn, seed 0), both 2,315 stories; `file` takes the numbers in `val_file`.

Differences: paragraphs are joined by a space, while the published programs join the last word of one to the first of
the next (`join=none`); a story without a word of the word form keeps its natural text.
"""

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from datasets.corpora import rcv1_lists
from datasets.formats.news_xml import find_elements
from datasets.formats.reuters_stories import open_stories
from datasets.formats.text_forms import word_form
from datasets.formats.textfiles import find_file
from datasets.storage.card import Card
from datasets.storage.counts import branch_counts, level_counts, split_counts
from datasets.storage.documents import CorpusSource, Document, SplitName
from datasets.storage.progress import track
from harness.core.errors import DataError

if TYPE_CHECKING:
    from datasets.storage.corpus import Corpus

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
        "ids) and rcv1.topics.hier.orig; put all into one folder."
    ),
    splits="Train 23,149 (LYRL2004), of which 10% for validation, test 781,265.",
    counts="804,414 documents, 103 labels in a tree of 4 levels (4/55/43/1), 4 branches (34, 33, 26, 10).",
    traps=(
        "The taxonomy file of HiTIN lacks GMIL (102 labels); the official one has 103.",
        "Validation sets differ: HiTIN and HGCLR both hold out 2,315 of 23,149 stories, but not the same ones.",
        "While an archive is read, its stories are kept, compressed, in the temporary folder (TMPDIR, else /tmp).",
        "E312 and GMIL have no training document, so macro-F1 over all labels cannot pass 101/103.",
    ),
    files=(
        "a folder with the stories (rcv1.tar.xz, the daily zips YYYYMMDD.zip of the CDs, or the unpacked "
        "NUMBERnewsML.xml files), rcv1v2-ids.dat, rcv1-v2.topics.qrels, lyrl2004_tokens_train.dat (each also as .gz) "
        "and rcv1.topics.hier.orig; subfolders are searched"
    ),
)

RECIPE = 1
Convention = Literal["hitin", "hgclr", "file"]
NUM_STORIES, NUM_TRAIN = 804_414, 23_149
_DROPPED = "stories without text were dropped"


def read(
    source: Path | None,
    *,
    form: Literal["word", "natural"] = "word",
    join: Literal["space", "none"] = "space",
    val: Literal["hitin", "hgclr", "file"] = "hitin",
    val_file: str = "",
) -> CorpusSource:
    """Reads RCV1-v2 story by story.

    Args:
        source: The folder, see the card.
        form: Form of the text: no punctuation and stop words (`word`), or lower-cased sentences (`natural`).
        join: Separator of paragraphs; `none` joins words, as the published programs do.
        val: Validation set of HiTIN or of HGCLR, or the numbers in a file.
        val_file: File with the numbers of the validation stories, one per line; for val=file.

    Raises:
        DataError: When a file is missing or damaged, or stories of `rcv1v2-ids.dat` are missing.
    """
    folder = CARD.require_source(source)
    if (val == "file") != bool(val_file):
        raise DataError("rcv1: val=file and val_file=PATH go together; give both or neither.")
    hierarchy, notes = rcv1_lists.hierarchy(folder, CARD.files)
    numbers = rcv1_lists.story_numbers(find_file(folder, ("rcv1v2-ids.dat",), CARD.files))
    train = rcv1_lists.training_numbers(find_file(folder, ("lyrl2004_tokens_train.dat",), CARD.files))
    chosen = rcv1_lists.validation_numbers(Path(val_file), train) if val_file else None
    topics = rcv1_lists.topics(find_file(folder, ("rcv1-v2.topics.qrels",), CARD.files), hierarchy)
    if not train <= set(numbers):
        raise DataError(
            f"{len(train - set(numbers)):,} training stories are not in rcv1v2-ids.dat; get the files again."
        )
    if unlabelled := [number for number in numbers if number not in topics]:
        raise DataError(
            f"{len(unlabelled):,} of the {len(numbers):,} stories of rcv1v2-ids.dat have no line in "
            f"rcv1-v2.topics.qrels, first {unlabelled[0]}; every story has a topic, so it is cut off. Get it again."
        )
    notes += _deviations(numbers, train)
    notes.append(f"Validation set: {val}. Paragraphs joined by {'a space' if join == 'space' else 'nothing'}.")
    texts = _Texts(folder, form, " " if join == "space" else "", notes)
    return CorpusSource(
        hierarchy, _documents(texts, numbers, train, topics, val, chosen), notes, num_documents=len(numbers)
    )


def published(options: Mapping[str, Any]) -> dict[str, int]:
    """Returns the literature's counts, under the chosen validation convention."""
    split = (20_833, 2_316, 781_265) if options["val"] == "file" else (20_834, 2_315, 781_265)
    counts = split_counts(*split) | level_counts(4, 55, 43, 1) | {"branches": 4, "documents without labels": 0}
    counts["labels without train+val documents"] = 2
    counts |= branch_counts({"CCAT": 34, "GCAT": 33, "ECAT": 26, "MCAT": 10}, "labels")
    counts |= branch_counts({"CCAT": 10_786, "GCAT": 6_970, "MCAT": 5_882, "ECAT": 3_449}, "train+val")
    if options["val"] == "file":
        counts |= branch_counts({"CCAT": 1_083, "GCAT": 686, "MCAT": 573, "ECAT": 362}, "val")
    return counts


def convention(corpus: "Corpus") -> str:
    """Returns whose validation set it is, as a sentence."""
    val = set(corpus.doc_ids(corpus.rows("val")))
    training = corpus.doc_ids(np.sort(np.concatenate([corpus.rows("train"), corpus.rows("val")])))
    whose: list[Literal["hitin", "hgclr"]] = ["hitin", "hgclr"]
    for name in whose:
        if val == {training[position] for position in validation_positions(len(training), name)}:
            return f"validation set of {name}, drawn from {len(training):,} training stories"
    if any(_DROPPED in note for note in corpus.notes):
        return "cannot be determined: HiTIN draws among all training stories, also those that were dropped here"
    return "a validation set that is neither HiTIN's nor HGCLR's"


def validation_positions(num: int, val: Literal["hitin", "hgclr"]) -> list[int]:
    """Returns the positions of the validation stories among `num` training stories, in the order of their ids.

    Equal to pandas' `sample(frac=0.1, random_state=7)` (hitin) and to scikit-learn's
    `train_test_split(test_size=0.1, random_state=0)` (hgclr), by NumPy's frozen legacy streams.
    """
    seed, size = (7, round(0.1 * num)) if val == "hitin" else (0, math.ceil(0.1 * num))
    positions: list[int] = np.random.RandomState(seed).permutation(num)[:size].tolist()
    return positions


class _Texts:
    """Extractor of the texts of stories, which counts those without text."""

    def __init__(self, folder: Path, form: str, join: str, notes: list[str]):
        self.folder = folder
        self.clean: Callable[[str], str] = word_form if form == "word" else str.lower
        self.join = join
        self.notes = notes
        self.num_empty = self.num_wordless = 0

    def text(self, content: bytes, place: str) -> str:
        """Returns the text of a story; empty if it has none."""
        paragraphs = [p.text for p in find_elements(content, {"p"}, place) if "text" in p.parents]
        natural = self.join.join(paragraphs).strip()
        text = self.clean(natural)
        self.num_empty += not natural
        self.num_wordless += bool(natural and not text)
        return text or natural.lower()

    def report(self) -> None:
        """Adds the counts to the notes."""
        if self.num_empty:
            self.notes.append(f"{self.num_empty:,} {_DROPPED}, as in HGCLR.")
        if self.num_wordless:
            self.notes.append(f"{self.num_wordless:,} stories without a word of the word form keep their natural text.")


def _documents(
    texts: _Texts,
    numbers: list[int],
    train: Collection[int],
    topics: Mapping[int, tuple[str, ...]],
    val: Convention,
    chosen: Collection[int] | None,
) -> Iterator[Document]:
    training = [number for number in numbers if number in train]
    with open_stories(texts.folder) as stories:
        missing = [number for number in numbers if number not in stories]
        if missing:
            raise DataError(
                f"{len(missing):,} of the {len(numbers):,} stories of rcv1v2-ids.dat are not in {texts.folder}, first "
                f"{missing[0]}; is an archive or a zip missing?"
            )
        # HGCLR drops empty stories before it draws, so all must be read before its draw is known.
        read = ((number, texts.text(stories[number], f"story {number}")) for number in training)
        kept = {number: text for number, text in track(read, "training stories", len(training)) if text}
        if chosen is None:
            assert val != "file"
            order = training if val == "hitin" else list(kept)
            chosen = {order[position] for position in validation_positions(len(order), val)}
        for number, text in kept.items():
            split: SplitName = "val" if number in chosen else "train"
            yield Document(str(number), text, topics[number], split)
        kept.clear()
        for number in numbers:
            if number not in train and (text := texts.text(stories[number], f"story {number}")):
                yield Document(str(number), text, topics[number], "test")
    texts.report()


def _deviations(numbers: list[int], train: Collection[int]) -> list[str]:
    notes = []
    if len(numbers) != NUM_STORIES:
        notes.append(f"rcv1v2-ids.dat names {len(numbers):,} stories instead of {NUM_STORIES:,}.")
    if len(train) != NUM_TRAIN:
        notes.append(f"lyrl2004_tokens_train.dat names {len(train):,} training stories instead of {NUM_TRAIN:,}.")
    return notes
