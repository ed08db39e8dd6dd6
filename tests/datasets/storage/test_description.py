"""Descriptions of prepared corpora: folder names, commands, checksums, versions, and no Arrow."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from datasets.storage.corpus import Corpus
from datasets.storage.description import folder_name, read_meta, with_checksum
from harness.core.errors import DataError
from tests.datasets.storage.small_corpus import made
from tests.shared import ROOT


def test_missing_corpus_names_the_command(tmp_path):
    with pytest.raises(DataError, match="prepare eurlex57k --source PATH --set depth=2 --data"):
        Corpus.open(tmp_path / "eurlex57k,depth=2")
    with pytest.raises(DataError, match="`python -m datasets.prepare pydocs`"):
        read_meta(Path("data") / "pydocs")


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
