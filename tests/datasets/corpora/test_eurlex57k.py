"""EURLEX57K: texts, closure, taxonomies, packings, damage, and published shapes."""

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest

from datasets.check import preflight
from datasets.corpora import eurlex57k
from datasets.prepare import parse_options
from datasets.storage.corpus import write
from harness.core.errors import DataError
from tests.datasets.reading import read
from tests.shared import shared

# 5 has two parents in two branches, 9 is a root with nothing below it, 8 is in no document.
CONCEPTS = {"1": [], "2": [], "9": [], "3": ["1"], "4": ["2"], "5": ["3", "4"], "8": ["1"]}
EUROVOC = (
    "parent\tchild\nRoot\td1\nRoot\td2\nd1\tm1\nd1\tm2\nd2\tm3\nm1\t1\nm2\t2\nm3\t9\n1\t3\n2\t4\n3\t5\n4\t5\nm3\t8\n"
)
LAWS = {
    "train": {"b1": ["5"], "a1": ["1", "3"]},
    "dev": {"c1": ["9"]},
    "test": {"d1": ["4", "9"]},
}


def law(celex, concepts):
    return {
        "celex_id": celex, "uri": "u", "type": "Decision", "concepts": concepts, "title": "Title", "header": "Head er",
        "recitals": "", "main_body": [f"body {celex}", "two"], "attachments": "end",
    }  # fmt: skip


def files():
    yield "EURLEX57K.json", {name: {"label": name, "parents": parents} for name, parents in CONCEPTS.items()}
    for part, laws in LAWS.items():
        for celex, concepts in laws.items():
            yield f"{part}/{celex}.json", law(celex, concepts)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "eurlex57k"
    for place, content in files():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_text(json.dumps(content))
    (folder / "eurovoc_edges.tsv").write_text(EUROVOC)
    (folder / "eurovoc_labels.tsv").write_text("id\tlabel_en\n")
    return folder


def pack(path, mode, skip=()):
    with tarfile.open(path, mode) as tar:
        for place, content in [*files(), ("train/._a1.json", {})]:
            if place not in skip:
                info = tarfile.TarInfo(f"./dataset/{place}")
                body = json.dumps(content).encode()
                info.size = len(body)
                tar.addfile(info, io.BytesIO(body))
    return path


def corpus(source, tmp_path, **options):
    return write(read("eurlex57k", source, **options), tmp_path / "out", name="eurlex57k", options=options)


def labels_of(made, doc_id):
    rows = np.arange(made.num_documents)
    place = made.doc_ids(rows).index(doc_id)
    return {made.hierarchy.labels[label] for label in made.labels(rows[[place]]).indices}


def test_text_is_that_of_the_reference_loader(folder, tmp_path):
    made = corpus(folder, tmp_path)
    assert made.doc_ids(np.arange(4)) == ["a1", "b1", "c1", "d1"]
    assert next(made.texts(made.rows("val"))) == "Head er\n\nbody c1\ntwo\nend"
    with_title = corpus(folder, tmp_path, zones="title,header,recitals,main_body,attachments", max_words=4)
    assert next(with_title.texts(with_title.rows("val"))) == "Title Head er body"


def test_any_zones_in_any_order_make_the_text(folder, tmp_path):
    made = corpus(folder, tmp_path, zones="attachments, title")
    assert next(made.texts(made.rows("val"))) == "end\nTitle"
    assert "Texts are attachments, title; the reference loader takes all but the title." in made.notes
    for wrong in ("body", "title,title", ""):
        with pytest.raises(DataError, match="has to name some of title, header, recitals, main_body, attachments"):
            eurlex57k.read(folder, zones=wrong)


def test_tiny_branches_are_pooled_below_a_floor(folder, tmp_path):
    plain = corpus(folder, tmp_path / "plain")
    made = corpus(folder, tmp_path, min_branch=4)
    # Branches of 3, 3 and 1 labels are all below 4: one branch of every label, and of every document once.
    assert [branch.tolist() for branch in made.hierarchy.branches()] == [list(range(6))]
    (counts,) = made.meta["counts"]["branches"].values()
    assert counts == {"labels": 6, "train": 2, "val": 1, "test": 1}
    assert made.hierarchy.labels == plain.hierarchy.labels and made.fingerprint != plain.fingerprint
    # One tiny branch has nothing to be pooled with.
    assert len(corpus(folder, tmp_path, min_branch=2).hierarchy.branches()) == 3


def test_gold_is_closed_over_all_parents_and_unused_labels_are_left_out(folder, tmp_path):
    made = corpus(folder, tmp_path)
    assert labels_of(made, "b1") == {"1", "2", "3", "4", "5"}
    assert labels_of(made, "d1") == {"2", "4", "9"}
    assert sorted(made.hierarchy.labels) == ["1", "2", "3", "4", "5", "9"]
    assert [made.hierarchy.labels[root] for root in made.hierarchy.roots] == ["1", "2", "9"]
    # A branch of one label.
    assert [len(members) for members in made.hierarchy.branches()] == [3, 3, 1]
    assert made.meta["counts"]["documents_not_closed"] == 2
    assert "The source has 4 laws instead of 57,000." in made.notes


