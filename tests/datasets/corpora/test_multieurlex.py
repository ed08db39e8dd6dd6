"""MultiEURLEX: languages, levels, exports, packings, and damage."""

import json
import tarfile
import zipfile

import numpy as np
import pytest

from datasets.corpora import multieurlex
from datasets.formats.eurovoc import read_eurovoc
from datasets.storage.corpus import write
from harness.core.errors import DataError
from tests.datasets.reading import read
from tests.shared import shared

EUROVOC = "parent\tchild\nRoot\td1\nRoot\td2\nRoot\td3\nd1\tm1\nd2\tm2\nd3\tm3\nm1\t1\nm2\t2\n1\t3\n2\t3\nm3\t9\n"


def law(celex, concepts, **texts):
    levels = {"level_1": ["d1"], "level_2": ["m1"], "level_3": ["1"], "original": concepts}
    return {
        "celex_id": celex,
        "publication_date": "2010-01-01",
        "text": {"de": None} | texts,
        "eurovoc_concepts": levels,
    }


LAWS = {
    "train": [law("a", ["3"], en="one two three", de="eins zwei"), law("b", ["9", "1"], en="only english")],
    "dev": [law("c", ["2"], en="three", de="drei")],
    "test": [law("d", ["3", "9"], en="four", de="vier", fr=" ")],
}


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "m"
    folder.mkdir()
    for part, laws in LAWS.items():
        (folder / f"{part}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in laws))
    (folder / "eurovoc.tsv").write_text(EUROVOC)
    return folder


def made(folder, tmp_path, **options):
    return write(read("multieurlex", folder, **options), tmp_path / "out", name="multieurlex", options={})


def labels_of(corpus, row):
    return {corpus.hierarchy.labels[label] for label in corpus.labels(np.array([row])).indices}


def test_one_language_is_a_document_a_law(folder, tmp_path):
    corpus = made(folder, tmp_path)
    assert corpus.doc_ids(np.arange(4)) == ["a", "b", "c", "d"]
    assert corpus.meta["counts"]["splits"] == {"train": 2, "val": 1, "test": 1}
    # Closed over both parents of 3, up to both domains.
    assert labels_of(corpus, 0) == {"3", "1", "2", "m1", "m2", "d1", "d2"}
    assert len(corpus.hierarchy.roots) == 3
    assert next(made(folder, tmp_path, max_words=2).texts(np.array([0]))) == "one two"


def test_languages_are_documents_and_missing_texts_are_counted(folder, tmp_path):
    corpus = made(folder, tmp_path, languages="en,de")
    assert corpus.doc_ids(np.arange(7)) == ["a-en", "a-de", "b-en", "c-en", "c-de", "d-en", "d-de"]
    assert "Laws without a text: de 1." in corpus.notes
    transfer = made(folder, tmp_path, languages="en", test_languages="de")
    assert transfer.doc_ids(np.arange(4)) == ["a-en", "b-en", "c-de", "d-de"]
    assert list(transfer.texts(transfer.rows("test"))) == ["vier"]
    with pytest.raises(DataError, match="split without documents"):
        made(folder, tmp_path, languages="fr")


@pytest.mark.parametrize(
    ("level", "labels"), [("level_1", {"d1"}), ("level_2", {"d1", "m1"}), ("level_3", {"d1", "m1", "1"})]
)
def test_levels_are_those_of_the_files_closed_upwards(folder, tmp_path, level, labels):
    corpus = made(folder, tmp_path, level=level)
    assert labels_of(corpus, 0) == labels == set(corpus.hierarchy.labels)


def test_microthesauri_and_a_floor(folder, tmp_path):
    corpus = made(folder, tmp_path, taxonomy="microthesauri", min_branch=3)
    assert [corpus.hierarchy.labels[root] for root in corpus.hierarchy.roots] == ["m1", "m2", "m3"]
    # m1 and m2 hold three labels each, m3 two; alone it is not pooled.
    assert [len(branch) for branch in corpus.hierarchy.branches()] == [3, 3, 2]
    pooled = made(folder, tmp_path, taxonomy="microthesauri", min_branch=4)
    assert [len(branch) for branch in pooled.hierarchy.branches()] == [7]


def test_zip_and_folder_are_the_same_corpus(folder, tmp_path):
    with zipfile.ZipFile(tmp_path / "multi_eurlex.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for part in LAWS:
            archive.write(folder / f"{part}.jsonl", f"data/{part}.jsonl")
    table = {"taxonomy_file": str(folder / "eurovoc.tsv")}
    expected = made(folder, tmp_path).fingerprint
    assert made(tmp_path / "multi_eurlex.zip", tmp_path, **table).fingerprint == expected
    whole = (tmp_path / "multi_eurlex.zip").read_bytes()
    (tmp_path / "multi_eurlex.zip").write_bytes(whole[:-40])
    with pytest.raises(DataError, match="multi_eurlex.zip cannot be read to its end"):
        made(tmp_path / "multi_eurlex.zip", tmp_path, **table)


def tarred(folder, path):
    with tarfile.open(path, "w:gz") as archive:
        for part in ("test", "train", "dev"):
            archive.add(folder / f"{part}.jsonl", f"./multi_eurlex/{part}.jsonl")
    return path


def test_the_archive_of_the_authors_is_read_in_place(folder, tmp_path):
    expected = made(folder, tmp_path).fingerprint
    path, table = tarred(folder, tmp_path / "multi_eurlex.tar.gz"), {"taxonomy_file": str(folder / "eurovoc.tsv")}
    assert made(path, tmp_path, **table).fingerprint == expected
    # In a folder with the table beside it, and another corpus's archive.
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "eurlex57k.tar.gz").write_bytes(b"")
    (folder / "eurovoc.tsv").rename(tmp_path / "x" / "eurovoc.tsv")
    path = path.rename(tmp_path / "x" / path.name)
    assert made(tmp_path / "x", tmp_path).fingerprint == expected
    whole, table = path.read_bytes(), {"taxonomy_file": str(tmp_path / "x" / "eurovoc.tsv")}
    for size in range(20, len(whole), 40):
        path.write_bytes(whole[:size])
        with pytest.raises(DataError, match="multi_eurlex.tar.gz (cannot be read to its end|is neither a folder nor)"):
            made(path, tmp_path, **table)
    for place in range(10, len(whole), 9):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x20]) + whole[place + 1 :])
        try:
            assert made(path, tmp_path, **table).fingerprint == expected
        except DataError as error:
            assert "multi_eurlex.tar.gz" in str(error)


