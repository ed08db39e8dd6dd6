"""Tables of users: splits, ids, texts, files, and real corpora."""

import json
from collections import Counter

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from datasets.prepare import prepare
from datasets.storage.corpus import write
from harness.core.errors import DataError
from tests.datasets.corpora.table_files import LEVELS, frame, labels_of, put
from tests.datasets.reading import read
from tests.shared import shared


def documents_of(source, **options):
    return list(read("table", source, **options).documents)


def test_level_columns_of_three_split_files(tmp_path):
    for place, part in enumerate(("train", "val", "test")):
        put(tmp_path / f"DBPEDIA_{part}.csv", frame(4, 4 * place))
    put(tmp_path / "DBP_wiki_data.csv", frame(12))
    found, corpus = labels_of(tmp_path)
    assert [document.split for document in read("table", tmp_path).documents] == ["train"] * 4 + ["val"] * 4 + [
        "test"
    ] * 4
    qualified = [{"Agent", "Artist", "Painter"}, {"Agent", "Artist", "Agent/Artist/Other"}]
    qualified += [{"Place", "River", "Place/River/Other"}, {"Place", "Lake"}]
    assert found == qualified * 3
    assert "Not read: DBP_wiki_data.csv." in corpus.notes
    assert (
        "Text: text. Labels: l1, l2, l3 (levels from the top down). The columns of text and labels are guessed; "
        in (" ".join(corpus.notes))
    )


def test_parts_of_parquet_splits_are_joined(tmp_path):
    for name, rows in {"train-00000-of-00002": 3, "train-00001-of-00002": 2, "validation-00000-of-00001": 1}.items():
        put(tmp_path / "data" / f"{name}.parquet", frame(rows))
    put(tmp_path / "data" / "test-00000-of-00001.parquet", frame(2))
    assert [document.split for document in documents_of(tmp_path)] == ["train"] * 5 + ["val"] + ["test"] * 2
    assert Counter(document.doc_id for document in documents_of(tmp_path)).most_common(1)[0][1] == 1


@pytest.mark.parametrize("parts", [("train", "test"), ("train", "val"), ("train",), ()])
def test_a_split_that_is_missing_is_drawn_from_the_training_documents(tmp_path, parts):
    if parts:
        for part in parts:
            put(tmp_path / f"{part}.csv", frame(40))
    else:
        put(tmp_path / "all.csv", frame(40))
    corpus = read("table", tmp_path, val_share=0.25, test_share=0.1, seed=3)
    found = [document.split for document in corpus.documents]
    shares = {"val": 0.0 if "val" in parts else 0.25, "test": 0.0 if "test" in parts else 0.1}
    order = np.random.RandomState(3).permutation(40).tolist()
    num_test, num_val = round(40 * shares["test"]), round(40 * shares["val"])
    drawn = ["train"] * 40
    for rank, row in enumerate(order[: num_test + num_val]):
        drawn[row] = "test" if rank < num_test else "val"
    assert found == drawn + [part for part in parts if part != "train" for _ in range(40)]
    told = [
        f"validation {shares['val']:.0%}" if shares["val"] else "",
        f"test {shares['test']:.0%}" if shares["test"] else "",
    ]
    assert any(
        " and ".join(filter(None, told)) + " of the training documents, drawn with seed 3" in one
        for one in corpus.notes
    )


def test_splits_by_a_column(tmp_path):
    parts = ["train", "Validation", "test", "dev", "TEST"]
    source = put(tmp_path / "a.csv", frame(5).assign(split=parts, fold=[*parts[:4], "other"]))
    wanted = ["train", "val", "test", "val", "test"]
    assert [document.split for document in documents_of(source)] == wanted
    with pytest.raises(
        DataError, match="a.csv, row 5: fold is 'other', and has to be train, val or test. .*split=none"
    ):
        read("table", source, split="fold")
    assert {document.split for document in documents_of(source, split="none", val_share=0.4, test_share=0.4)} == set(
        wanted
    )


def test_a_split_column_is_not_guessed_where_it_says_something_else(tmp_path):
    source = put(tmp_path / "a.csv", frame(20).assign(set=["a", "b"] * 10))
    assert "Columns not used: set." in read("table", source).notes
    source = put(tmp_path / "a.json", [{"text": "t", "l": "A", "split": {"of": 1}}] * 9)
    assert "Columns not used: split." in read("table", source, labels="l").notes


def test_a_column_with_some_splits_is_never_replaced_by_a_draw(tmp_path):
    parts = [" Train", "DEV ", "test", "train"]
    source = put(tmp_path / "a.csv", frame(4).assign(split=parts))
    assert [document.split for document in documents_of(source)] == ["train", "val", "test", "train"]
    for other in ("unsupervised", ""):
        put(source, frame(4).assign(split=[*parts[:3], other]))
        with pytest.raises(DataError, match=f"row 4: split is '{other}', and has to be train, val or test"):
            read("table", source)


