"""Coding tree of a graph: the tree of a given height with low structural entropy, built greedily.

HiTIN (Zhu et al., ACL 2023) turns the label hierarchy into such a tree, whose leaves are the labels and whose
structural entropy (Li and Pan, 2016), the bits that describe a random walk on the graph, is low. The construction is
the published program's: agglomerate pairs into a binary tree, splice nodes out until the height is two, then insert
levels one by one. The virtual root takes no part, edges count once in each direction, and every tie is broken by the
smaller label index. So the order of labels matters where a hierarchy is alike from several labels: of a star it decides
everything.

Differs for inputs that the published program cannot handle or handles by accident: a graph without edges gets one
cluster per label, and clusters are ordered by their smallest label.
"""

import heapq
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import networkx as nx
import numpy as np
import numpy.typing as npt

from datasets.storage.hierarchy import Hierarchy

NUMERICS = {"coding tree": 1}

Index = npt.NDArray[np.int64]


@dataclass(frozen=True)
class CodingTree:
    """A rooted tree whose leaves are all equally far from the root.

    Attributes:
        parents: Parents of the nodes of each level but the root's, leaves first: `parents[l][i]` is the place in level
            l + 1 of the parent of node i of level l. Leaf i is label i; the last level is the root alone.
    """

    parents: tuple[Index, ...]

    @property
    def height(self) -> int:
        """Edges between a leaf and the root."""
        return len(self.parents)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Nodes per level, from the leaves to the root."""
        return (*(len(parents) for parents in self.parents), 1)

    def restrict(self, leaves: Index) -> "CodingTree":
        """Returns the tree of some leaves: those, and the nodes above them.

        Args:
            leaves: Sorted leaves; leaf i of the new tree is `leaves[i]` here.
        """
        levels, kept = [], leaves
        for parents in self.parents:
            kept, places = np.unique(parents[kept], return_inverse=True)
            levels.append(places)
        return CodingTree(tuple(levels))

    def structural_entropy(self, graph: nx.Graph) -> float:
        """Returns the structural entropy of a graph under this tree, in bits.

        It is -sum over nodes a but the root of g(a) / vol(V) * log2(vol(a) / vol(parent of a)): vol is the sum of
        degrees of a node's leaves, g the number of edges that leave them.

        Args:
            graph: Undirected graph with nodes 0 to N - 1; without edges its entropy is 0.
        """
        ends = np.array(graph.edges, dtype=np.int64).reshape(-1, 2).T
        volume = np.bincount(ends.ravel(), minlength=self.sizes[0]).astype(float)
        total, entropy = volume.sum(), 0.0
        for parents, size in zip(self.parents, self.sizes[1:], strict=True):
            leaving = np.bincount(ends[:, ends[0] != ends[1]].ravel(), minlength=len(parents))
            above = np.bincount(parents, weights=volume, minlength=size)
            some = leaving > 0
            entropy -= float((leaving[some] / total * np.log2(volume[some] / above[parents][some])).sum())
            ends, volume = parents[ends], above
        return entropy


def coding_tree(hierarchy: Hierarchy, height: int) -> CodingTree:
    """Builds the coding tree of a hierarchy without its virtual root.

    Args:
        hierarchy: N labels; a forest or any DAG.
        height: Height of the tree, at least 2. One or two labels give a chain above one node.
    """
    assert height >= 2
    num_labels = len(hierarchy)
    if num_labels <= 2:
        chain = [np.zeros(num_labels, np.int64), *[np.zeros(1, np.int64)] * (height - 1)]
        return CodingTree(tuple(chain))
    graph = nx.Graph(hierarchy.graph)
    clusters = _number(_clusters(graph))
    tree = CodingTree((clusters, _root_over(clusters)))
    while tree.height < height:
        tree = _better(graph, tree, _with_level_above_leaves(graph, tree), _with_level_below_root(graph, tree))
    return tree


def _better(graph: nx.Graph, tree: CodingTree, low: CodingTree, high: CodingTree | None) -> CodingTree:
    """Returns the proposal that saves more entropy per node that it touches."""
    if high is None:
        return low
    entropy = tree.structural_entropy(graph)
    low_gain = (entropy - low.structural_entropy(graph)) / tree.sizes[0]
    high_gain = (entropy - high.structural_entropy(graph)) / tree.sizes[-2]
    return high if high_gain > low_gain else low


def _with_level_above_leaves(graph: nx.Graph, tree: CodingTree) -> CodingTree:
    """Splits every cluster of three or more leaves by the coding tree of its own subgraph."""
    groups: list[Iterable[int]] = []
    for cluster in range(tree.sizes[1]):
        leaves = np.flatnonzero(tree.parents[0] == cluster).tolist()
        groups += _clusters(graph.subgraph(leaves)) if len(leaves) > 2 else [[leaf] for leaf in leaves]
    lowest = _number(groups)
    above = np.empty(int(lowest.max()) + 1, np.int64)
    above[lowest] = tree.parents[0]
    return CodingTree((lowest, above, *tree.parents[1:]))


def _with_level_below_root(graph: nx.Graph, tree: CodingTree) -> CodingTree | None:
    """Groups the root's children by the coding tree of the graph between them, if it has three or more."""
    if tree.sizes[-2] < 3:
        return None
    place = np.arange(tree.sizes[0])
    for parents in tree.parents[:-1]:
        place = parents[place]
    between = nx.Graph()
    between.add_nodes_from(range(tree.sizes[-2]), volume=0)
    for one, other in graph.edges:
        ends = int(place[one]), int(place[other])
        for end in ends:
            between.nodes[end]["volume"] += 1
        if ends[0] != ends[1]:
            weight = between.get_edge_data(*ends, default={"weight": 0})["weight"]
            between.add_edge(*ends, weight=weight + 1)
    if not between.edges:
        return None
    groups = _number(_clusters(between))
    return CodingTree((*tree.parents[:-1], groups, _root_over(groups)))


