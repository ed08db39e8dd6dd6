"""MultiEURLEX: 65,000 EU laws in up to 23 languages with EuroVoc concepts, split by date.

With several `languages`, a law gives one document for each language that it has a text in, named `CELEX-LANGUAGE`.
`test_languages` sets other languages for validation and test, for zero-shot transfer.

Labels are the 21 domains (`level_1`), the 127 microthesauri (`level_2`), 567 upper concepts (`level_3`) or the concepts
as assigned (`original`), closed over all parents in EuroVoc.

The files are read twice, line by line: first for the labels in use, then for the texts. An archive is read once for
each split each time.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal

from datasets.formats.archives import folder_or_archive, open_member
from datasets.formats.eurovoc import find_eurovoc, hierarchy_in_use, parse_names, read_eurovoc, shortening_notes
from datasets.formats.text_forms import first_words
from datasets.formats.textfiles import json_object
from datasets.storage.card import Card
from datasets.storage.counts import size_note, split_counts
from datasets.storage.documents import CorpusSource, Document, SplitName
from datasets.storage.progress import track
from harness.core.errors import DataError
from harness.core.registry import NonNegative

CARD = Card(
    name="multieurlex",
    title="MultiEURLEX, with EuroVoc",
    summary=(__doc__ or "").partition("\n")[0],
    language="23 official languages of the EU",
    licence="CC BY-SA 4.0; texts (c) European Union, reuse allowed (Decision 2011/833/EU); EuroVoc likewise",
    citation="Chalkidis et al., MultiEURLEX - A multi-lingual and multi-label legal document classification dataset "
    "for zero-shot cross-lingual transfer, EMNLP 2021",
    obtain=(
        "Get train.jsonl, dev.jsonl and test.jsonl of MultiEURLEX from its authors (nlpaueb/multi_eurlex on "
        "huggingface.co), free of charge, packed or unpacked; and EuroVoc (Publications Office of the EU): its SKOS "
        "core release, or a table `parent TAB child` with its domains below Root, saved beside them as eurovoc.tsv."
    ),
    splits="55,000 / 5,000 / 5,000 by date, as published.",
    counts="65,000 laws; 21 / 127 / 567 labels on the upper levels, 7,390 concepts in all.",
    traps=(
        "Only English has all laws; the other languages have fewer.",
        "The splits follow dates, so labels drift: some test labels have few or no training documents.",
        "190 of the 7,390 concepts are not in the EURLEX57K.json of EURLEX57K; use one EuroVoc edition throughout.",
    ),
    files=(
        "the folder with train.jsonl, dev.jsonl and test.jsonl, an archive of them (multi_eurlex.tar.gz or .zip), "
        "or a folder with that archive; EuroVoc is found in it or directly beside it, as "
        "eurovoc_in_skos_core_concepts.rdf or .zip, or as a `parent TAB child` table named *eurovoc*.tsv"
    ),
)

RECIPE = 1
_PARTS: dict[str, SplitName] = {"train": "train", "dev": "val", "test": "test"}
_CONCEPTS = "eurovoc_concepts.json"
SIZES = (55_000, 5_000, 5_000)
_KNOWN = (
    "bg", "cs", "da", "de", "el", "en", "es", "et", "fi", "fr", "hr", "hu",
    "it", "lt", "lv", "mt", "nl", "pl", "pt", "ro", "sk", "sl", "sv",
)  # fmt: skip


def read(
    source: Path | None,
    *,
    languages: str = "en",
    test_languages: str = "",
    level: Literal["level_1", "level_2", "level_3", "original"] = "original",
    taxonomy: Literal["domains", "microthesauri"] = "domains",
    taxonomy_file: str = "",
    max_words: NonNegative = 0,
) -> CorpusSource:
    """Reads MultiEURLEX.

    Args:
        source: The folder or zip, see the card.
        languages: Two-letter codes, separated by commas.
        test_languages: Two-letter codes for validation and test; empty for those of training.
        level: Published level of EuroVoc that labels are taken from, or `original` for the concepts as assigned.
        taxonomy: Branches: EuroVoc's 21 domains, or its 127 microthesauri.
        taxonomy_file: File of EuroVoc, see the card; empty to search in and beside the source.
        max_words: Number of words to keep at the start of each text, joined by single spaces; 0 for whole texts.

    Raises:
        DataError: When a file is missing or malformed, or a concept is not in the hierarchy.
    """
    given = CARD.require_source(source)
    files = folder_or_archive(given, "train.jsonl", "multi*eurlex*")
    names = cache(partial(_names, given, level))
    train_codes, test_codes = (
        parse_names(_KNOWN, codes, "multieurlex: languages") for codes in (languages, test_languages or languages)
    )
    if level == "level_1" and taxonomy == "microthesauri":
        raise DataError(
            "multieurlex: the labels of level_1 are the domains, which taxonomy=microthesauri leaves out; choose "
            "another level, or taxonomy=domains."
        )
    full = read_eurovoc(find_eurovoc(given, taxonomy_file), taxonomy)
    used: Counter[str] = Counter()
    sizes = dict.fromkeys(_PARTS, 0)
    for part, place, law in _laws(files):
        sizes[part] += 1
        used.update(_concepts(law, level, names, place))
    hierarchy = hierarchy_in_use(full, used)
    notes = [f"Languages: {', '.join(train_codes)}; of validation and test: {', '.join(test_codes)}. Labels: {level}."]
    notes += size_note(sizes.values(), SIZES, "laws")
    notes += shortening_notes(max_words)

    def documents() -> Iterator[Document]:
        missing: Counter[str] = Counter()
        for part, place, law in _laws(files):
            labels = dict.fromkeys(_concepts(law, level, names, place))
            for code in train_codes if part == "train" else test_codes:
                text = law["text"].get(code)
                if not text or not text.strip():
                    missing[code] += 1
                    continue
                text = first_words(text, max_words)
                celex = str(law["celex_id"])
                several = len({*train_codes, *test_codes}) > 1
                yield Document(f"{celex}-{code}" if several else celex, text, tuple(labels), _PARTS[part])
        if missing:
            notes.append(f"Laws without a text: {', '.join(f'{code} {n:,}' for code, n in sorted(missing.items()))}.")

    return CorpusSource(hierarchy, documents(), notes)


def published(options: Mapping[str, Any]) -> dict[str, int]:
    """Returns the counts of the paper; numbers of documents are known for English alone."""
    counts = split_counts(*SIZES) if options["languages"] == "en" and not options["test_languages"] else {}
    return counts | ({"level 1 labels": 21} if options["taxonomy"] == "domains" else {})


def _concepts(law: dict[str, Any], level: str, names: Callable[[], dict[int, str]], place: str) -> list[str]:
    """Returns the labels of a level; the files name the concepts as assigned `original` or `all_levels`.

    An export of the library that distributes the corpus has one level only, as `labels`: indices into the level's list
    of concepts, or their names.
    """
    if "labels" in law:
        try:
            return [label if isinstance(label, str) else names()[label] for label in law["labels"]]
        except (TypeError, KeyError):
            raise DataError(f"{place}: labels {law['labels']!r} are not numbers of {level}'s concepts.") from None
    levels = law["eurovoc_concepts"]
    for name in (level, "all_levels") if level == "original" else (level,):
        if name in levels:
            return [str(concept) for concept in levels[name]]
    raise DataError(f"{place}: eurovoc_concepts has no {level}; choose one of {', '.join(levels) or 'none'}.")


def _names(source: Path, level: str) -> dict[int, str]:
    """Returns the concepts of a level by index."""
    found = [path for folder in (source, source.parent) for path in sorted(folder.glob(f"*{_CONCEPTS}"))]
    if not found:
        raise DataError(
            f"{source} has numbers as labels; put {_CONCEPTS} of MultiEURLEX, which says what they stand for, in or "
            "beside it."
        )
    try:
        return dict(enumerate(map(str, json.loads(found[0].read_bytes())[level])))
    except (ValueError, KeyError, TypeError):
        raise DataError(f"{found[0]} has no list of the concepts of {level}; get it again.") from None


def _laws(source: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yields (train, dev or test; place; law), line by line."""
    for part in _PARTS:
        with open_member(source, f"{part}.jsonl", CARD.files) as stream:
            for number, line in enumerate(track(stream, f"lines of {part}.jsonl"), 1):
                place = f"{source}, {part}.jsonl, line {number}"
                law = json_object(line, place)
                is_law = {"celex_id", "text"} <= law.keys() and isinstance(law["text"], dict)
                if not is_law or not {"eurovoc_concepts", "labels"} & law.keys():
                    raise DataError(
                        f"{place}: an object with celex_id, text by language, eurovoc_concepts or labels is needed."
                    )
                yield part, place, law
