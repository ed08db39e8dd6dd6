"""JSON lines of users: spellings of records, splits, taxonomies, and refusals with their place."""

import json
from collections import Counter

import numpy as np
import pytest

from datasets.corpora import jsonl
from datasets.formats.textfiles import read_taxonomy
from datasets.storage.corpus import write
from harness.core.errors import DataError
from tests.datasets.reading import read
from tests.shared import shared

TAXONOMY = "Root\tMedia, Entertainment and Publishing\tMathematics (Root)\nMathematics (Root)\tAlgebra\n"


def folder(tmp_path, taxonomy=TAXONOMY, **files):
    """Writes files whose names are given with `_` for `.`, as lists of objects or raw bytes."""
    (tmp_path / "taxonomy.tsv").write_text(taxonomy, "utf-8")
    for name, content in files.items():
        content = content if isinstance(content, bytes) else b"".join(json.dumps(o).encode() + b"\n" for o in content)
        (tmp_path / name.replace("_", ".")).write_bytes(content)
    return tmp_path


def single(tmp_path, *records, **more):
    return list(jsonl.read(folder(tmp_path, documents_jsonl=list(records), **more)).documents)


ONE = {"text": "t", "labels": ["Algebra"]}


def test_all_spellings_of_a_record_mean_the_same(tmp_path):
    documents = single(
        tmp_path,
        {"id": 7, "text": "two words", "labels": ["Algebra"], "split": "train"},
        {"token": ["two", "words"], "label": "Algebra", "split": "dev"},
        {"doc_token": "two words", "doc_label": ["Algebra"], "doc_topic": [], "split": "test"},
    )
    assert [document.doc_id for document in documents] == ["7", "documents-1", "documents-2"]
    assert {(document.text, document.labels) for document in documents} == {("two words", ("Algebra",))}
    assert [document.split for document in documents] == ["train", "val", "test"]


def test_labels_are_never_split_on_commas(tmp_path):
    (document,) = single(tmp_path, {"text": "t", "label": "Media, Entertainment and Publishing", "split": "train"})
    assert document.labels == ("Media, Entertainment and Publishing",)


def test_a_label_named_root_in_brackets_is_a_label(tmp_path):
    source = jsonl.read(folder(tmp_path, train_jsonl=[ONE], val_jsonl=[ONE], test_jsonl=[ONE]))
    corpus = write(source, tmp_path / "out", name="jsonl", options={})
    assert corpus.hierarchy.labels[1] == "Mathematics (Root)" and 1 in corpus.hierarchy.roots
    assert corpus.labels(corpus.rows("test")).toarray().tolist() == [[False, True, True]]
    assert corpus.meta["counts"]["documents_not_closed"] == 3


def test_documents_without_labels_are_kept(tmp_path):
    none = {"text": "t", "labels": []}
    source = jsonl.read(folder(tmp_path, train_jsonl=[ONE, none], valid_json=[ONE], test_jsonl=[none]))
    corpus = write(source, tmp_path / "out", name="jsonl", options={})
    assert corpus.meta["counts"]["documents_without_labels"] == 2
    assert corpus.labels(corpus.rows("test")).nnz == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"text": "ok", "labels": []}\n{"text": "gr\xf6n", "labels": []}\n', "line 2, byte 41: not UTF-8 .byte 0xf6"),
        (b'\xff\xfe{\x00"\x00', "line 1, byte 0: not UTF-8"),
        (b'{"text": "ok", "labels": []}\n\n{"text": "t", "labels"}\n', "line 3: not JSON .*column 23"),
        (b'{"text": "ok", "labels": []}\n[1]\n', "line 2: a JSON object is needed, not a list"),
        (b'{"body": "t", "labels": []}\n', "line 1: one of text, token, doc_token is needed; the object has body"),
        (b'{"text": "t", "token": ["t"], "labels": []}\n', "one of text, token, doc_token is needed"),
        (b'{"text": "t", "labels": [3]}\n', "line 1: labels has to be a string or a list of strings"),
    ],
)
def test_broken_lines_are_refused_with_their_place(tmp_path, content, message):
    source = folder(tmp_path, train_jsonl=content, val_jsonl=[ONE], test_jsonl=[ONE])
    with pytest.raises(DataError, match=f"train.jsonl, {message}" if message.startswith("line") else message):
        list(jsonl.read(source).documents)


@pytest.mark.parametrize("content", [b'[{"text": "t", "labels": []}]', b"\xef\xbb\xbf\n [\n{}]"])
def test_a_json_array_is_called_so_and_its_reader_is_named(tmp_path, content):
    source = folder(tmp_path, train_jsonl=[ONE], val_jsonl=[ONE], test_json=content)
    told = "test.json is a JSON array, one list of all objects; .*prepare table --source .* --look`"
    with pytest.raises(DataError, match=told):
        list(jsonl.read(source).documents)


def test_a_taxonomy_that_is_not_utf8_is_refused(tmp_path):
    source = folder(tmp_path, documents_jsonl=[ONE])
    (source / "taxonomy.tsv").write_bytes(b"Root\ta\na\t\xd6l\n")
    with pytest.raises(DataError, match="taxonomy.tsv, line 2, byte 9: not UTF-8"):
        jsonl.read(source)