def _root_over(groups: Index) -> Index:
    return np.zeros(int(groups.max()) + 1, np.int64)


def _number(groups: Iterable[Iterable[int]]) -> Index:
    """Returns the place of each element's group, groups in the order of their smallest elements."""
    ordered = sorted(sorted(group) for group in groups)
    numbered = np.empty(sum(map(len, ordered)), np.int64)
    for place, group in enumerate(ordered):
        numbered[group] = place
    return numbered


class _Node:
    """A node of the binary tree: its children, its volume, its boundary, and the edges cut inside it."""

    __slots__ = ("boundary", "children", "cut", "height", "neighbours", "parent", "volume")

    def __init__(self, volume: int, boundary: int, cut: int, children: Sequence[int], height: int):
        self.volume, self.boundary, self.cut = volume, boundary, cut
        self.children, self.height = set(children), height
        self.parent: int | None = None
        self.neighbours: dict[int, int] = {}


def _clusters(graph: nx.Graph) -> list[list[int]]:
    """Returns the middle level of the coding tree of height two of three or more nodes.

    Args:
        graph: Undirected graph; nodes may carry a `volume` (else their degree), edges a `weight` (else 1).
    """
    if not graph.edges:
        return [[node] for node in graph]
    names = sorted(graph)
    nodes = _agglomerate(graph, names)
    _compress(nodes)
    below = (nodes[child].children or {child} for child in nodes[-1].children)
    return [[names[leaf] for leaf in leaves] for leaves in below]


