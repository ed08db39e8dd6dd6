"""EuroVoc as the label hierarchy of EU laws: its files, its upper levels, and the labels in use."""

import os
from collections.abc import Collection, Iterable
from pathlib import Path

from datasets.formats.skos import read_skos
from datasets.formats.textfiles import read_edges, read_lines
from datasets.storage.hierarchy import ROOT, Hierarchy
from harness.core.errors import DataError

_SKOS = (".rdf", ".zip")
_NAMES = ("*eurovoc*.tsv", "*eurovoc*.rdf", "*eurovoc*skos*.zip")
EUROVOC_FILES = (
    "a table `parent TAB child` named *eurovoc*.tsv, or the SKOS core release (*eurovoc*.rdf, *eurovoc*skos*.zip)"
)
"""Description of the files that `read_eurovoc` reads."""


def find_eurovoc(source: Path, given: str) -> Path:
    """Returns the given file of EuroVoc, or else the one in or beside a source; see `EUROVOC_FILES`."""
    if given:
        if not Path(given).is_file():
            raise DataError(f"There is no file {given}; taxonomy_file is {EUROVOC_FILES}.")
        return Path(given)
    source = Path(os.path.abspath(source))  # The parent of `.` is `.`, and that of a link is not its target's.
    inside = [path for name in _NAMES for path in sorted(source.rglob(name))] if source.is_dir() else []
    beside = [path for name in _NAMES for path in sorted(source.parent.glob(name))]
    found = [path for path in (*inside, *beside) if path.suffix in _SKOS or _is_table(path)]
    if len(found) != 1:
        listed = ", ".join(map(str, found)) or "none"
        raise DataError(
            f"The upper levels of EuroVoc are needed in or beside {source}: {EUROVOC_FILES}. Found: {listed}. Put one "
            "there, or name it with `--set taxonomy_file=PATH`."
        )
    return found[0]


def _is_table(path: Path) -> bool:
    return next((line for _, line in read_lines(path)), "") == "parent\tchild"


def read_eurovoc(path: Path, taxonomy: str) -> Hierarchy:
    """Returns EuroVoc with its `domains` or its `microthesauri` as top labels, by `taxonomy`."""
    edges = read_skos(path) if path.suffix in _SKOS else read_edges(path)
    if taxonomy == "microthesauri":
        domains = {child for parent, child in edges if parent == ROOT}
        edges = [(ROOT if parent in domains else parent, child) for parent, child in edges if parent != ROOT]
    return Hierarchy.from_names(edges)


def hierarchy_in_use(full: Hierarchy, gold: Iterable[str]) -> Hierarchy:
    """Returns the hierarchy of the labels in use: the gold concepts and their ancestors.

    Args:
        full: Hierarchy of all labels.
        gold: Concepts in use.

    Raises:
        DataError: When a concept is missing from the hierarchy.
    """
    gold = list(dict.fromkeys(gold))
    unknown = [concept for concept in gold if concept not in full.index]
    if unknown:
        raise DataError(
            f"{len(unknown):,} gold concepts are not in the hierarchy, first {unknown[0]!r}; "
            "is the table of another EuroVoc edition?"
        )
    return full.sub(full.close([full.index[concept] for concept in gold]))


def shortening_notes(max_words: int) -> list[str]:
    """Returns a note on shortened texts."""
    return [f"Texts are cut after {max_words} words."] if max_words else []


def parse_names(known: Collection[str], value: str, option: str) -> list[str]:
    """Returns the names in the comma-separated value of an option.

    Raises:
        DataError: When a name is unknown or repeated; the message begins with `option`.
    """
    names = [name.strip() for name in value.split(",")]
    if len(set(names)) < len(names) or not set(names) <= set(known):
        raise DataError(f"{option}={value!r} has to name some of {', '.join(known)}, each once.")
    return names
