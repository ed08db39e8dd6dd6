"""Label hierarchy: a directed acyclic graph (NetworkX) under a virtual root."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import networkx as nx
import numpy as np
import numpy.typing as npt

from harness.core.errors import DataError
from harness.core.text import is_unicode

ROOT = "Root"


class Hierarchy:
    """Labels and their parent-to-child edges; the virtual root is never a label.

    A label without parents is a child of the virtual root. A label that the virtual root names as a
    child may have parents too (on a DAG): it then roots a branch of its own and also appears inside
    the branches of its parents.

    Args:
        labels: Names in the order that fixes every index, at least one, all different.
        edges: Pairs (parent index, child index); repeated pairs count once.
        roots: Indices of labels that are children of the virtual root besides those without parents.
        min_branch: Size below which branches are pooled into one.

    Raises:
        DataError: When names repeat, are empty or not Unicode, there is no label, or the edges have a cycle (one is
            shown; a self-edge is one).
    """

    def __init__(
        self,
        labels: Sequence[str],
        edges: Iterable[tuple[int, int]],
        roots: Iterable[int] = (),
        min_branch: int = 0,
    ):
        self.labels = tuple(labels)
        if not self.labels:
            raise DataError("The hierarchy has no labels: at least one besides the virtual root is needed.")
        if unnamed := [name for name in self.labels if not name or not is_unicode(name)]:
            problem = f"is called {unnamed[0]!r}, which is not valid Unicode" if unnamed[0] else "has no name"
            raise DataError(f"A label of the hierarchy {problem}. Name it anew in the source.")
        if len(set(self.labels)) < len(self.labels):
            twice = sorted({name for name in self.labels if self.labels.count(name) > 1})
            raise DataError(f"{len(twice)} label names occur more than once, first {twice[0]!r}; rename them.")
        self.graph = nx.DiGraph()
        self.graph.add_nodes_from(range(len(self.labels)))
        self.graph.add_edges_from((int(parent), int(child)) for parent, child in edges)
        if not nx.is_directed_acyclic_graph(self.graph):
            names = [self.labels[parent] for parent, _ in nx.find_cycle(self.graph)]
            raise DataError(
                f"The hierarchy has a cycle: {' > '.join([*names, names[0]])}. "
                "Remove one of these parent-child lines from the taxonomy."
            )
        top = {node for node, degree in self.graph.in_degree() if degree == 0} | {int(root) for root in roots}
        self.roots = tuple(sorted(top))
        self.min_branch = min_branch

    @classmethod
    def from_names(cls, edges: Iterable[tuple[str, str]], root: str = ROOT) -> "Hierarchy":
        """Builds a hierarchy from (parent name, child name) pairs, labels in breadth-first order.

        Args:
            edges: Pairs; the children of `root` are the top labels.
            root: Name of the virtual root, which does not become a label.

        Raises:
            DataError: When the edges have a cycle, or labels cannot be reached from the root (with their number).
        """
        children: dict[str, list[str]] = {}
        for parent, child in dict.fromkeys(edges):
            children.setdefault(parent, []).append(child)
        names = dict.fromkeys(name for parent, below in children.items() for name in (parent, *below) if name != root)
        order: dict[str, None] = {}
        level = list(dict.fromkeys(children.get(root, [])))
        while level:
            order.update(dict.fromkeys(level))
            below = (child for name in level for child in children.get(name, []))
            level = [name for name in dict.fromkeys(below) if name not in order]
        unreachable = [name for name in names if name not in order]
        # Labels that only a cycle holds are reported as that cycle, which says more.
        every = list(order) + unreachable
        index = {name: i for i, name in enumerate(every)}
        pairs = [(index[p], index[c]) for p, below in children.items() for c in below if root not in (p, c)]
        built = cls(every, pairs, [index[name] for name in children.get(root, [])])
        if unreachable:
            raise DataError(
                f"{len(unreachable)} labels cannot be reached from {root!r}, first {unreachable[0]!r}: "
                f"no line of the taxonomy leads to them. Add them below {root!r} or below another label."
            )
        return built

    def __len__(self) -> int:
        return len(self.labels)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Hierarchy) and self.to_json() == other.to_json()

    __hash__ = None  # type: ignore[assignment]

    @cached_property
    def index(self) -> dict[str, int]:
        """Label name to index."""
        return {name: i for i, name in enumerate(self.labels)}

    @cached_property
    def edges(self) -> npt.NDArray[np.int64]:
        """(E, 2) sorted pairs (parent, child), without edges from the virtual root."""
        return np.array(sorted(self.graph.edges), dtype=np.int64).reshape(-1, 2)

    @cached_property
    def ancestors(self) -> npt.NDArray[np.bool_]:
        """(L, L) matrix: [v, a] is true where a is v itself or an ancestor of v through any parent."""
        reach = np.eye(len(self), dtype=bool)
        for node in nx.topological_sort(self.graph):
            for parent in self.graph.predecessors(node):
                reach[node] |= reach[parent]
        return reach

    @cached_property
    def levels(self) -> npt.NDArray[np.int64]:
        """(L,) level of each label: its longest distance from the virtual root, 1 without parents."""
        levels = np.ones(len(self), dtype=np.int64)
        for node in nx.topological_sort(self.graph):
            for parent in self.graph.predecessors(node):
                levels[node] = max(levels[node], levels[parent] + 1)
        return levels

    @cached_property
    def diameter(self) -> int:
        """Largest distance between two labels, in undirected edges; the virtual root joins the top labels."""
        graph = self.graph.to_undirected()
        if len(self.roots) > 1:
            graph.add_edges_from((ROOT, label) for label in self.roots)
        return int(nx.diameter(graph, usebounds=True))

    @property
    def is_tree(self) -> bool:
        """Whether every label has exactly one parent, the virtual root included."""
        num_parents = dict(self.graph.in_degree())
        return all(num_parents[node] + (node in self.roots) == 1 for node in self.graph)

    @cached_property
    def branch_roots(self) -> list[tuple[int, ...]]:
        """Top labels of each branch: one, or several in the branch that pools those below `min_branch`."""
        sizes = self.ancestors[:, list(self.roots)].sum(0).tolist()
        tiny = tuple(root for root, size in zip(self.roots, sizes, strict=True) if size < self.min_branch)
        if len(tiny) < 2:
            return [(root,) for root in self.roots]
        return [*((root,) for root in self.roots if root not in tiny), tiny]

    def branches(self) -> list[npt.NDArray[np.int64]]:
        """Returns, per branch, the sorted indices of its top labels and all their descendants.

        Branches are disjoint on a tree and may overlap on a DAG.
        """
        return [np.flatnonzero(self.ancestors[:, list(roots)].any(axis=1)) for roots in self.branch_roots]

    def pooled(self, min_branch: int) -> "Hierarchy":
        """Returns the same labels and edges with another `min_branch`."""
        return Hierarchy(self.labels, self.edges.tolist(), self.roots, min_branch)

    def close(self, labels: Iterable[int]) -> npt.NDArray[np.int64]:
        """Returns the sorted indices of the labels and all their ancestors, through every parent."""
        return np.flatnonzero(self.ancestors[list(labels)].any(axis=0))

    def path(self, label: int) -> str:
        """Returns the way from the top to a label, such as `A > B > C`; on a graph one stands for all."""
        path = [label]
        while parents := sorted(self.graph.predecessors(path[0])):
            path.insert(0, parents[0])
        return " > ".join(self.labels[one] for one in path)

    def least_above(self, values_BL: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Returns, for (B, L) values, the least value among each label and its ancestors."""
        least_BL = values_BL.copy()
        for parent, child in self._from_above:
            np.minimum(least_BL[:, child], least_BL[:, parent], out=least_BL[:, child])
        return least_BL

    @cached_property
    def _from_above(self) -> list[tuple[int, int]]:
        """The edges, those into a label before those out of it."""
        return [(p, node) for node in nx.topological_sort(self.graph) for p in self.graph.predecessors(node)]

    @cached_property
    def closures(self) -> list[npt.NDArray[np.int64]]:
        """For each label, the sorted indices of itself and all its ancestors."""
        return [np.flatnonzero(row) for row in self.ancestors]

    def sub(self, labels: npt.NDArray[np.int64]) -> "Hierarchy":
        """Returns the induced hierarchy of some labels; its label i is `labels[i]` here."""
        index = {int(label): i for i, label in enumerate(labels)}
        edges = [(index[p], index[c]) for p, c in self.edges.tolist() if p in index and c in index]
        roots = [index[root] for root in self.roots if root in index]
        return Hierarchy([self.labels[label] for label in labels], edges, roots)

    def to_json(self) -> dict[str, Any]:
        """Returns JSON-compatible lists for `from_json`."""
        floor = {"min_branch": self.min_branch} if self.min_branch else {}
        return {"labels": list(self.labels), "edges": self.edges.tolist(), "roots": list(self.roots), **floor}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Hierarchy":
        return cls(stored["labels"], stored["edges"], stored["roots"], stored.get("min_branch", 0))
