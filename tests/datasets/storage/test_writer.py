"""Corpora are checked, counted and fingerprinted while they are written, whole or not at all."""

import hashlib
import os
import signal
import subprocess
import sys

import pytest

from datasets.storage.corpus import Corpus
from datasets.storage.documents import Document
from harness.core.errors import DataError
from tests.datasets.storage.small_corpus import documents, made
from tests.shared import ROOT


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
        ([("\ud83d", "t", ("a",))], r"1 x document id that is not valid Unicode, first '.ud83d'"),
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