def test_ids_are_those_of_a_column_that_tells_rows_apart(tmp_path):
    source = put(tmp_path / "a.csv", frame(4).assign(id=[7, 8, 9, 7], other=[1, 2, 3, 4]))
    assert [document.doc_id for document in documents_of(source)] == ["row-1", "row-2", "row-3", "row-4"]
    assert "The column id does not tell the rows apart, so they are numbered." in read("table", source).notes
    assert [document.doc_id for document in documents_of(source, doc_id="other")] == ["1", "2", "3", "4"]
    with pytest.raises(
        DataError, match="row 4: the id '7' in id occurred before. `--set doc_id=none` numbers the rows"
    ):
        read("table", source, doc_id="id")
    # Objects, as exports of databases have them.
    exported = put(tmp_path / "b.json", [{"_id": {"$oid": str(row)}, "text": "t", "label": "A"} for row in range(4)])
    assert documents_of(exported)[0].doc_id == "row-1"
    with pytest.raises(DataError, match="b.json, row 1: _id is dict .*`--set doc_id=none` numbers the rows"):
        read("table", exported, doc_id="_id")
    exported.unlink()
    # Numbered anew in every split, as exports are.
    for part in ("train", "test"):
        put(tmp_path / part / f"{part}.csv", frame(4).assign(id=range(4)))
    (tmp_path / "a.csv").unlink()
    assert len({document.doc_id for document in documents_of(tmp_path)}) == 8


def test_rows_without_a_text_are_left_out_and_counted(tmp_path):
    table = frame(20)
    table.loc[[2, 5], "text"] = [None, "  "]
    corpus = read("table", put(tmp_path / "a.csv", table))
    assert [document.doc_id for document in corpus.documents][:4] == ["row-1", "row-2", "row-4", "row-5"]
    assert "Rows without a text, which are left out: 2, the first is row 3." in corpus.notes


def test_rows_without_labels_are_kept(tmp_path):
    table = frame(20)
    table.loc[3, ["l1", "l2", "l3"]] = None
    found, _ = labels_of(put(tmp_path / "a.csv", table))
    assert found[3] == set() and len(found) == 20


def test_text_columns_are_joined_and_words_make_a_text(tmp_path):
    rows = [{"title": f"t{n}", "body": ["two", "words"], "label": "ab"[n % 2]} for n in range(10)]
    source = put(tmp_path / "a.json", rows)
    assert documents_of(source)[0].text == "two words"
    assert documents_of(source, text="title, body")[0].text == "t0\ntwo words"
    with pytest.raises(DataError, match="a.json has no column 'titel'. Did you mean 'title'"):
        read("table", source, text="titel")
    put(tmp_path / "a.json", [{**rows[0], "body": {"en": "x"}}])
    with pytest.raises(DataError, match="a.json, row 1: the text is dict .*Name a column of strings"):
        read("table", source)


def test_files_that_are_read_are_named_with_their_hash(tmp_path):
    source = put(tmp_path / "a.csv", frame())
    (note,) = [note for note in read("table", source).notes if note.startswith("Read from")]
    put(tmp_path / "a.csv", frame(21))
    assert note.startswith("Read from a.csv (") and note not in read("table", source).notes


def test_another_title_is_another_corpus(tmp_path):
    source = put(tmp_path / "a.csv", frame())
    one, two = (prepare("table", source, {"title": title}, tmp_path / "data") for title in ("one", "two"))
    assert one.folder.name == "table,title=one" and one.fingerprint == two.fingerprint and one.folder != two.folder


def test_which_file_is_meant_has_to_be_clear(tmp_path):
    with pytest.raises(
        DataError, match="has to hold one table, or tables with train, val or test in their names; found: none"
    ):
        read("table", tmp_path)
    for name in ("a.csv", "b.csv"):
        put(tmp_path / name, frame())
    with pytest.raises(DataError, match="found: a.csv, b.csv. Name one file with --source"):
        read("table", tmp_path)
    assert len(documents_of(tmp_path / "b.csv")) == 20
    put(tmp_path / "train.csv", frame())
    put(tmp_path / "test.csv", pd.DataFrame({"text": ["a"], "note": ["b"]}))
    with pytest.raises(DataError, match="test.csv has no column 'l1', only text, note; train.csv has it. Files of all"):
        read("table", tmp_path)
    with pytest.raises(DataError, match="val_share 0.5 and test_share 0.5 leave nothing to train on"):
        read("table", tmp_path / "a.csv", val_share=0.5, test_share=0.5)