def test_a_cyclic_taxonomy_is_refused(tmp_path):
    with pytest.raises(DataError, match="taxonomy.tsv: The hierarchy has a cycle: (a > b > a|b > a > b)"):
        jsonl.read(folder(tmp_path, taxonomy="Root\ta\na\tb\nb\ta\n", documents_jsonl=[ONE]))


def test_missing_and_doubled_files_are_named(tmp_path):
    with pytest.raises(DataError, match="has to hold one taxonomy.tsv, taxonomy.json or .*found: none"):
        jsonl.read(tmp_path)
    source = folder(tmp_path, train_jsonl=[ONE], dev_jsonl=[ONE])
    with pytest.raises(DataError, match="has no test.jsonl, and no documents.jsonl"):
        list(jsonl.read(source).documents)
    with pytest.raises(DataError, match="dev.jsonl and val.jsonl in .* are both val files"):
        list(jsonl.read(folder(tmp_path, val_jsonl=[ONE])).documents)
    with pytest.raises(DataError, match="split is 'trian'"):
        single(tmp_path, {**ONE, "split": "trian"})


FORMS = {
    "taxonomy.tsv": "Root\ta\tb\na\tx, y\nb\tx, y\n",
    "my.taxonomy": "parent\tchild\nRoot\ta\nRoot\tb\na\tx, y\nb\tx, y\n",
    "other.taxonomy": "parent\tchild\na\tx, y\nb\tx, y\n",
    "taxonomy.json": json.dumps([["Root", "a"], ["Root", "b"], ["a", "x, y"], ["b", "x, y"]]),
}


def test_all_forms_of_a_taxonomy_mean_the_same(tmp_path):
    documents = [{**ONE, "labels": ["x, y"], "split": split} for split in ("train", "val", "test")]
    fingerprints = set()
    for number, (name, text) in enumerate([*FORMS.items(), ("taxonomy.json", '[["a", "x, y"],\n["b", "x, y"]]')]):
        source = tmp_path / str(number)
        source.mkdir()
        folder(source, documents_jsonl=documents)
        (source / "taxonomy.tsv").unlink()
        (source / name).write_text(text)
        corpus = write(jsonl.read(source), tmp_path / "out", name="jsonl", options={})
        fingerprints.add(corpus.fingerprint)
        assert corpus.labels(corpus.rows("test")).toarray().tolist() == [[True, True, True]]
    assert len(fingerprints) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[["a", "b"],\n["a"]]', 'taxonomy.json, edge 2: .* is not ."parent", "child"'),
        ('[["a", "b"],\n', "taxonomy.json, line 1: not JSON"),
        ("{}", "taxonomy.json, edge 1: {} is not"),
        ('[["a", "b"], ["b", "a"]]', "taxonomy.json: The hierarchy has a cycle"),
    ],
)
def test_broken_edge_lists_are_refused(tmp_path, text, message):
    source = folder(tmp_path, documents_jsonl=[ONE])
    (source / "taxonomy.tsv").unlink()
    (source / "taxonomy.json").write_text(text)
    with pytest.raises(DataError, match=message):
        jsonl.read(source)


def splits_of(source, **options):
    return {document.doc_id: document.split for document in jsonl.read(source, **options).documents}


def test_splits_are_drawn_with_a_seed(tmp_path):
    source = folder(tmp_path, documents_jsonl=[ONE] * 50)
    drawn = splits_of(source, val_share=0.1, test_share=0.2)
    assert Counter(drawn.values()) == {"train": 35, "val": 5, "test": 10}
    order = np.random.RandomState(0).permutation(50).tolist()
    assert [drawn[f"documents-{number}"] for number in order] == ["test"] * 10 + ["val"] * 5 + ["train"] * 35
    assert splits_of(source, val_share=0.1, test_share=0.2) == drawn
    assert splits_of(source, val_share=0.1, test_share=0.2, seed=1) != drawn
    with pytest.raises(DataError, match="leave nothing to train on"):
        splits_of(source, val_share=0.5, test_share=0.5)


def test_a_missing_file_is_drawn_from_the_training_documents(tmp_path):
    source = folder(tmp_path, train_jsonl=[ONE] * 20, test_jsonl=[ONE] * 3)
    drawn = splits_of(source, val_share=0.25)
    assert Counter(drawn.values()) == {"train": 15, "val": 5, "test": 3}
    assert {split for name, split in drawn.items() if name.startswith("test-")} == {"test"}
    with pytest.raises(DataError, match="has a file for test; leave its share out, or the file"):
        splits_of(source, val_share=0.25, test_share=0.1)


def test_a_field_of_any_name_says_the_split(tmp_path):
    rows = [{**ONE, "fold": name} for name in ("train", "validation", "test")]
    source = folder(tmp_path, documents_jsonl=rows)
    assert list(splits_of(source, split_field="fold").values()) == ["train", "val", "test"]
    with pytest.raises(DataError, match="line 1: split is None; it has to be train, val or test"):
        splits_of(source)


