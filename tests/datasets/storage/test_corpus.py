import hashlib
import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from datasets.storage.corpus import Corpus, write
from datasets.storage.description import folder_name, read_meta, with_checksum
from datasets.storage.documents import CorpusSource, Document
from datasets.storage.hierarchy import Hierarchy
from datasets.storage.writer import BATCH
from harness.core.errors import DataError
from tests.shared import ROOT

HIERARCHY = Hierarchy.from_names([("Root", "a"), ("Root", "b"), ("a", "x"), ("b", "x"), ("x", "y"), ("Root", "lone")])


def documents():
    return [
        Document("0", "erste Wörter", ("y",), "train"),
        Document("1", "second", ("a", "b", "x"), "val"),
        Document("2", "third\nline", (), "test"),
        Document("3", "fourth", ("lone", "a"), "train"),
    ]


def made(tmp_path, docs=None, name="made", **raw):
    docs = documents() if docs is None else docs
    return write(CorpusSource(HIERARCHY, iter(docs), **raw), tmp_path / name, name=name, options={"k": 1})


def test_what_goes_in_comes_out_closed_over_all_parents(tmp_path):
    corpus = made(tmp_path, notes=("a note",), inputs={"numpy": "2"})
    assert corpus.hierarchy == HIERARCHY and corpus.num_documents == 4
    assert [corpus.rows(split).tolist() for split in ("train", "val", "test")] == [[0, 3], [1], [2]]
    rows = np.array([3, 0, 2])
    assert corpus.doc_ids(rows) == ["3", "0", "2"]
    assert list(corpus.texts(rows)) == ["fourth", "erste Wörter", "third\nline"]
    labels = corpus.labels(rows)
    assert labels.dtype == bool and labels.shape == (3, len(HIERARCHY))
    names = [{HIERARCHY.labels[label] for label in np.flatnonzero(row)} for row in labels.toarray()]
    assert names == [{"lone", "a"}, {"a", "b", "x", "y"}, set()]
    assert corpus.notes == ("a note",) and corpus.meta["inputs"] == {"numpy": "2"}


def test_counts_of_a_small_corpus_are_the_hand_count(tmp_path):
    counts = made(tmp_path).meta["counts"]
    assert counts["splits"] == {"train": 2, "val": 1, "test": 1}
    assert counts["documents_without_labels"] == 1 and counts["documents_not_closed"] == 1
    assert counts["labels_per_document"] == (4 + 3 + 0 + 2) / 4
    assert counts["levels"] == [{"labels": 3, "uses": 6}, {"labels": 1, "uses": 2}, {"labels": 1, "uses": 1}]
    assert counts["branches"] == {
        "a": {"labels": 3, "train": 2, "val": 1, "test": 0},
        "b": {"labels": 3, "train": 1, "val": 1, "test": 0},
        "lone": {"labels": 1, "train": 1, "val": 0, "test": 0},
    }
    assert counts["labels_without_training_documents"] == 0


def test_rows_are_found_across_batches(tmp_path):
    docs = [Document(f"d{n}", f"text {n}", ("a",) * (n % 2), ("train", "val", "test")[n % 3]) for n in range(2500)]
    corpus = made(tmp_path, docs)
    rows = np.array([0, BATCH - 1, BATCH, 2 * BATCH - 1, 2 * BATCH, 2499, 7, 7])
    assert list(corpus.texts(rows)) == [f"text {row}" for row in rows]
    assert corpus.labels(rows).sum(1).tolist() == [row % 2 for row in rows]
    assert corpus.labels(np.array([], dtype=np.int64)).shape == (0, len(HIERARCHY))