def _agglomerate(graph: nx.Graph, names: Sequence[int]) -> list[_Node]:
    """Merges connected pairs until none is left, then puts everything under the last node: the root."""
    place = {name: i for i, name in enumerate(names)}
    nodes = []
    for name in names:
        node = _Node(0, 0, 0, (), 0)
        node.neighbours = {place[other]: data.get("weight", 1) for other, data in graph[name].items()}
        node.boundary = sum(node.neighbours.values())
        node.volume = graph.nodes[name].get("volume", node.boundary)
        nodes.append(node)
    total = sum(node.volume for node in nodes)
    pairs = [(_fusion_cost(nodes, i, j, total), i, j) for i in range(len(nodes)) for j in nodes[i].neighbours if i < j]
    heapq.heapify(pairs)
    while pairs:
        _, i, j = heapq.heappop(pairs)
        if nodes[i].parent is not None or nodes[j].parent is not None:
            continue
        merged = _merge(nodes, i, j)
        for other in nodes[merged].neighbours:
            heapq.heappush(pairs, (_fusion_cost(nodes, other, merged, total), other, merged))
    tops = [i for i, node in enumerate(nodes) if node.parent is None]
    if len(tops) > 1:
        for top in tops:
            nodes[top].parent = len(nodes)
        nodes.append(_Node(total, 0, 0, tops, max(nodes[top].height for top in tops) + 1))
    return nodes


def _fusion_cost(nodes: Sequence[_Node], i: int, j: int, total: int) -> float:
    """Returns the change of entropy if two modules became one: the score by which pairs are merged."""
    x, y = nodes[i], nodes[j]
    both = x.volume + y.volume
    return (
        (x.volume - x.boundary) * math.log2(both / x.volume)
        + (y.volume - y.boundary) * math.log2(both / y.volume)
        - 2 * x.neighbours[j] * math.log2(total / both)
    ) / total


def _merge(nodes: list[_Node], i: int, j: int) -> int:
    """Puts two unmerged nodes under a new one and returns its index."""
    x, y, new = nodes[i], nodes[j], len(nodes)
    cut = x.neighbours[j]
    merged = _Node(x.volume + y.volume, x.boundary + y.boundary - 2 * cut, cut, (i, j), max(x.height, y.height) + 1)
    for child in (x, y):
        child.parent = new
        for other, weight in child.neighbours.items():
            if other not in (i, j):
                merged.neighbours[other] = merged.neighbours.get(other, 0) + weight
    for other, weight in merged.neighbours.items():
        nodes[other].neighbours.pop(i, None)
        nodes[other].neighbours.pop(j, None)
        nodes[other].neighbours[new] = weight
    nodes.append(merged)
    return new


def _compress(nodes: Sequence[_Node]) -> None:
    """Splices out the cheapest inner nodes on paths longer than two, until no path is longer."""
    root = nodes[-1]

    def candidate(i: int) -> tuple[float, int, int]:
        parent = nodes[i].parent
        assert parent is not None
        return (nodes[i].cut * math.log(nodes[parent].volume / nodes[i].volume), i, parent)

    def is_candidate(i: int) -> bool:
        return nodes[i].height > 0 and nodes[i].parent is not None

    heap = [candidate(i) for i in range(len(nodes)) if is_candidate(i)]
    heapq.heapify(heap)
    spliced: set[int] = set()
    while root.height > 2:
        entry = heapq.heappop(heap)
        _, i, parent = entry
        # A changed candidate was pushed again; what it was before is dropped here.
        if i in spliced or entry != candidate(i) or _longest_path(nodes, i) <= 2:
            continue
        spliced.add(i)
        children = _splice(nodes, i, parent)
        for changed in (parent, *children):
            if is_candidate(changed):
                heapq.heappush(heap, candidate(changed))


def _longest_path(nodes: Sequence[_Node], i: int) -> int:
    """Returns the edges of the longest path from the root to a leaf through a node."""
    length = nodes[i].height
    above = nodes[i].parent
    while above is not None:
        length, above = length + 1, nodes[above].parent
    return length


def _splice(nodes: Sequence[_Node], i: int, parent: int) -> set[int]:
    """Hands a node's children to its parent and mends the heights above; returns the children."""
    node = nodes[i]
    nodes[parent].cut += node.cut
    nodes[parent].children = nodes[parent].children - {i} | node.children
    for child in node.children:
        nodes[child].parent = parent
    above: int | None = parent
    while above is not None:
        height = max(nodes[child].height for child in nodes[above].children) + 1
        if height == nodes[above].height:
            break
        nodes[above].height = height
        above = nodes[above].parent
    return node.children
