"""EuroVoc as the label hierarchy of EU laws: its tables, its levels, and the labels in use."""

import os
from collections.abc import Collection, Iterable
from pathlib import Path

import numpy as np

from datasets.formats.skos import read_skos
from datasets.formats.textfiles import read_edges, read_lines
from datasets.storage.hierarchy import ROOT, Hierarchy
from harness.core.errors import DataError

_SKOS = (".rdf", ".zip")
_NAMES = ("*eurovoc*.tsv", "*eurovoc*.rdf", "*eurovoc*skos*.zip")
FORMS = "a table `parent TAB child` named *eurovoc*.tsv, or the SKOS core release (*eurovoc*.rdf, *eurovoc*skos*.zip)"
"""Of EuroVoc: what is read."""


def find_table(source: Path, given: str) -> Path:
    """Returns the file of EuroVoc that was given, or the one named as in `FORMS` in or beside a source."""
    if given:
        if not Path(given).is_file():
            raise DataError(f"There is no file {given}; taxonomy_file is {FORMS}.")
        return Path(given)
    source = Path(os.path.abspath(source))  # The parent of `.` is `.`, and that of a link is not its target's.
    inside = [path for name in _NAMES for path in sorted(source.rglob(name))] if source.is_dir() else []
    beside = [path for name in _NAMES for path in sorted(source.parent.glob(name))]
    found = [path for path in (*inside, *beside) if path.suffix in _SKOS or _is_table(path)]
    if len(found) != 1:
        listed = ", ".join(map(str, found)) or "none"
        raise DataError(
            f"The upper levels of EuroVoc are needed in or beside {source}: {FORMS}. Found: {listed}. Put one there, "
            "or name it with `--set taxonomy_file=PATH`."
        )
    return found[0]


def _is_table(path: Path) -> bool:
    return next((line for _, line in read_lines(path)), "") == "parent\tchild"


def read_table(path: Path, taxonomy: str) -> Hierarchy:
    """Returns the hierarchy of a file of EuroVoc, with its domains or its microthesauri below the virtual root."""
    edges = read_skos(path) if path.suffix in _SKOS else read_edges(path)
    if taxonomy == "microthesauri":
        domains = {child for parent, child in edges if parent == ROOT}
        edges = [(ROOT if parent in domains else parent, child) for parent, child in edges if parent != ROOT]
    return Hierarchy.from_names(edges)


def cut(
    full: Hierarchy, gold: Iterable[str], depth: int, min_branch: int
) -> tuple[Hierarchy, dict[str, tuple[str, ...]]]:
    """Returns the hierarchy of labels in use, and the labels there that each gold concept stands for.

    Args:
        full: All labels.
        gold: The concepts in use.
        depth: How many levels to keep below the root; 0 for all.
        min_branch: Branches of fewer labels are pooled into one.

    Raises:
        DataError: When a concept is not in the hierarchy.
    """
    gold = list(dict.fromkeys(gold))
    unknown = [concept for concept in gold if concept not in full.index]
    if unknown:
        raise DataError(
            f"{len(unknown):,} gold concepts are not in the hierarchy, first {unknown[0]!r}; "
            "is the table of another EuroVoc edition?"
        )
    closed = {concept: full.close([full.index[concept]]) for concept in gold}
    used = np.unique(np.concatenate(list(closed.values())))
    hierarchy = full.sub(used[full.levels[used] <= (depth or len(full))]).pooled(min_branch)
    kept = {
        concept: (concept,)
        if concept in hierarchy.index
        else tuple(full.labels[label] for label in labels if full.labels[label] in hierarchy.index)
        for concept, labels in closed.items()
    }
    return hierarchy, kept


def cut_notes(min_branch: int, max_words: int) -> list[str]:
    """Returns what to note of pooled branches and shortened texts."""
    notes = [f"Branches of fewer than {min_branch} labels are pooled into one."] if min_branch else []
    return notes + ([f"Texts are cut after {max_words} words."] if max_words else [])


def some_of(known: Collection[str], value: str, option: str) -> list[str]:
    """Returns the names that an option lists, separated by commas.

    Raises:
        DataError: On a name that is not known, or that stands twice; the message begins with the option.
    """
    names = [name.strip() for name in value.split(",")]
    if len(set(names)) < len(names) or not set(names) <= set(known):
        raise DataError(f"{option}={value!r} has to name some of {', '.join(known)}, each once.")
    return names