def test_fingerprint_is_of_the_content_alone(tmp_path):
    plain = made(tmp_path).fingerprint
    # Closed or not on the way in, repeated, in another order of labels, under another name: the same corpus.
    same = [Document("0", "erste Wörter", ("x", "y", "y", "a"), "train"), *documents()[1:]]
    assert made(tmp_path, same, name="other", notes=("n",)).fingerprint == plain
    for change in (
        Document("z", "erste Wörter", ("y",), "train"),
        Document("0", "erste  Wörter", ("y",), "train"),
        Document("0", "erste Wörter", ("x",), "train"),
        Document("0", "erste Wörter", ("y",), "test"),
    ):
        assert made(tmp_path, [change, *documents()[1:]]).fingerprint != plain
    assert made(tmp_path, documents()[::-1]).fingerprint != plain


def test_fingerprint_is_the_hash_of_the_canonical_lines(tmp_path):
    lines = [
        b'{"edges":[[0,3],[1,3],[3,4]],"labels":["a","b","lone","x","y"],"roots":[0,1,2]}',
        b'["0","erste W\\u00f6rter",[0,1,3,4],"train"]',
        b'["1","second",[0,1,3],"val"]',
        b'["2","third\\nline",[],"test"]',
        b'["3","fourth",[0,2],"train"]',
    ]
    expected = hashlib.sha256(b"".join(line + b"\n" for line in lines)).hexdigest()
    assert made(tmp_path).fingerprint == expected
    assert expected == "3d751a2b469cd23f607a64c3b0b80446474219d7049dbc6f94ba6cadab64d21e"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ([("4", "t", ("nope",)), ("5", "t", ("nil",))], "2 x label that the hierarchy.*first 'nope' of document '4'"),
        ([("4", " \n", ("a",))], "1 x empty text, first in document '4'"),
        ([("1", "t", ("a",)), ("0", "t", ("a",))], "2 x document id that occurred before, first '1'"),
        ([("4", "\ud83d", ("a",))], "1 x text that is not valid Unicode"),
    ],
)
def test_unsound_documents_are_counted_and_nothing_is_written(tmp_path, wrong, message):
    docs = documents() + [Document(*fields, "train") for fields in wrong]
    with pytest.raises(DataError, match=message):
        made(tmp_path, docs)
    assert list(tmp_path.iterdir()) == []


def test_a_split_without_documents_is_refused(tmp_path):
    with pytest.raises(DataError, match="split without documents, first 'test'"):
        made(tmp_path, [document for document in documents() if document.split != "test"])


def test_a_refused_corpus_leaves_the_former_one(tmp_path):
    before = made(tmp_path).fingerprint
    with pytest.raises(DataError):
        made(tmp_path, [Document("0", "", ("a",), "train")])
    assert Corpus.open(tmp_path / "made").fingerprint == before
    assert made(tmp_path, documents()[::-1]).fingerprint != before
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_missing_corpus_names_the_command(tmp_path):
    with pytest.raises(DataError, match="prepare eurlex57k --source PATH --set depth=2 --data"):
        Corpus.open(tmp_path / "eurlex57k,depth=2")
    with pytest.raises(DataError, match="`python -m datasets.prepare pydocs`"):
        read_meta(Path("data") / "pydocs")


@pytest.mark.parametrize("file", ["documents.arrow", "hierarchy.json", "meta.json"])
def test_damage_to_any_file_is_told(tmp_path, file):
    corpus = made(tmp_path, name="synthetic")
    path = corpus.folder / file
    whole = path.read_bytes()

    path.write_bytes(whole[:-7])
    with pytest.raises(DataError, match=f"is damaged: {file}.*prepare it again with `python -m datasets.prepare syn"):
        Corpus.open(corpus.folder)

    path.unlink()
    with pytest.raises(DataError, match=f"is damaged: {file} is missing"):
        Corpus.open(corpus.folder)

    path.write_bytes(whole)
    assert Corpus.open(corpus.folder).fingerprint == corpus.fingerprint


