"""EuroVoc's SKOS core release, made small by hand and complete from its edges."""

import random
import zipfile

import pytest

from datasets.formats.eurovoc import read_eurovoc
from datasets.formats.skos import read_skos
from datasets.formats.textfiles import read_edges
from datasets.storage.hierarchy import ROOT
from harness.core.errors import DataError
from tests.shared import shared

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
SKOS = 'xmlns="http://www.w3.org/2004/02/skos/core#"'
EUROVOC = "http://eurovoc.europa.eu/"
NOTATIONS = {"100142": "04", "100160": "60", "100166": "0421", "100254": "6011", "9001": "7011"}


def described(subject, links=(), notation="", kind="Concept"):
    lines = [f'<rdf:Description rdf:about="{EUROVOC}{subject}">']
    lines += [f'  <rdf:type rdf:resource="http://www.w3.org/2004/02/skos/core#{kind}"/>']
    lines += [f'  <{link} {SKOS} rdf:resource="{EUROVOC}{target}"/>' for link, target in links]
    lines += [f'  <prefLabel {SKOS} xml:lang="el">Ελλάδα &amp; 04 of {subject}</prefLabel>']
    lines += [f"  <notation {SKOS}>{notation}</notation>"] * bool(notation)
    return "\n".join([*lines, "</rdf:Description>\n"])


def release(*bodies):
    return HEAD + "".join(bodies) + "</rdf:RDF>\n"


SMALL = release(
    described("100141", kind="ConceptScheme"),
    described("100166", notation="0421", kind="ConceptScheme"),
    described("100254", notation="6011", kind="ConceptScheme"),
    # A scheme of another thesaurus, whose domain is not there.
    described("9001", notation="7011", kind="ConceptScheme"),
    described("100142", [("inScheme", "domains")], "04"),
    described("100160", [("inScheme", "domains")], "60"),
    described("1", [("inScheme", "100141"), ("inScheme", "100254")], "12"),
    described("2", [("broader", "1"), ("inScheme", "100141"), ("inScheme", "100254"), ("related", "3")]),
    # Below two others, and a top concept as well; described in two places.
    described("3", [("broader", "2"), ("inScheme", "100141"), ("inScheme", "100166")]),
    described("3", [("broader", "1"), ("topConceptOf", "100166"), ("narrower", "9")]),
    # Out of use.
    described("8", [("inScheme", "100141")]),
    described("9", [("broader", "8"), ("inScheme", "9001")]),
)
EDGES = {
    (ROOT, "100142"), (ROOT, "100160"), ("100142", "100166"), ("100160", "100254"), ("100254", "1"), ("1", "2"),
    ("2", "3"), ("1", "3"), ("100166", "3"),
}  # fmt: skip


def test_concepts_lie_below_broader_ones_and_microthesauri_below_domains(tmp_path):
    path = tmp_path / "eurovoc_in_skos_core_concepts.rdf"
    path.write_text(SMALL, "utf-8")
    edges = read_skos(path)
    assert set(edges) == EDGES and len(edges) == len(EDGES)
    with zipfile.ZipFile(tmp_path / "eurovoc_skos.zip", "w") as archive:
        archive.write(path, "x/eurovoc.rdf")
    assert read_skos(tmp_path / "eurovoc_skos.zip") == edges
    tree = read_eurovoc(path, "microthesauri")
    assert {tree.labels[root] for root in tree.roots} == {"100166", "100254"} and len(tree) == 5


def test_the_complete_eurovoc_comes_back_from_its_release(tmp_path):
    edges = read_edges(shared("data/taxonomies/eurovoc_eurlex57k_full_dag.tsv"))
    domains = [child for parent, child in edges if parent == ROOT]
    thesauri = [(parent, child) for parent, child in edges if parent in domains]
    codes = {domain: f"{number:02}" for number, domain in enumerate(domains, 1)}
    bodies = [described(domain, [("inScheme", "domains")], codes[domain]) for domain in domains]
    bodies += [
        described(child, notation=f"{codes[parent]}{number % 100:02}", kind="ConceptScheme")
        for number, (parent, child) in enumerate(thesauri)
    ]
    schemes = {child for _, child in thesauri}
    concepts: dict[str, list[tuple[str, str]]] = {}
    for parent, child in edges:
        if parent != ROOT and child not in schemes:
            link = [("inScheme", parent), ("topConceptOf", parent)] if parent in schemes else [("broader", parent)]
            concepts.setdefault(child, [("inScheme", "100141")]).extend(link)
    bodies += [described(concept, links) for concept, links in concepts.items()]
    random.Random(0).shuffle(bodies)
    path = tmp_path / "eurovoc_in_skos_core_concepts.rdf"
    path.write_text(release(*bodies), "utf-8")
    assert set(read_skos(path)) == set(edges)
    full = read_eurovoc(path, "domains")
    assert len(full) == 4_662 and len(full.roots) == 21 and len(read_eurovoc(path, "microthesauri").roots) == 127


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (SMALL[:-30], "not well-formed XML .no element found: line 73"),
        (release(described("1", [("inScheme", "100254")])), "holds no domains with microthesauri"),
        (release(described("100142", [("inScheme", "domains")], "04")), "holds no domains with microthesauri"),
        ('<!DOCTYPE x [<!ENTITY a "aa">]><x/>', "declares the entity 'a'"),
        ("not XML", "not well-formed XML .*line 1"),
    ],
)
def test_other_files_are_refused(tmp_path, content, message):
    path = tmp_path / "eurovoc.rdf"
    path.write_text(content, "utf-8")
    with pytest.raises(DataError, match=message):
        read_skos(path)


def test_a_zip_without_a_release_or_cut_off_is_refused(tmp_path):
    path = tmp_path / "eurovoc_skos.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("eurovoc.ttl", "x")
    with pytest.raises(DataError, match="holds no .rdf file; it has to be EuroVoc's SKOS core release"):
        read_skos(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match="eurovoc_skos.zip cannot be read to its end"):
        read_skos(path)
