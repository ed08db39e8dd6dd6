"""EURLEX57K: 57,000 EU laws with EuroVoc concepts, a deep directed acyclic graph.

Texts are those of the reference loader: header, recitals, main body and attachments, joined by line ends. Labels are
EuroVoc concept ids, closed over all parents; labels without documents are left out.

The published hierarchy (EURLEX57K.json) has 589 roots, so a split at the root gives hundreds of small branches. With
EuroVoc's upper levels, the 21 domains or the 127 microthesauri can be the branches instead; `depth` limits the levels.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Literal, NamedTuple

from datasets.formats.archives import read_members
from datasets.formats.eurovoc import find_eurovoc, hierarchy_in_use, parse_names, read_eurovoc, shortening_notes
from datasets.formats.text_forms import first_words
from datasets.formats.textfiles import json_object
from datasets.storage.card import Card
from datasets.storage.counts import level_counts, split_counts
from datasets.storage.documents import SPLITS, CorpusSource, Document, SplitName
from datasets.storage.hierarchy import ROOT, Hierarchy
from datasets.storage.progress import track
from harness.core.errors import DataError
from harness.core.registry import NonNegative

CARD = Card(
    name="eurlex57k",
    title="EURLEX57K, with EuroVoc",
    summary=(__doc__ or "").partition("\n")[0],
    language="English",
    licence="texts (c) European Union, reuse allowed (Decision 2011/833/EU); EuroVoc likewise",
    citation="Chalkidis et al., Large-Scale Multi-Label Text Classification on EU Legislation, ACL 2019",
    obtain=(
        "Get the original JSON release from the authors, free of charge: the folders train, dev and test with one file "
        "per law, and the EuroVoc concepts that come with it, saved beside them as EURLEX57K.json. For "
        "the taxonomies `domains` and `microthesauri`, also EuroVoc (Publications Office of the "
        "EU): its SKOS core release, or a table `parent TAB child` with its domains below Root."
    ),
    splits="45,000 / 6,000 / 6,000 as published.",
    counts=(
        "57,000 documents, 4,271 gold concepts. published: 4,513 labels, 518 branches, 6 levels; domains: 4,662 "
        "labels, 21 branches, 8 levels; domains with depth=2: 148 labels."
    ),
    traps=(
        "Gold is not closed: 6,318 documents hold a label and its direct parent, most do not.",
        "Labels have up to 7 parents; closing over one of them alone loses labels.",
        "Do not mix EuroVoc editions: concepts 2773 and 3813 swapped places, which makes a cycle.",
        "Under the published roots most branches have very few labels, many only one.",
    ),
    files=(
        "the folder that holds train, dev, test and EURLEX57K.json, an archive of it (.tar.gz, .tar.zst), or a folder "
        "with that archive; EuroVoc is found in it or directly beside it, as eurovoc_in_skos_core_concepts.rdf "
        "or .zip, or as a `parent TAB child` table named *eurovoc*.tsv"
    ),
)

RECIPE = 1
_PARTS: dict[str, SplitName] = {"train": "train", "dev": "val", "test": "test"}
_HIERARCHY = "EURLEX57K.json"
_ZONES = ("title", "header", "recitals", "main_body", "attachments")


class _Law(NamedTuple):
    celex_id: str
    text: str
    concepts: tuple[str, ...]
    split: SplitName


def read(
    source: Path | None,
    *,
    taxonomy: Literal["published", "domains", "microthesauri"] = "published",
    taxonomy_file: str = "",
    zones: str = "header,recitals,main_body,attachments",
    max_words: NonNegative = 0,
) -> CorpusSource:
    """Reads EURLEX57K.

    Args:
        source: The archive or a folder, see the card.
        taxonomy: Branches: the roots of EURLEX57K.json, EuroVoc's 21 domains, or its 127 microthesauri.
        taxonomy_file: File of EuroVoc for domains and microthesauri, see the card; empty to search in and beside the
            source.
        zones: Parts of a law that form its text, in this order, separated by commas: title, header, recitals,
            main_body, attachments. The reference loader leaves the title out.
        max_words: Number of words to keep at the start of each text, joined by single spaces; 0 for whole texts.

    Raises:
        DataError: When a file is missing or malformed, or a concept is not in the hierarchy.
    """
    given, parts = CARD.require_source(source), parse_names(_ZONES, zones, "eurlex57k: zones")
    origin = _folder_or_archive(given)
    # The small table first, so that its errors are not reported only after the long reading.
    full = None if taxonomy == "published" else read_eurovoc(find_eurovoc(given, taxonomy_file), taxonomy)
    laws: list[_Law] = []
    for part, place, content in track(_members(origin), "files"):
        if part in _PARTS:
            laws.append(_law(content, _PARTS[part], place, parts, max_words))
        elif full is None:
            full = _published(json_object(content, place), place)
    if full is None or not laws:
        missing = _HIERARCHY if laws else "laws in train, dev and test"
        raise DataError(f"{origin} does not hold {missing}; --source is {CARD.files}.")
    laws.sort(key=lambda law: (SPLITS.index(law.split), law.celex_id))
    hierarchy = hierarchy_in_use(full, (concept for law in laws for concept in law.concepts))
    notes = [f"Branches: {taxonomy}; labels that no document reaches are left out."]
    if len(laws) != 57_000:
        notes.append(f"The source has {len(laws):,} laws instead of 57,000.")
    if parts != ["header", "recitals", "main_body", "attachments"]:
        notes.append(f"Texts are {', '.join(parts)}; the reference loader takes all but the title.")
    notes += shortening_notes(max_words)
    return CorpusSource(hierarchy, _documents(laws), notes, num_documents=len(laws))


def published(options: Mapping[str, Any]) -> dict[str, int]:
    """Returns the known counts of the three taxonomies, with all levels or two."""
    counts = split_counts(45_000, 6_000, 6_000) | {"documents without labels": 0}
    shapes: dict[tuple[str, int], dict[str, int]] = {
        ("published", 0): {
            "labels": 4_513, "branches": 518, "labels with several parents": 213, "labels in several branches": 216,
        },
        ("domains", 0): level_counts(21, 127, 517)
        # Lower levels are published by the shortest path from the root, not by the longest as here.
        | {"labels": 4_662, "branches": 21, "labels with several parents": 214, "labels in several branches": 6},
        ("domains", 2): level_counts(21, 127) | {"branches": 21, "labels in several branches": 0},
        ("microthesauri", 0): {"labels": 4_641, "branches": 127, "labels in several branches": 230},
    }  # fmt: skip
    # Pooling changes branches and nothing else.
    pooled = ("branches", "labels in several branches") if options["min_branch"] else ()
    shape = shapes.get((options["taxonomy"], options["depth"]), {})
    return counts | {name: number for name, number in shape.items() if name not in pooled}


def _documents(laws: list[_Law]) -> Iterator[Document]:
    for law in laws:
        yield Document(law.celex_id, law.text, tuple(dict.fromkeys(law.concepts)), law.split)


def _law(content: bytes, split: SplitName, place: str, zones: list[str], max_words: int) -> _Law:
    law = json_object(content, place)
    if missing := {"celex_id", "concepts", *zones} - law.keys():
        raise DataError(f"{place}: this law lacks {', '.join(missing)}. Get it again.")
    texts = [part for zone in zones for part in (law[zone] if isinstance(law[zone], list) else [law[zone]])]
    concepts = law["concepts"]
    if not isinstance(concepts, list) or not all(isinstance(one, str) for one in (*texts, *concepts, law["celex_id"])):
        raise DataError(f"{place}: parts of a law are strings, and concepts a list of strings. Get it again.")
    return _Law(law["celex_id"], first_words("\n".join(texts), max_words), tuple(concepts), split)


def _folder_or_archive(source: Path) -> Path:
    if source.is_file() or (source / "train").is_dir():
        return source
    found = [path.parent for path in sorted(source.glob("*/train"))] + sorted(source.rglob("*eurlex57k*.tar.*"))
    if not found:
        raise DataError(f"{source} holds neither a folder train nor an archive; --source is {CARD.files}.")
    return found[0]


def _members(origin: Path) -> Iterator[tuple[str, str, bytes]]:
    """Yields (train, dev, test or the name of the hierarchy; place; content), in one pass over an archive."""
    for name, content in read_members(origin, [*(f"{part}/*" for part in _PARTS), _HIERARCHY], _is_json):
        path, place = PurePosixPath(name), name if origin.is_dir() else f"{origin}, {name}"
        yield path.name if path.name == _HIERARCHY else path.parent.name, place, content


def _is_json(name: str) -> bool:
    path = PurePosixPath(name)
    return path.suffix == ".json" and not path.name.startswith(".")


def _published(concepts: dict[str, Any], place: str) -> Hierarchy:
    edges: list[tuple[str, str]] = []
    for name, entry in concepts.items():
        parents = entry.get("parents") if isinstance(entry, dict) else None
        if not isinstance(parents, list) or not all(isinstance(parent, str) for parent in parents):
            raise DataError(f"{place}: the concept {name!r} has no list of parents. Get it again.")
        edges += [(parent, name) for parent in parents or [ROOT]]
    return Hierarchy.from_names(edges)
