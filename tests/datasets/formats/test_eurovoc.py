"""EuroVoc's files are found, and its hierarchy is restricted to the labels in use."""

import numpy as np
import pytest

from datasets.formats.eurovoc import find_eurovoc, hierarchy_in_use, parse_names, read_eurovoc, shortening_notes
from harness.core.errors import DataError
from tests.datasets.formats.test_skos import SMALL

TABLE = "parent\tchild\nRoot\td1\nRoot\td2\nd1\tm1\nd2\tm2\nm1\tx\nm2\tx\nx\ty\nm2\tz\n"


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "eurovoc.tsv"
    path.write_text(TABLE)
    return path


def test_domains_or_microthesauri_are_the_top_labels(table):
    domains, thesauri = (read_eurovoc(table, taxonomy) for taxonomy in ("domains", "microthesauri"))
    assert [domains.labels[root] for root in domains.roots] == ["d1", "d2"] and len(domains) == 7
    assert [thesauri.labels[root] for root in thesauri.roots] == ["m1", "m2"] and len(thesauri) == 5
    assert [len(branch) for branch in domains.branches()] == [4, 5]


def test_labels_in_use_are_those_of_the_gold_and_their_ancestors(table):
    full = read_eurovoc(table, "domains")
    assert hierarchy_in_use(full, ["z", "m1", "z"]).labels == ("d1", "d2", "m1", "m2", "z")
    assert hierarchy_in_use(full, iter(["y"])) == full.sub(np.flatnonzero([name != "z" for name in full.labels]))
    with pytest.raises(DataError, match="2 gold concepts are not in the hierarchy, first 'q'; is the table of another"):
        hierarchy_in_use(full, ["q", "x", "r"])


def test_names_of_an_option_are_known_and_different():
    assert parse_names(("a", "b"), "b, a", "x: names") == ["b", "a"]
    for wrong in ("a,c", "a,a", ""):
        with pytest.raises(DataError, match=f"x: names='{wrong}' has to name some of a, b, each once"):
            parse_names(("a", "b"), wrong, "x: names")


def test_shortening_is_noted_only_where_there_is_any():
    assert shortening_notes(0) == [] and shortening_notes(400) == ["Texts are cut after 400 words."]


def test_other_tables_beside_a_source_are_not_taken_for_eurovoc(table, tmp_path):
    (tmp_path / "eurovoc_labels.tsv").write_text("id\tlabel\n")
    (tmp_path / "laws").mkdir()
    assert find_eurovoc(tmp_path / "laws", "") == table == find_eurovoc(tmp_path, "")
    table.unlink()
    with pytest.raises(DataError, match="The upper levels of EuroVoc are needed in or beside .* Found: none"):
        find_eurovoc(tmp_path / "laws", "")


def test_the_release_is_found_in_or_beside_a_source(tmp_path):
    source = tmp_path / "laws"
    source.mkdir()
    path = tmp_path / "eurovoc_in_skos_core_concepts.zip"
    path.write_bytes(b"")
    assert find_eurovoc(source, "") == path
    (source / "eurovoc.rdf").write_text(SMALL, "utf-8")
    with pytest.raises(DataError, match="Found: .*eurovoc.rdf, .*eurovoc_in_skos_core_concepts.zip. Put one there"):
        find_eurovoc(source, "")
    assert find_eurovoc(source, str(path)) == path
    with pytest.raises(DataError, match="There is no file .*; taxonomy_file is a table .*, or the SKOS core release"):
        find_eurovoc(source, str(source))