def exported(folder, labels):
    """Writes the laws as the library that distributes them exports them: labels of one level."""
    for part, laws in LAWS.items():
        rows = [{"celex_id": one["celex_id"], "text": one["text"], "labels": labels(one)} for one in laws]
        (folder / f"{part}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_an_export_with_numbers_or_names_as_labels_is_the_same_corpus(folder, tmp_path):
    expected = made(folder, tmp_path).fingerprint
    exported(folder, lambda one: one["eurovoc_concepts"]["original"])
    assert made(folder, tmp_path).fingerprint == expected
    order = ["9", "3", "2", "1"]
    exported(folder, lambda one: [order.index(concept) for concept in one["eurovoc_concepts"]["original"]])
    with pytest.raises(DataError, match="has numbers as labels; put eurovoc_concepts.json of MultiEURLEX"):
        made(folder, tmp_path)
    (tmp_path / "multieurlex_eurovoc_concepts.json").write_text(json.dumps({"original": order, "level_1": []}))
    assert made(folder, tmp_path).fingerprint == expected
    with pytest.raises(DataError, match="train.jsonl, line 1: labels .1. are not numbers of level_1's concepts"):
        made(folder, tmp_path, level="level_1")
    with pytest.raises(DataError, match="eurovoc_concepts.json has no list of the concepts of level_2"):
        made(folder, tmp_path, level="level_2")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "dev.jsonl, line 1: not JSON"),
        ('{"celex_id": "c", "text": "flat"}', "dev.jsonl, line 1: an object with celex_id, text by language"),
        (
            json.dumps(law("c", ["3"]) | {"eurovoc_concepts": {"level_1": []}}),
            "line 1: eurovoc_concepts has no original",
        ),
        (json.dumps(law("c", ["77"], en="t")), "1 gold concepts are not in the hierarchy, first '77'"),
    ],
)
def test_broken_lines_are_named(folder, tmp_path, content, message):
    (folder / "dev.jsonl").write_text(content)
    with pytest.raises(DataError, match=message):
        made(folder, tmp_path)


def test_what_is_missing_is_named(folder, tmp_path):
    with pytest.raises(DataError, match="languages='en,xx' has to name some of bg, cs"):
        multieurlex.read(folder, languages="en,xx")
    (folder / "test.jsonl").unlink()
    with pytest.raises(DataError, match="holds no test.jsonl"):
        multieurlex.read(folder)


def test_the_published_levels_are_those_of_eurovoc():
    levels = json.loads(shared("data/taxonomies/multieurlex_eurovoc_concepts.json").read_text("utf-8"))
    sizes = [21, 127, 567, 3_861, 2_284, 481, 43, 6]
    assert [len(levels[f"level_{depth}"]) for depth in range(1, 9)] == sizes and len(levels["original"]) == 7_390
    assert sum(sizes) == 7_390
    older = json.loads(shared("data/taxonomies/EURLEX57K.json").read_text("utf-8"))
    assert len(set(levels["original"]) - set(older)) == 190
    full = read_eurovoc(shared("data/taxonomies/eurovoc_eurlex57k_full_dag.tsv"), "domains")
    for depth in (1, 2):
        assert {full.labels[label] for label in np.flatnonzero(full.levels == depth)} == set(levels[f"level_{depth}"])
    below = read_eurovoc(shared("data/taxonomies/eurovoc_eurlex57k_full_dag.tsv"), "microthesauri")
    assert {below.labels[root] for root in below.roots} == set(levels["level_2"])


def test_no_flipped_byte_of_a_zip_gives_other_documents_or_a_traceback(folder, tmp_path):
    path, table = tmp_path / "multi_eurlex.zip", str(folder / "eurovoc.tsv")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in LAWS:
            archive.write(folder / f"{part}.jsonl", f"{part}.jsonl")
    expected, whole = made(path, tmp_path, taxonomy_file=table).fingerprint, path.read_bytes()
    refused = 0
    for place in range(0, len(whole), 5):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x41]) + whole[place + 1 :])
        try:
            assert made(path, tmp_path, taxonomy_file=table).fingerprint == expected
        except DataError:
            refused += 1
    assert refused > 100


def test_files_that_are_cut_off_at_a_line_are_noted(folder, tmp_path):
    noted = "laws (train / dev / test) instead of 55,000 / 5,000 / 5,000."
    assert f"The source has 2 / 1 / 1 {noted}" in made(folder, tmp_path).notes
    lines = (folder / "train.jsonl").read_text().splitlines(keepends=True)
    (folder / "train.jsonl").write_text(lines[0])
    assert f"The source has 1 / 1 / 1 {noted}" in made(folder, tmp_path).notes


def test_domains_have_no_place_below_the_microthesauri(folder):
    with pytest.raises(DataError, match="labels of level_1 are the domains, which taxonomy=microthesauri leaves out"):
        multieurlex.read(folder, level="level_1", taxonomy="microthesauri")
