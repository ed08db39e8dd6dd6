"""Lists of LYRL2004 for RCV1-v2: topics of stories, training stories, and the hierarchy of topics."""

import re
from collections.abc import Collection
from pathlib import Path

from datasets.formats.textfiles import find_file, read_lines, read_taxonomy
from datasets.storage.hierarchy import ROOT, Hierarchy
from harness.core.errors import DataError

_HIERARCHIES = ("rcv1.topics.hier.orig", "rcv1.taxonomy", "rcv1.hiagm.taxonomy", "rcv1.hitin.taxonomy")
_EDGE = re.compile(r"parent:\s+(\S+)\s+child:\s+(\S+)\s+child-description:.*")


def hierarchy(folder: Path, files: str) -> tuple[Hierarchy, list[str]]:
    """Returns the official hierarchy, or a taxonomy of the literature, and a note if it lacks GMIL."""
    path = find_file(folder, _HIERARCHIES, files)
    if "hier" not in path.name:
        tree = read_taxonomy(path)
    else:
        edges = []
        for number, line in read_lines(path):
            match = _EDGE.fullmatch(line.strip())
            if not match:
                raise DataError(f"{path}, line {number}: {line!r} is not `parent: X child: Y child-description: Z`.")
            if match[1] != "None":
                edges.append((match[1], match[2]))
        tree = Hierarchy.from_names(edges, ROOT)
    if "GMIL" in tree.index:
        return tree, []
    return tree, [
        f"Warning: {path.name} lacks GMIL, as HiTIN's taxonomy does, so there are {len(tree)} labels instead of "
        "103, and GMIL is taken off its stories. Use rcv1.topics.hier.orig."
    ]


def topics(path: Path, tree: Hierarchy) -> dict[int, tuple[str, ...]]:
    """Returns the topics of each story that has a line; GMIL only if the hierarchy has it."""
    found: dict[int, list[str]] = {}
    for number, line in read_lines(path):
        fields = line.split()
        if len(fields) != 3 or not fields[1].isdigit():
            raise DataError(f"{path}, line {number}: {line!r} is not `TOPIC NUMBER 1`. Get it again.")
        names = found.setdefault(int(fields[1]), [])
        if fields[0] != "GMIL" or "GMIL" in tree.index:
            names.append(fields[0])
    # Few sets of topics differ, so equal ones share a tuple.
    known: dict[tuple[str, ...], tuple[str, ...]] = {}
    return {story: known.setdefault(tuple(names), tuple(names)) for story, names in found.items()}


def story_numbers(path: Path) -> list[int]:
    """Returns the numbers in a list of stories, one per line, in order."""
    found = []
    for number, line in read_lines(path):
        if not line.strip().isdigit():
            raise DataError(f"{path}, line {number}: {line!r} is not the number of a story. Get it again.")
        found.append(int(line))
    return found


def training_numbers(path: Path) -> set[int]:
    """Returns the numbers of the stories in lyrl2004_tokens_train.dat, from its lines `.I NUMBER`."""
    found = {int(line[3:]) for _, line in read_lines(path) if re.fullmatch(r"\.I \d+\s*", line)}
    if not found:
        raise DataError(f"{path} has no line `.I NUMBER`; it should be lyrl2004_tokens_train.dat.")
    return found


def validation_numbers(path: Path, train: Collection[int]) -> set[int]:
    """Returns the numbers of a user's validation set, which has to be part of `train`."""
    if not path.exists():
        raise DataError(
            f"There is nothing at {path}; val_file holds the numbers of the validation stories, one per line."
        )
    lines = [line.strip().removeprefix(".I ") for _, line in read_lines(path) if line.strip()]
    numbers = {int(line) for line in lines if line.isdigit()}
    if len(numbers) != len(lines) or not numbers <= set(train):
        raise DataError(f"{path} has to hold the numbers of training stories, one per line and none twice.")
    return numbers