def test_upper_levels_of_eurovoc_are_the_branches(folder, tmp_path):
    made = corpus(folder, tmp_path, taxonomy="domains")
    assert labels_of(made, "b1") == {"d1", "m1", "m2", "1", "2", "3", "4", "5"}
    assert len(made.hierarchy.roots) == 2
    made = corpus(folder, tmp_path, taxonomy="microthesauri")
    assert [made.hierarchy.labels[root] for root in made.hierarchy.roots] == ["m1", "m2", "m3"]
    assert [len(members) for members in made.hierarchy.branches()] == [4, 4, 2]
    assert labels_of(made, "d1") == {"m2", "m3", "2", "4", "9"}


def test_depth_keeps_the_upper_levels(folder, tmp_path):
    made = corpus(folder, tmp_path, taxonomy="domains", depth=2)
    assert set(made.hierarchy.labels) == {"d1", "d2", "m1", "m2", "m3"}
    assert labels_of(made, "b1") == {"d1", "m1", "m2"} and labels_of(made, "d1") == {"d1", "m2", "d2", "m3"}
    assert labels_of(corpus(folder, tmp_path, depth=1), "b1") == {"1", "2"}


@pytest.mark.parametrize("mode", ["w:gz", "w"])
def test_archive_and_folder_are_the_same_corpus(folder, tmp_path, mode):
    archive = pack(tmp_path / f"eurlex57k.tar{'.gz' if mode == 'w:gz' else ''}", mode)
    assert corpus(archive, tmp_path).fingerprint == corpus(folder, tmp_path).fingerprint


def test_zstandard_archive_in_a_folder_is_found(folder, tmp_path):
    import pyarrow

    plain = pack(tmp_path / "plain.tar", "w").read_bytes()
    (tmp_path / "data" / "x").mkdir(parents=True)
    with pyarrow.output_stream(str(tmp_path / "data/x/eurlex57k_json.tar.zst"), compression="zstd") as stream:
        stream.write(plain)
    (tmp_path / "data" / "eurovoc.tsv").write_text(EUROVOC)
    ours = corpus(tmp_path / "data", tmp_path, taxonomy="domains").fingerprint
    assert ours == corpus(folder, tmp_path, taxonomy="domains").fingerprint


