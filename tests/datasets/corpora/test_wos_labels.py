"""Codes and areas of Web of Science equal the published taxonomy and histogram."""

import json

from datasets.corpora.wos_labels import AREAS, CODES, EXTRA_AREAS, wos_hierarchy
from datasets.formats.textfiles import read_taxonomy
from tests.shared import shared


def test_hierarchy_is_the_published_one():
    assert len(wos_hierarchy()) == 141 and len(wos_hierarchy().roots) == 7
    published = read_taxonomy(shared("data/taxonomies/wos.taxonomy"))

    def edges(tree):
        return {(tree.labels[parent], tree.labels[child]) for parent, child in tree.edges}

    assert edges(wos_hierarchy()) == edges(published)
    assert {wos_hierarchy().labels[root] for root in wos_hierarchy().roots} == {
        published.labels[r] for r in published.roots
    }


def test_codes_have_the_names_of_the_published_histogram():
    pairs = json.loads(shared("data/wos/wos_expected_histogram.json").read_text("utf-8"))["pairs"]
    assert len(pairs) == 133 == sum(bool(area) for areas in AREAS.values() for area in areas)
    for pair in pairs:
        assert list(AREAS)[pair["Y1"]] == pair["domain"]
        seen = pair["area_names_seen_in_1k"]
        assert not seen or AREAS[pair["domain"]][pair["Y2"]] in seen


def test_every_code_in_use_names_one_of_the_134_areas():
    assert len(CODES) == len(set(CODES.values())) == 133
    assert {domain for domain, _ in CODES.values()} == set(AREAS) and "" not in {area for _, area in CODES.values()}
    areas = {area for _, area in CODES.values()} | set(EXTRA_AREAS["ECE"])
    assert set(wos_hierarchy().labels) == areas | set(AREAS) and len(areas) == 134
    assert CODES["1", "9"] == ("ECE", "Analog signal processing") and ("1", "8") not in CODES