def test_a_hierarchy_in_the_folder_is_found_and_another_one_is_named(tmp_path):
    put(tmp_path / "docs.json", [{"text": f"t{n}", "labels": ["x" if n % 2 else "y"]} for n in range(20)])
    put(tmp_path / "taxonomy.tsv", "parent\tchild\nA\tx\nA\ty\n")
    assert labels_of(tmp_path)[0][:2] == [{"A", "y"}, {"A", "x"}]
    put(tmp_path / "other.json", {"B": {"x": {}, "C": ["y"]}})
    assert labels_of(tmp_path, hierarchy="other.json")[0][:2] == [{"B", "C", "y"}, {"B", "x"}]
    # Beside a single file it is not taken unasked.
    assert labels_of(tmp_path / "docs.json")[0][:2] == [{"y"}, {"x"}]
    assert labels_of(tmp_path / "docs.json", hierarchy=str(tmp_path / "taxonomy.tsv"))[0][0] == {"A", "y"}
    with pytest.raises(
        DataError, match="There is no file tax.tsv, neither in .* nor here; hierarchy names such a file"
    ):
        read("table", tmp_path, hierarchy="tax.tsv")
    (tmp_path / "other.json").rename(tmp_path / "hierarchy.json")
    with pytest.raises(DataError, match="holds several hierarchies: hierarchy.json, taxonomy.tsv. Name one with"):
        read("table", tmp_path)


def test_the_order_of_rows_does_not_change_the_hierarchy(tmp_path):
    one = read("table", put(tmp_path / "a.csv", frame())).hierarchy
    assert read("table", put(tmp_path / "b.csv", frame()[::-1])).hierarchy == one


@pytest.mark.parametrize("name", ["clinc150", "trec_qc"])
def test_public_corpora_need_no_script(tmp_path, name):
    source = shared(f"data/{name.partition('_')[0]}/{name}.parquet")
    taxonomy = str(shared(f"data/taxonomies/{name}.tsv"))
    guessed = write(read("table", source), tmp_path / "one", name="table", options={})
    named = write(read("table", source, hierarchy=taxonomy), tmp_path / "two", name="table", options={})
    sizes, shape = {
        "clinc150": ({"train": 15_000, "val": 3_000, "test": 4_500}, [10, 150]),
        "trec_qc": ({"train": 4_907, "val": 545, "test": 500}, [6, 50]),
    }[name]
    for corpus in (guessed, named):
        assert corpus.meta["counts"]["splits"] == sizes
        assert [level["labels"] for level in corpus.meta["counts"]["levels"]] == shape
        assert corpus.meta["counts"]["labels_per_document"] == 2 and corpus.meta["counts"]["documents_not_closed"] == 0
    assert set(guessed.hierarchy.labels) == set(named.hierarchy.labels)
    edges = [{(c.hierarchy.labels[a], c.hierarchy.labels[b]) for a, b in c.hierarchy.edges} for c in (guessed, named)]
    assert edges[0] == edges[1]


def test_the_rows_of_the_web_of_science_by_domain_and_area(tmp_path):
    found, corpus = labels_of(shared("data/wos/Data1k.txt"))
    assert len(found) == 1_000 and {len(labels) for labels in found} == {2}
    tops = [corpus.hierarchy.labels[root] for root in corpus.hierarchy.roots]
    assert sorted(tops) == ["CS", "Civil", "ECE", "MAE", "Medical", "Psychology", "biochemistry"]
    # One area is called the same in two domains.
    assert {"Medical/Depression", "Psychology/Depression"} <= set(corpus.hierarchy.labels)
    assert "Text: Abstract. Labels: Domain, area (levels from the top down)." in " ".join(corpus.notes)


def test_classes_by_number_get_their_names_and_no_hierarchy_is_said(tmp_path):
    feature = {"feature": {"names": ["joy", "fear", "anger"], "_type": "ClassLabel"}, "_type": "Sequence"}
    meta = {b"huggingface": json.dumps({"info": {"features": {"labels": feature}}}).encode()}
    rows = [[0, 1], [1], [2, 0], [2, 1], []] * 4
    table = pa.table({"text": [f"t{n}" for n in range(20)], "labels": rows}).replace_schema_metadata(meta)
    found, corpus = labels_of(put(tmp_path / "a.parquet", table))
    assert found[:5] == [{"joy", "fear"}, {"fear"}, {"anger", "joy"}, {"anger", "fear"}, set()]
    assert any(note.startswith("Hierarchy: none was found, so all labels are top labels.") for note in corpus.notes)


def test_a_prepared_table_opens_by_its_title(tmp_path):
    source = put(tmp_path / "a.csv", frame())
    corpus = prepare("table", source, {"title": "mine", "seed": 4}, tmp_path / "data")
    assert (
        corpus.num_documents == 20
        and len(corpus.hierarchy) == len({name for path in LEVELS for name in path if name}) + 1
    )