def test_small_branches_can_be_pooled(tmp_path):
    source = folder(tmp_path, "Root\ta\tb\tc\na\ta1\ta2\n", documents_jsonl=[ONE])
    assert [len(branch) for branch in read("jsonl", source, min_branch=2).hierarchy.branches()] == [3, 2]


def test_files_of_the_literature_are_read_as_they_are(tmp_path):
    for name in ("wos_train.json", "wos_val.json", "wos_test.json"):
        (tmp_path / name).symlink_to(shared(f"data/wos/golden1k/{name}"))
    (tmp_path / "wos.taxonomy").symlink_to(shared("data/taxonomies/wos.taxonomy"))
    corpus = write(jsonl.read(tmp_path), tmp_path / "out", name="jsonl", options={})
    assert corpus.meta["counts"]["splits"] == {"train": 640, "val": 160, "test": 200}
    assert corpus.meta["counts"]["documents_not_closed"] == 0
    first = json.loads((tmp_path / "wos_train.json").read_text("utf-8").split("\n")[0])
    assert next(corpus.texts(corpus.rows("train"))) == first["doc_token"]


def test_an_official_split_is_never_drawn_over(tmp_path):
    rows = [{**ONE, "split": name} for name in ("train", "dev", "test")] * 5
    source = folder(tmp_path, documents_jsonl=rows)
    with pytest.raises(DataError, match="which documents are val and test; leave val_share and test_share out"):
        splits_of(source, val_share=0.2, test_share=0.2)
    # Where documents lack it, or it says something else, nothing official is lost.
    assert len(splits_of(folder(tmp_path, documents_jsonl=[*rows, ONE]), val_share=0.2, test_share=0.2)) == 16
    assert len(splits_of(source, split_field="fold", val_share=0.2, test_share=0.2)) == 16


@pytest.mark.parametrize("value", [["train"], {"train": 1}, 3, True])
def test_a_split_that_is_no_word_is_refused(tmp_path, value):
    with pytest.raises(DataError, match="line 1: split is .*; it has to be train, val or test"):
        single(tmp_path, {**ONE, "split": value})


def test_hwv_is_read_in_its_layout(tmp_path):
    """Wikipedia's vital articles: the text is a list of one element, and labels are one closed path each."""
    (tmp_path / "hwv.taxonomy").symlink_to(shared("data/taxonomies/hwv.taxonomy"))
    tree = read_taxonomy(tmp_path / "hwv.taxonomy")
    paths = [[tree.labels[label] for label in tree.close([leaf])] for leaf in range(len(tree))]
    for place, split in enumerate(("train", "val", "test")):
        rows = [
            {"token": [f"One text, of {path[-1]}. It has sentences."], "label": path, "doc_topic": []}
            for path in paths[place::3]
        ]
        (tmp_path / f"hwv_{split}.json").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    corpus = write(jsonl.read(tmp_path), tmp_path / "out", name="jsonl", options={})
    hierarchy, rows = corpus.hierarchy, np.arange(1_186)
    assert len(hierarchy) == corpus.num_documents == 1_186 and len(hierarchy.branches()) == 11
    assert corpus.meta["counts"]["documents_not_closed"] == 0
    roots = corpus.labels(rows)[:, list(hierarchy.roots)].sum(axis=1)
    assert roots.tolist() == [1] * 1_186
    assert next(corpus.texts(rows)) == f"One text, of {paths[0][-1]}. It has sentences."
    mathematics = hierarchy.index["Mathematics (Root)"]
    assert mathematics in hierarchy.roots and "Mathematics" not in hierarchy.index
    inside = int(corpus.labels(rows)[:, [mathematics]].sum())
    sizes = corpus.meta["counts"]["branches"]["Mathematics (Root)"]
    assert inside == sizes["labels"] == sizes["train"] + sizes["val"] + sizes["test"] > 1


def test_a_gold_path_of_one_parent_is_closed_over_the_others(tmp_path):
    """As in corpora that list one parent only of a label that has two."""
    rows = [{**ONE, "labels": ["a", "x, y"], "split": split} for split in ("train", "val", "test")]
    source = folder(tmp_path, FORMS["taxonomy.tsv"], documents_jsonl=rows)
    corpus = write(jsonl.read(source), tmp_path / "out", name="jsonl", options={})
    assert corpus.labels(corpus.rows("test")).toarray().all() and corpus.meta["counts"]["documents_not_closed"] == 3


def test_validation_is_drawn_from_the_training_documents_of_an_official_split(tmp_path):
    source = folder(tmp_path, documents_jsonl=[{**ONE, "split": "test" if n % 3 == 0 else "train"} for n in range(30)])
    drawn = splits_of(source, val_share=0.25)
    assert {name for name, split in drawn.items() if split == "test"} == {f"documents-{n}" for n in range(0, 30, 3)}
    training = [name for name, split in drawn.items() if split != "test"]
    places = np.random.RandomState(0).permutation(20)[:5].tolist()
    assert {name for name, split in drawn.items() if split == "val"} == {training[place] for place in places}
    with pytest.raises(DataError, match="which documents are test; leave test_share out, or that field"):
        splits_of(source, val_share=0.2, test_share=0.2)
