"""Parameter counts of `tests.bench.growth`: what HiMTL's equation 4 predicts of projection, and what is there.

Equation 4 says that heads for n equal, disjoint branches need a total of |V|^2 / n where one head needs |V|^2. For any
branches that is sum |V_i|^2 in place of |V|^2. It is the order of what grows with the square of the number of labels,
HiAGM's classifier and HiTIN's leaf layer. The rest grows with sum |V_i|, as a flat head does, or with n.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from datasets.storage.hierarchy import Hierarchy
from harness.training import memory
from models import Merge
from models.branch_heads import BranchHeads
from tests.bench import workload
from tests.bench.measure import table

Build = Callable[..., BranchHeads]

MODELS: dict[str, tuple[str, dict[str, int]]] = {
    "HiAGM": ("hiagm", {"node_width": 300}),
    "HiTIN": ("hitin", {"node_width": 768}),
    "Flat": ("flat", {}),
}
TEXT_WIDTH = 768
BRANCHES, CHILDREN = 10, 8


def balanced(num: int, branches: int) -> Hierarchy:
    """Returns a forest of equal branches, each filled level by level with 8 children a label."""
    # Label i is label i // branches of branch i % branches.
    edges = [((i // branches - 1) // CHILDREN * branches + i % branches, i) for i in range(branches, num)]
    return Hierarchy([f"label {i}" for i in range(num)], edges)


def overlapping(num: int, shared: float, holders: int) -> Hierarchy:
    """Returns an unbalanced DAG of 10 branches: some hold one common part, and each has half as many own labels as the
    one before it, or its top label alone.

    Args:
        num: Number of labels.
        shared: Share of the labels that is the common part, a tree with 8 children a label.
        holders: Number of branches, the first ones, that hold it.
    """
    num_shared = int(shared * num)
    free = num - num_shared - BRANCHES
    sizes = [free // 2**i - free // 2 ** (i + 1) for i in range(BRANCHES - 1)]
    edges: list[tuple[int, int]] = []
    next_label = BRANCHES
    for root, size in enumerate([*sizes, free - sum(sizes)]):
        own = [root, *range(next_label, next_label + size)]
        edges += [(own[(i - 1) // CHILDREN], own[i]) for i in range(1, len(own))]
        next_label += size
    common = list(range(next_label, num))
    edges += [(common[(i - 1) // CHILDREN], common[i]) for i in range(1, len(common))]
    edges += [(root, common[0]) for root in range(holders) if common]
    return Hierarchy([f"label {i}" for i in range(num)], edges)


def count(heads: Build, hierarchy: Hierarchy, model: str, merge: Merge, foreign_rows: bool = False) -> int:
    """Returns the number of parameters at the published widths, without allocating any."""
    kind, options = MODELS[model]
    build = partial(heads, hierarchy, kind, merge, TEXT_WIDTH, options, foreign_rows=foreign_rows)
    return memory.need(memory.unallocated(build)).num_parameters


def published_sizes(heads: Build) -> str:
    """Returns the table of the millions of parameters, per model and merge, at the sizes of Table 1 and beyond."""
    shapes = [workload.hierarchy("rcv1"), workload.hierarchy("wos"), workload.hierarchy("nyt"), balanced(4271, 21)]
    merges: dict[str, tuple[Merge, bool]] = {
        "none": ("none", False),
        "masking": ("masking", False),
        "masking with foreign rows": ("masking", True),
        "projection": ("projection", False),
    }
    rows = []
    for model in MODELS:
        for name, (merge, foreign_rows) in merges.items():
            counts = [count(heads, one, model, merge, foreign_rows) for one in shapes]
            rows.append([f"{model}, {name}", *(f"{num / 1e6:,.2f}" for num in counts)])
    return table(["", "RCV1, 103", "WOS, 141", "NYT, 166", "EURLEX57K, 4,271"], rows)


def equation_4(heads: Build) -> str:
    """Returns the table of predicted and counted parameters of projection, in shares of those of one head."""
    num = 1_000
    shapes = {
        "balanced tree": balanced(num, BRANCHES),
        "RCV1": workload.hierarchy("rcv1"),
        "WOS": workload.hierarchy("wos"),
        "NYT": workload.hierarchy("nyt"),
        "unbalanced tree": overlapping(num, 0.0, 0),
    }
    for shared, holders in ((0.3, 3), (0.5, 5), (0.7, 5), (0.9, 10)):
        shapes[f"unbalanced DAG, {holders} branches share {shared:.0%}"] = overlapping(num, shared, holders)
    rows = []
    for name, graph in shapes.items():
        sizes = np.array([len(branch) for branch in graph.branches()], dtype=float)
        shares = [count(heads, graph, model, "projection") / count(heads, graph, model, "none") for model in MODELS]
        predicted = [1 / len(sizes), (sizes**2).sum() / len(graph) ** 2, sizes.sum() / len(graph)]
        rows.append([f"{name} ({len(graph):,})", f"{len(sizes)}", *(f"{share:.2f}" for share in (*predicted, *shares))])
    return table(["hierarchy (labels)", "n", "1/n", "Σ V_i² / V²", "Σ V_i / V", *MODELS], rows)