@pytest.mark.parametrize("ending", ["tar.gz", "tar.zst"])
def test_an_archive_that_is_cut_off_is_refused_or_still_whole(tmp_path, ending):
    import pyarrow

    archive = tmp_path / f"eurlex57k.{ending}"
    plain = pack(tmp_path / "plain.tar", "w").read_bytes()
    with pyarrow.output_stream(str(archive), compression="detect") as stream:
        stream.write(plain)
    expected, whole = corpus(archive, tmp_path).fingerprint, archive.read_bytes()
    refused = 0
    for size in range(0, len(whole), max(1, len(whole) // 60)):
        archive.write_bytes(whole[:size])
        try:
            assert corpus(archive, tmp_path).fingerprint == expected
        except DataError:
            refused += 1
    assert refused > 10


def test_what_is_missing_is_told(folder, tmp_path):
    with pytest.raises(DataError, match="does not hold EURLEX57K.json"):
        eurlex57k.read(pack(tmp_path / "eurlex57k.tar", "w", skip={"EURLEX57K.json"}))
    with pytest.raises(DataError, match="does not hold laws in train, dev and test"):
        eurlex57k.read(pack(tmp_path / "eurlex57k.tar", "w", skip={name for name, _ in files() if "/" in name}))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="neither a folder train nor an archive"):
        eurlex57k.read(tmp_path / "empty")
    (folder / "eurovoc_edges.tsv").unlink()
    with pytest.raises(DataError, match="upper levels of EuroVoc are needed .* Found: none"):
        eurlex57k.read(folder, taxonomy="domains")
    with pytest.raises(DataError, match="There is no file .*nope.tsv; taxonomy_file"):
        eurlex57k.read(folder, taxonomy="domains", taxonomy_file=str(tmp_path / "nope.tsv"))


def test_gold_concepts_outside_the_hierarchy_are_counted(folder):
    (folder / "eurovoc_edges.tsv").write_text("parent\tchild\nRoot\t1\n1\t3\nRoot\t9\n")
    with pytest.raises(DataError, match="2 gold concepts are not in the hierarchy, first '5'"):
        eurlex57k.read(folder, taxonomy="domains")


def test_mixed_editions_with_a_cycle_are_refused(folder):
    (folder / "eurovoc_edges.tsv").write_text(EUROVOC + "5\t2\n")
    with pytest.raises(DataError, match="cycle: .*(4 > 5|5 > 2|2 > 4)"):
        eurlex57k.read(folder, taxonomy="domains")


def test_the_real_mixture_of_editions_has_the_cycle_between_2773_and_3813():
    published = json.loads(shared("data/taxonomies/EURLEX57K.json").read_text("utf-8"))
    assert len(eurlex57k._published(published, "EURLEX57K.json")) == 7201
    table = shared("data/taxonomies/eurovoc_eurlex57k_full_dag.tsv").read_text("utf-8").splitlines()[1:]
    newer = [tuple(line.split("\t")) for line in table]
    older = [(parent, name) for name, entry in published.items() for parent in entry["parents"]]
    mixed = [edge for edge in newer + older if set(edge) == {"2773", "3813"}]
    assert sorted(mixed) == [("2773", "3813"), ("3813", "2773")]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "labels", "branches", "per_document", "num_shared"),
    [
        ({"taxonomy": "domains", "depth": 2, "max_words": 400}, 148, 21, 7.8044, 0),
        ({"taxonomy": "domains"}, 4662, 21, 19.9, 6),
        ({"taxonomy": "microthesauri"}, 4641, 127, None, 230),
        ({}, 4513, 518, 11.8424, 216),
    ],
)
def test_the_complete_corpus_has_its_published_shape(tmp_path, options, labels, branches, per_document, num_shared):
    shared("data/eurlex57k/eurlex57k_original_json.tar.zst")
    made = corpus(shared("data"), tmp_path, **options)
    counts = made.meta["counts"]
    assert counts["splits"] == {"train": 45_000, "val": 6_000, "test": 6_000}
    assert counts["labels"] == labels and len(counts["branches"]) == branches
    assert per_document is None or counts["labels_per_document"] == pytest.approx(per_document, abs=0.05)
    assert counts["documents_without_labels"] == 0
    assert int((np.bincount(np.concatenate(made.hierarchy.branches())) > 1).sum()) == num_shared
    settings = parse_options("eurlex57k", options).model_dump()
    said = preflight(made, settings, np.full(57_000, 9), "none")
    assert said[-1].endswith("checked, all equal.")
    if options == {"taxonomy": "domains"}:
        domains = made.labels(np.arange(57_000))[:, list(made.hierarchy.roots)].sum(axis=1)
        assert domains.mean() == pytest.approx(3.24, abs=5e-3) and (domains > 1).mean() == pytest.approx(0.98, abs=5e-3)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"celex_id": "c1", ', "not JSON"),
        (b'{"celex_id": "c1\xff"}', "not JSON"),
        (b"[]", "a JSON object is needed, not a list"),
        (b'{"celex_id": "c1", "concepts": []}', "this law lacks"),
        (json.dumps(law("c1", "9")).encode(), "and concepts a list of strings. Get it again"),
        (json.dumps(law("c1", [9])).encode(), "and concepts a list of strings. Get it again"),
        (json.dumps(law("c1", ["9"]) | {"header": None}).encode(), "parts of a law are strings"),
    ],
)
def test_a_broken_law_is_named(folder, tmp_path, content, message):
    (folder / "dev" / "c1.json").write_bytes(content)
    with pytest.raises(DataError, match=f"dev/c1.json: .*{message}"):
        eurlex57k.read(folder)
    with tarfile.open(tmp_path / "e.tar.gz", "w:gz") as tar:
        tar.add(folder, "dataset")
    with pytest.raises(DataError, match=f"e.tar.gz, dataset/dev/c1.json: .*{message}"):
        eurlex57k.read(tmp_path / "e.tar.gz")


@pytest.mark.parametrize(("content", "message"), [("{", "not JSON"), ('{"1": []}', "the concept '1' has no list")])
def test_a_broken_hierarchy_is_named(folder, content, message):
    (folder / "EURLEX57K.json").write_text(content)
    with pytest.raises(DataError, match=f"EURLEX57K.json: {message}"):
        eurlex57k.read(folder)


def test_a_table_in_the_current_folder_is_found_once(folder, tmp_path, monkeypatch):
    expected = corpus(folder, tmp_path, taxonomy="domains").fingerprint
    monkeypatch.chdir(folder)
    assert corpus(Path("."), tmp_path, taxonomy="domains").fingerprint == expected
    # Beside a link means beside the link.
    (folder / "eurovoc_edges.tsv").rename(tmp_path / "eurovoc.tsv")
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "laws").symlink_to(folder)
    (tmp_path / "links" / "eurovoc.tsv").symlink_to(tmp_path / "eurovoc.tsv")
    assert corpus(tmp_path / "links" / "laws", tmp_path, taxonomy="domains").fingerprint == expected
