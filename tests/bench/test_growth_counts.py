"""The hierarchies that are counted, equation 4's shares, and the counts in closed form."""

import networkx as nx
import numpy as np
import pytest

from datasets.storage.hierarchy import Hierarchy
from models import Merge
from tests.bench import growth, growth_counts, workload
from tests.bench.growth_counts import BRANCHES, CHILDREN, balanced, overlapping
from tests.models.hierarchies import DAG


@pytest.mark.parametrize("num", growth.LABELS)
def test_branches_are_balanced(num: int) -> None:
    sizes = [len(branch) for branch in balanced(num, BRANCHES).branches()]
    assert sizes == [num // BRANCHES] * BRANCHES
    children = np.bincount(balanced(num, BRANCHES).edges[:, 0])
    assert children.max() <= CHILDREN


@pytest.mark.parametrize(("shared", "holders"), [(0.0, 0), (0.3, 3), (0.5, 5), (0.9, 10)])
def test_branches_overlap_in_the_common_part_and_are_unbalanced(shared: float, holders: int) -> None:
    graph = overlapping(1_000, shared, holders)
    branches = [set(branch.tolist()) for branch in graph.branches()]
    common = set.intersection(*branches[:holders]) if holders else set()
    assert len(graph) == 1_000 and len(common) == round(1_000 * shared)
    own = [len(branch - common) for branch in branches]
    assert sum(own) == 1_000 - len(common) and all(not common & branch for branch in branches[holders:])
    assert all(2 * after - 2 <= before for before, after in zip(own, own[1:-1], strict=False))
    assert nx.is_weakly_connected(graph.graph.subgraph(branches[0]))
    assert graph.is_tree == (holders < 2)


@pytest.mark.parametrize("merge", ["none", "projection"])
@pytest.mark.parametrize("graph", [DAG, workload.hierarchy("wos"), overlapping(300, 0.5, 5)], ids=["7", "wos", "dag"])
def test_hiagms_count_is_linear_and_quadratic_in_the_branches_labels(graph: Hierarchy, merge: Merge) -> None:
    parts = [graph] if merge == "none" else [graph.sub(branch) for branch in graph.branches()]
    width, text = 300, 768
    expected = 0
    for part in parts:
        num, edges = len(part), len(part.edges)
        spread, classifier = num * width * (text + 1), num * num * width + num
        gcn = 2 * edges + 2 * num * width + 3 * width + 2 * num
        expected += spread + classifier + gcn
    assert growth_counts.count(growth.heads, graph, "HiAGM", merge) == expected


def test_the_table_tells_shrinking_from_growing() -> None:
    rows = [line.split(" | ") for line in growth_counts.equation_4(growth.heads).splitlines()[2:]]
    found = {row[0].removeprefix("| "): [float(cell.strip(" |")) for cell in row[2:]] for row in rows}
    # 1/n, sum of squares, sum, and the counted shares of HiAGM, HiTIN and the flat head.
    assert found["balanced tree (1,000)"][:3] == [0.1, 0.1, 1.0] and found["balanced tree (1,000)"][3] < 0.5
    sizes = np.array(workload.BRANCHES["wos"])
    assert found["WOS (141)"][:3] == [0.14, round((sizes**2).sum() / 141**2, 2), 1.0]
    dag = found["unbalanced DAG, 5 branches share 50% (1,000)"]
    assert dag[1] > 1.8 and dag[2] == 3.0 and all(share > 2 for share in dag[3:])
    assert all(row[2] == row[5] for row in found.values()), "a flat head has rows and nothing else"