@pytest.mark.parametrize("file", ["hierarchy.json", "meta.json"])
def test_any_flipped_byte_of_the_small_files_is_told(tmp_path, file):
    corpus = made(tmp_path)
    path = corpus.folder / file
    whole = path.read_bytes()
    stream = random.Random(0)
    for place in stream.sample(range(len(whole)), 60):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        if file == "meta.json" and whole[place : place + 1].isspace():
            continue
        with pytest.raises(DataError, match="is damaged"):
            read_meta(corpus.folder)


def test_verify_reads_every_byte_of_the_documents(tmp_path):
    corpus = made(tmp_path)
    corpus.verify()
    path = corpus.folder / "documents.arrow"
    whole = bytearray(path.read_bytes())
    whole[whole.index(b"fourth")] ^= 1
    path.write_bytes(bytes(whole))
    with pytest.raises(DataError, match="documents.arrow does not have its checksum"):
        Corpus.open(corpus.folder).verify()


def test_unreadable_documents_of_the_right_size_are_told(tmp_path):
    corpus = made(tmp_path)
    path = corpus.folder / "documents.arrow"
    path.write_bytes(b"\0" * path.stat().st_size)
    with pytest.raises(DataError, match="documents.arrow cannot be read"):
        Corpus.open(corpus.folder)


def test_killed_in_the_middle_leaves_nothing_that_is_taken_for_a_corpus(tmp_path):
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from datasets.storage.corpus import write\n"
        "from datasets.storage.documents import CorpusSource, Document\n"
        "from datasets.storage.hierarchy import Hierarchy\n"
        "def docs():\n"
        "    for n in range(5000):\n"
        "        yield Document(str(n), 'text', ('a',), 'train')\n"
        "    print('half', flush=True)\n"
        "    time.sleep(60)\n"
        "h = Hierarchy.from_names([('Root', 'a')])\n"
        "write(CorpusSource(h, docs()), Path(sys.argv[1]), name='made', options={})\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "made")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "half\n"
        os.kill(process.pid, signal.SIGKILL)
    assert [path.name for path in tmp_path.iterdir()] == [".made.partial"]
    assert (tmp_path / ".made.partial" / "documents.arrow").stat().st_size > 0
    with pytest.raises(DataError, match="There is no prepared corpus"):
        Corpus.open(tmp_path / "made")
    made(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_texts_stay_in_the_map(tmp_path):
    import pyarrow as pa

    docs = [Document(str(n), "word " * 2000, ("a",), ("train", "val", "test")[n % 3]) for n in range(2000)]
    corpus = made(tmp_path, docs)
    before = pa.total_allocated_bytes()
    length = sum(len(text) for text in corpus.texts(np.arange(2000)))
    assert length == 2000 * 10_000
    assert pa.total_allocated_bytes() - before < 1_000_000


def test_meta_is_read_without_arrow():
    program = (
        "import sys, datasets.storage.description, datasets.prepare\n"
        "from datasets import READERS\n"
        "for name in READERS: READERS[name].load()\n"
        "heavy = {'pyarrow', 'torch', 'transformers', 'pandas', 'sklearn', 'openpyxl', 'ray', 'rich'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_folder_names_are_safe_and_tell_options_apart():
    assert folder_name("eurlex57k", {}) == "eurlex57k"
    assert folder_name("eurlex57k", {"taxonomy": "domains", "depth": 2}) == "eurlex57k,depth=2,taxonomy=domains"
    one, two = (folder_name("eurlex57k", {"taxonomy_file": path}) for path in ("/a/b c.tsv", "/a/b/c.tsv"))
    assert one != two and not set("/ \\") & set(one + two)


def test_another_format_version_is_told(tmp_path):
    corpus = made(tmp_path)
    path = corpus.folder / "meta.json"
    meta = json.loads(path.read_text())
    meta.pop("checksum")
    path.write_text(json.dumps(with_checksum({**meta, "format": 99})))
    with pytest.raises(DataError, match="has format 99, this version reads 1"):
        read_meta(corpus.folder)
