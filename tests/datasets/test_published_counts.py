"""What the literature says of its corpora, counted in the owners' own files."""

import json
from collections import Counter

import networkx as nx
import numpy as np
import pytest

from datasets import eurlex57k
from datasets.eurovoc import read_table
from datasets.textfiles import read_taxonomy
from datasets.wos_tables import AREAS
from harness.metrics import label_groups
from tests.shared import shared


def branch_share(tree):
    """Returns the size of all branch heads under projection as a share of that under masking."""
    return sum(len(branch) ** 2 for branch in tree.branches()) / len(tree) ** 2


@pytest.mark.parametrize(
    ("name", "num_branches", "share"),
    [
        ("wos.taxonomy", 7, 0.215),
        ("rcv1.hiagm.taxonomy", 4, 0.285),
        ("rcv1.hitin.taxonomy", 4, 0.284),
        ("nyt.taxonomy", 4, 0.359),
        ("hwv.taxonomy", 11, 0.130),
    ],
)
def test_branches_of_the_taxonomies(name, num_branches, share):
    tree = read_taxonomy(shared(f"data/taxonomies/{name}"))
    assert tree.is_tree and len(tree.branches()) == num_branches
    assert branch_share(tree) == pytest.approx(share, abs=5e-4)


def test_branch_sizes():
    def sizes(name):
        tree = read_taxonomy(shared(f"data/taxonomies/{name}"))
        return {tree.labels[root]: len(branch) for root, branch in zip(tree.roots, tree.branches(), strict=True)}

    wos = {"CS": 18, "Medical": 54, "Civil": 12, "ECE": 17, "biochemistry": 10, "MAE": 10, "Psychology": 20}
    assert sizes("wos.taxonomy") == wos
    assert sizes("rcv1.hitin.taxonomy") == {"CCAT": 34, "GCAT": 32, "ECAT": 26, "MCAT": 10}
    hwv = sizes("hwv.taxonomy")
    assert (min(hwv.values()), max(hwv.values())) == (8, 279) and "Mathematics (Root)" in hwv


def test_the_published_fragment_of_eurovoc():
    concepts = json.loads(shared("data/taxonomies/EURLEX57K.json").read_text("utf-8"))
    full = eurlex57k._published(concepts, "EURLEX57K.json")
    assert len(full) == 7_201 and len(full.roots) == 589 and full.levels.max() == 6
    parents = Counter(len(entry["parents"]) for entry in concepts.values())
    assert sum(count for number, count in parents.items() if number > 1) == 241 and max(parents) == 7
    assert {parent for entry in concepts.values() for parent in entry["parents"]} <= concepts.keys()
    lone = [root for root, branch in zip(full.roots, full.branches(), strict=True) if len(branch) == 1]
    assert len(lone) == 70
    domains = {str(number) for number in range(100_142, 100_163)}
    assert domains <= {full.labels[root] for root in lone} and len(domains) == 21


def test_eurovoc_under_its_domains_and_microthesauri():
    path = shared("data/taxonomies/eurovoc_eurlex57k_full_dag.tsv")
    full = read_table(path, "domains")
    assert len(full) == 4_662 and len(full.roots) == 21 and "4826" not in full.index
    # The published levels are those of the shortest way from the root.
    graph = full.graph.copy()
    graph.add_edges_from(("Root", root) for root in full.roots)
    shortest = Counter(nx.single_source_shortest_path_length(graph, "Root").values())
    assert [shortest[level] for level in range(1, 9)] == [21, 127, 517, 2_552, 1_171, 247, 22, 5]
    sizes = [len(branch) for branch in full.branches()]
    assert (min(sizes), max(sizes)) == (66, 521) and branch_share(full) == pytest.approx(0.057, abs=5e-4)
    below = read_table(path, "microthesauri")
    assert len(below.roots) == 127 and int((np.bincount(np.concatenate(below.branches())) > 1).sum()) == 230


def test_names_that_share_a_code_in_web_of_science_add_up_to_the_label_arrays():
    first, second = (shared(f"data/wos/WOS46985/{name}.txt").read_text("ascii").split() for name in ("YL1", "YL2"))
    codes = Counter(zip(map(int, first), map(int, second), strict=True))
    named = {
        (1, 10): 372 + 148 + 6, (1, 9): 407 + 240, (5, 7): 294 + 130, (5, 10): 260 + 38, (5, 17): 95 + 2,
        (4, 4): 446 + 2 + 1, (4, 10): 363 + 7 + 3, (4, 1): 419 + 4, (6, 1): 552 + 14,
    }  # fmt: skip
    assert {code: codes[code] for code in named} == named
    assert len(codes) == 133 and (min(codes.values()), max(codes.values())) == (43, 750)
    assert sum(codes.values()) == 46_985 and {code[0] for code in codes} == set(range(len(AREAS)))


def test_the_integer_codes_of_web_of_science_are_not_consistent_with_the_tree():
    first, every = (shared(f"data/wos/WOS46985/{name}.txt").read_text("ascii").split() for name in ("YL1", "Y"))
    domains: dict[str, set[str]] = {}
    for domain, code in zip(first, every, strict=True):
        domains.setdefault(code, set()).add(domain)
    assert len(domains) == 134
    assert sorted(int(code) for code, found in domains.items() if len(found) == 2) == [40, 43, 76]


@pytest.mark.slow
def test_the_laws_of_eurlex57k():
    laws: dict[str, list[dict]] = {"train": [], "dev": [], "test": []}
    origin = shared("data/eurlex57k/eurlex57k_original_json.tar.zst")
    concepts = {}
    for part, _, content in eurlex57k._members(origin):
        entry = json.loads(content)
        if part in laws:
            laws[part].append(entry)
        else:
            concepts = entry
    everything = [law for part in laws.values() for law in part]
    assert {part: len(found) for part, found in laws.items()} == {"train": 45_000, "dev": 6_000, "test": 6_000}
    keys = {"celex_id", "uri", "type", "concepts", "title", "header", "recitals", "main_body", "attachments"}
    assert all(law.keys() == keys for law in everything)
    assert sum(not law["recitals"].strip() for law in everything) == 2
    assert Counter(law["type"] for law in laws["train"]) == {
        "Regulation": 29_600, "Decision": 13_627, "Directive": 1_773,
    }  # fmt: skip
    sizes = [len(law["concepts"]) for law in everything]
    assert (min(sizes), max(sizes)) == (1, 26) and all(
        len(set(law["concepts"])) == len(law["concepts"]) for law in everything
    )
    assert np.mean([len(law["concepts"]) for law in laws["train"]]) == pytest.approx(5.07, abs=5e-3)
    assert len({concept for law in everything for concept in law["concepts"]}) == 4_271
    with_parent = sum(
        any(set(concepts[concept]["parents"]) & set(law["concepts"]) for concept in law["concepts"])
        for law in everything
    )
    assert with_parent == 6_318
    counts = Counter(concept for law in laws["train"] for concept in law["concepts"])
    groups = label_groups(np.array(list(counts.values())))
    assert groups["frequent"].sum() == 746 and sum(count > 50 for count in counts.values()) == 739
