"""Label hierarchies of tables: from paths, edge lists and nested JSON, with a name of its own for every label."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from datasets.formats.label_cells import BETWEEN_LEVELS, LabelPath, cleaned, guess_format
from datasets.formats.tables import is_table, read_table
from datasets.formats.textfiles import COMPRESSED, json_value, read_bytes, read_edges, read_lines
from datasets.storage.hierarchy import ROOT, Hierarchy
from harness.core.errors import DataError

_NO_ROOT = ""
"""Virtual root inside this module, which no label can be called."""
_NAME, _CHILDREN = ("name", "label", "title", "id"), ("children", "subcategories", "nodes")


class LabelTree:
    """A hierarchy whose labels are found by name or by path.

    A label has its own name if no other place of the hierarchy has it; else its title is its path, such as
    `Sports/Other`, or all places are one label with several parents (`merge`).

    Args:
        paths: Every label by the names from the top down, in the order of the labels; ancestors may be left out.
        merge: Whether a name in several places is one label.
        hierarchy: The hierarchy, where names are what identifies a label; `paths` are then single names.

    Raises:
        DataError: When there is no label, two labels get the same title, or merging makes a cycle.
    """

    def __init__(self, paths: Iterable[LabelPath], merge: bool = False, hierarchy: Hierarchy | None = None):
        nodes = list(dict.fromkeys(path[:end] for path in paths for end in range(1, len(path) + 1)))
        self.places: dict[str, list[LabelPath]] = {}
        for node in nodes:
            self.places.setdefault(node[-1], []).append(node)
        self.repeated = [name for name, places in self.places.items() if len(places) > 1]
        qualified = set() if merge else set(self.repeated)
        self.titles = {node: "/".join(node) if node[-1] in qualified else node[-1] for node in nodes}
        twice = [title for title, count in Counter(self.titles.values()).items() if count > 1]
        if twice and not merge:
            raise DataError(f"Two labels would be called {twice[0]!r}; rename one of them in the source.")
        self.merged = merge
        self.names_identify = hierarchy is not None
        edges = ((self.titles[node[:-1]] if len(node) > 1 else _NO_ROOT, self.titles[node]) for node in nodes)
        self.hierarchy = hierarchy or Hierarchy.from_names(edges, _NO_ROOT)

    @classmethod
    def of(cls, hierarchy: Hierarchy) -> "LabelTree":
        """Returns the tree of a hierarchy whose labels are known by their names."""
        return cls([(name,) for name in hierarchy.labels], hierarchy=hierarchy)

    def find(self, paths: Sequence[LabelPath]) -> tuple[list[str], list[str]]:
        """Returns the titles of a document's labels with their paths, and a complaint about each that is not found.

        A name in several places means the one whose ancestors the document has among its labels too.
        """
        mentioned = {name for path in paths for name in path}
        titles: list[str] = []
        complaints: list[str] = []
        for path in paths:
            places = [self.titles[path]] if path in self.titles else self._places(path, mentioned)
            if len(places) != 1:
                said = " > ".join(path)
                complaints.append(f"{said!r} is in {len(places)} places" if places else f"{said!r} is not a label")
            elif self.names_identify and (wrong := self._not_above(path)):
                complaints.append(f"{path[-1]!r} is not below {wrong!r}")
            elif path in self.titles:
                titles += [self.titles[path[:end]] for end in range(1, len(path) + 1)]
            else:
                titles += [*path[:-1], *places] if self.names_identify else places
        return titles, complaints

    def _places(self, path: LabelPath, mentioned: set[str]) -> list[str]:
        if self.names_identify:
            return [path[-1]] if path[-1] in self.hierarchy.index else []
        nodes = [node for node in self.places.get(path[-1], []) if node[-len(path) :] == path]
        if len(nodes) > 1 and not self.merged:
            nodes = [node for node in nodes if mentioned.issuperset(node)] or nodes
        return list(dict.fromkeys(self.titles[node] for node in nodes))

    def _not_above(self, path: LabelPath) -> str:
        """Returns a name of a path that is no ancestor of the last one."""
        index = self.hierarchy.index
        ancestors = self.hierarchy.ancestors[index[path[-1]]]
        return next((name for name in path[:-1] if name not in index or not ancestors[index[name]]), "")


def read_label_tree(path: Path, merge: bool) -> LabelTree:
    """Reads a hierarchy from a file of its own.

    It is a table with the columns `parent` and `child`, or lines `parent TAB child TAB child ...`; a path a line, such
    as `A > B > C`; or JSON: a list of edges, a list of paths, `{"A": {"B": {}, "C": {}}}`, `{"A": ["B", "C"]}`, or
    objects with `name` and `children`.

    Args:
        path: The file.
        merge: Whether a name in several places is one label; by edges it always is.

    Raises:
        DataError: When the file has none of these forms, or has a cycle.
    """
    try:
        return _read(path, merge)
    except DataError as error:
        raise error if str(path) in str(error) else DataError(f"{path}: {error}") from None


def _read(path: Path, merge: bool) -> LabelTree:
    ending = Path(path.stem).suffix if path.suffix in COMPRESSED else path.suffix
    if ending == ".json":
        found = json_value(read_bytes(path), str(path))
        if isinstance(found, list) and found and all(isinstance(one, list) and len(one) == 2 for one in found):
            return LabelTree.of(Hierarchy.from_names(read_edges(path)))
        if isinstance(found, list) and found and all(isinstance(one, str) for one in found):
            return LabelTree(_divided(found), merge)
        edges = _adjacent(found)
        return LabelTree.of(_rooted(edges)) if edges else LabelTree(_nested(found, (), path), merge)
    first = next((line for _, line in read_lines(path) if line.strip()), "") if path.suffix != ".parquet" else ""
    if "\t" in first and first.split("\t")[:2] != ["parent", "child"]:
        return LabelTree.of(Hierarchy.from_names(read_edges(path)))
    header = [name.strip().strip('"').lower() for name in first.replace("\t", ",").replace(";", ",").split(",")]
    if ending in (".parquet", ".jsonl", ".ndjson") or {"parent", "child"} <= set(header):
        table = read_table(path) if is_table(path) else None
        if table is None:
            return LabelTree.of(_rooted(read_edges(path)))
        columns = {name.lower(): name for name in table.columns}
        parents, children = (table.column(columns.get(name, name)) for name in ("parent", "child"))
        if (row := next((row for row, child in enumerate(children) if not _name(child)), None)) is not None:
            raise DataError(f"{table.place(row)}: the child has no name. Name it, or leave the row out.")
        pairs = zip(parents, children, strict=True)
        return LabelTree.of(_rooted((_name(parent) or ROOT, _name(child)) for parent, child in pairs))
    return LabelTree(_divided([line for _, line in read_lines(path) if line.strip()]), merge)


def _name(cell: Any) -> str:
    return "" if cell is None else cleaned(str(cell))


def _rooted(edges: Iterable[tuple[str, str]]) -> Hierarchy:
    """Returns the hierarchy of edges; labels without a parent are top labels."""
    edges = list(edges)
    below = {child for _, child in edges}
    tops = [(ROOT, parent) for parent, _ in edges if parent not in below and parent != ROOT]
    return Hierarchy.from_names([*tops, *edges])


def _divided(lines: list[str]) -> list[LabelPath]:
    form = guess_format([[line] for line in lines])
    separator = form.between_levels or next((one for one in BETWEEN_LEVELS if any(one in line for line in lines)), "")
    paths = [tuple(map(cleaned, line.split(separator))) if separator else (cleaned(line),) for line in lines]
    return [tuple(name for name in path if name) for path in paths]


def _adjacent(found: Any) -> list[tuple[str, str]]:
    """Returns the edges of an object that lists the children of each label, some of which are its keys too."""
    if not isinstance(found, dict) or not all(isinstance(below, list) for below in found.values()):
        return []
    edges = [(parent, child) for parent, below in found.items() for child in below]
    if not all(isinstance(child, str) for _, child in edges) or not any(child in found for _, child in edges):
        return []
    return edges


def _nested(found: Any, above: LabelPath, path: Path) -> Iterator[LabelPath]:
    if isinstance(found, dict) and (key := next((name for name in _NAME if isinstance(found.get(name), str)), "")):
        below: Any = next((found[name] for name in _CHILDREN if name in found), [])
        # A single root that is called so is the virtual one.
        here = above if not above and found[key].lower() == ROOT.lower() else (*above, cleaned(found[key]))
        yield from ([here] if here else [])
        yield from _nested(below, here, path)
    elif isinstance(found, dict):
        for name, below in found.items():
            here = above if not above and name.lower() == ROOT.lower() else (*above, cleaned(name))
            yield from ([here] if here else [])
            yield from _nested(below, here, path)
    elif isinstance(found, list):
        for one in found:
            yield from _nested(one, above, path)
    elif isinstance(found, str | int) and not isinstance(found, bool):
        yield (*above, cleaned(str(found)))
    elif found is not None:
        place = " > ".join(above) or "its top"
        raise DataError(f"{path}: {str(found)[:40]!r} at {place} is no name, list or object of labels. Fix it.")
