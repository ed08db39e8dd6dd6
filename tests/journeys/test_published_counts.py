"""What the literature says of its corpora, counted in the owners' own files."""

import json
from collections import Counter

import networkx as nx
import numpy as np
import pytest

from datasets.check import preflight
from datasets.corpora import eurlex57k, wos
from datasets.corpora.wos_labels import AREAS, CODES
from datasets.formats.eurovoc import read_eurovoc
from datasets.formats.textfiles import read_taxonomy
from datasets.prepare import parse_options, prepare
from datasets.storage.label_groups import label_groups
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
    full = read_eurovoc(path, "domains")
    assert len(full) == 4_662 and len(full.roots) == 21
    # One concept of EURLEX57K is unknown to the edition; no law has it.
    assert "4826" not in full.index
    assert "4826" in json.loads(shared("data/taxonomies/EURLEX57K.json").read_text("utf-8"))
    # The published levels are those of the shortest way from the root.
    graph = full.graph.copy()
    graph.add_edges_from(("Root", root) for root in full.roots)
    shortest = Counter(nx.single_source_shortest_path_length(graph, "Root").values())
    assert [shortest[level] for level in range(1, 9)] == [21, 127, 517, 2_552, 1_171, 247, 22, 5]
    sizes = [len(branch) for branch in full.branches()]
    assert (min(sizes), max(sizes)) == (66, 521) and branch_share(full) == pytest.approx(0.057, abs=5e-4)
    below = read_eurovoc(path, "microthesauri")
    assert len(below.roots) == 127 and int((np.bincount(np.concatenate(below.branches())) > 1).sum()) == 230


RAW_AREAS = {
    (1, 10): {"Electric motor": 372, "Satellite radio": 148, "Single-phase electric power": 6},
    (1, 9): {"Analog signal processing": 407, "Electrical generator": 240},
    (5, 7): {"Atrial Fibrillation": 294, "Depression": 130},
    (5, 10): {"Bipolar Disorder": 260, "Schizophrenia": 38},
    (5, 17): {"Digestive Health": 95, "Outdoor Health": 2},
    (4, 4): {"Water Pollution": 446, "Bamboo": 2, "Underwater Windmill": 1},
    (4, 10): {"Smart Material": 363, "Nano Concrete": 7, "Transparent Concrete": 3},
    (4, 1): {"Geotextile": 419, "Highway Network System": 4},
    (6, 1): {"Cell biology": 552, "DNA/RNA sequencing": 14},
}
"""The areas of Web of Science that share a code, before label repair, with their rows."""


def codes_of_web_of_science():
    first, second = (shared(f"data/wos/WOS46985/{name}.txt").read_text("ascii").split() for name in ("YL1", "YL2"))
    return list(zip(map(int, first), map(int, second), strict=True))


def test_names_that_share_a_code_in_web_of_science_add_up_to_the_label_arrays():
    codes = Counter(codes_of_web_of_science())
    assert {code: codes[code] for code in RAW_AREAS} == {code: sum(names.values()) for code, names in RAW_AREAS.items()}
    assert len(codes) == 133 and (min(codes.values()), max(codes.values())) == (43, 750)
    assert len(codes) + sum(len(names) - 1 for names in RAW_AREAS.values()) == 145
    assert sum(codes.values()) == 46_985 and {code[0] for code in codes} == set(range(len(AREAS)))


def test_the_complete_export_of_web_of_science_is_repaired_to_134_areas(tmp_path):
    """With the real codes and names; which row of a code has which of its names is made up.

    Rows of `Electrical generator` before the first of its code's usual name keep it, and none of them is in training.
    """
    codes = codes_of_web_of_science()
    splits = {place: split for split, places in wos.split_rows(len(codes)).items() for place in places.tolist()}
    left = {code: dict(names) for code, names in RAW_AREAS.items()}
    kept, rows = Counter[str](), []
    for place, code in enumerate(codes):
        domain, area = CODES[str(code[0]), str(code[1])]
        if code in left:
            usual, *rare = left[code]
            first = left[code][usual] == RAW_AREAS[code][usual]
            if code == (1, 9) and first and splits[place] != "train":
                kept[splits[place]] += 1
                area = "Electrical generator"
            else:
                area = next((name for name in rare if left[code][name] and not first), usual)
            left[code][area] -= 1
        rows.append(f'{code[0]}\t{code[1]}\t0\t{domain} \t{area}\tk\t"made up ""abstract"" {place}"\n')
    assert not any(count for names in left.values() for count in names.values()) and kept["test"] > 0
    (tmp_path / "Data.txt").write_text("Y1\tY2\tY\tDomain\tarea\tkeywords\tAbstract\n" + "".join(rows), "utf-16")
    corpus = prepare("wos", tmp_path / "Data.txt", {}, tmp_path / "data")
    num_rare = sum(count for names in RAW_AREAS.values() for count in list(names.values())[1:])
    assert f"The areas of {num_rare - kept.total():,} rows were repaired as in HiAGM." in corpus.notes
    assert int((corpus.labels(np.arange(46_985)).sum(axis=0) > 0).sum()) == 141
    said = preflight(corpus, parse_options("wos", {}).model_dump(), np.full(46_985, 9), "none")
    assert said[-1] == "published numbers: 37 checked, all equal."
    assert any(line.startswith("macro-F1 cannot pass 99.29 over all labels (140/141)") for line in said)


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
    used = {concept for law in everything for concept in law["concepts"]}
    assert len(used) == 4_271 and "4826" not in used
    with_parent = sum(
        any(set(concepts[concept]["parents"]) & set(law["concepts"]) for concept in law["concepts"])
        for law in everything
    )
    assert with_parent == 6_318
    counts = Counter(concept for law in laws["train"] for concept in law["concepts"])
    groups = label_groups(np.array(list(counts.values())))
    assert groups["frequent"].sum() == 746 and sum(count > 50 for count in counts.values()) == 739
