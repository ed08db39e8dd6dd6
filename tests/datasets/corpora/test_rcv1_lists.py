"""Lists of LYRL2004: the official ones, others in their place, cut off or missing."""

import numpy as np
import pytest

from datasets.corpora import rcv1, rcv1_lists
from harness.core.errors import DataError
from tests.datasets.reuters_files import LABELS, TOPICS, documents, made, put_lists, some, unpacked
from tests.shared import shared


def test_the_official_hierarchy_has_103_topics(tmp_path):
    folder = tmp_path / "r"
    folder.mkdir()
    (folder / "rcv1.topics.hier.orig").symlink_to(shared("data/taxonomies/rcv1.topics.hier.orig"))
    official, notes = rcv1_lists.hierarchy(folder, "")
    assert len(official) == 103 and notes == [] and "GMIL" in official.index and official.is_tree
    assert np.bincount(official.levels)[1:].tolist() == [4, 55, 43, 1]
    sizes = {official.labels[root]: len(b) for root, b in zip(official.roots, official.branches(), strict=True)}
    assert sizes == {"CCAT": 34, "GCAT": 33, "ECAT": 26, "MCAT": 10}
    assert sum(len(b) ** 2 for b in official.branches()) / 103**2 == pytest.approx(0.285, abs=5e-4)
    (folder / "rcv1.topics.hier.orig").unlink()
    (folder / "rcv1.taxonomy").symlink_to(shared("data/taxonomies/rcv1.hitin.taxonomy"))
    lacking, notes = rcv1_lists.hierarchy(folder, "")
    assert len(lacking) == 102 and notes[0].startswith("Warning: rcv1.taxonomy lacks GMIL")
    assert set(official.labels) - set(lacking.labels) == {"GMIL"}
    assert sum(len(b) ** 2 for b in lacking.branches()) / 102**2 == pytest.approx(0.284, abs=5e-4)
    (folder / "rcv1.taxonomy").unlink()
    (folder / "rcv1.hiagm.taxonomy").symlink_to(shared("data/taxonomies/rcv1.hiagm.taxonomy"))
    assert set(rcv1_lists.hierarchy(folder, "")[0].labels) == set(official.labels)


@pytest.mark.parametrize("name", ["rcv1v2-ids.dat", "rcv1-v2.topics.qrels", "lyrl2004_tokens_train.dat"])
def test_missing_lists_are_named(tmp_path, name):
    folder = unpacked(put_lists(tmp_path / "r"), some())
    (folder / name).unlink()
    with pytest.raises(DataError, match=f"does not hold {name}; --source is a folder with the stories"):
        documents(folder)


@pytest.mark.parametrize(
    ("name", "line", "message"),
    [
        ("rcv1v2-ids.dat", "2286 x\n", "rcv1v2-ids.dat, line 1: '2286 x' is not the number of a story"),
        ("rcv1v2-ids.dat", "2286\n2287\n", "13 training stories are not in rcv1v2-ids.dat"),
        ("rcv1-v2.topics.qrels", "CCAT 2286\n", "qrels, line 1: 'CCAT 2286' is not `TOPIC NUMBER 1`"),
        ("lyrl2004_tokens_train.dat", "2286\n", "has no line `.I NUMBER`"),
        ("rcv1.topics.hier.orig", "CCAT\tC15\n", "line 1: .* is not `parent: X child: Y child-description: Z`"),
    ],
)
def test_lines_of_other_lists_are_refused(tmp_path, name, line, message):
    folder = unpacked(put_lists(tmp_path / "r"), some())
    (folder / name).write_text(line)
    with pytest.raises(DataError, match=message):
        documents(folder)


def test_a_list_that_is_cut_off_is_refused(tmp_path):
    folder = unpacked(put_lists(tmp_path / "r", compressed=True), some())
    path = folder / "rcv1-v2.topics.qrels.gz"
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(DataError, match="qrels.gz cannot be read to its end"):
        documents(folder)


def test_topics_that_are_cut_off_at_a_line_are_refused(tmp_path):
    folder = unpacked(put_lists(tmp_path / "r"), some())
    path = folder / "rcv1-v2.topics.qrels"
    whole = path.read_text().splitlines(keepends=True)
    assert documents(folder)["26150"].labels == ("GCAT",)
    path.write_text("".join(line for line in whole if " 26151 " not in line and " 2290 " not in line))
    with pytest.raises(DataError, match="2 of the 18 stories of rcv1v2-ids.dat have no line in .*qrels, first 2290"):
        documents(folder)
    assert rcv1.published({"val": "hitin"})["documents without labels"] == 0


def test_without_gmil_its_stories_are_kept(tmp_path):
    topics = {topic: parent for topic, parent in TOPICS.items() if topic != "GMIL"}
    folder = unpacked(put_lists(tmp_path / "r", topics=topics), some())
    corpus = made(folder, tmp_path)
    assert corpus.num_documents == 18 and any("lacks GMIL" in note for note in corpus.notes)
    with pytest.raises(DataError, match="1 x label that the hierarchy does not have, first 'M11'"):
        made(unpacked(put_lists(tmp_path / "s", labels=LABELS | {2300: "M11"}), some()), tmp_path)
