"""Descriptions of prepared corpora: folder names, commands, checksums, versions, and no Arrow."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from datasets.storage.corpus import Corpus, write
from datasets.storage.description import folder_name, prepared_options, read_meta, with_checksum
from datasets.storage.documents import CorpusSource
from harness.core.errors import DataError
from tests.datasets.storage.small_corpus import HIERARCHY, documents, made
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


def prepared(tmp_path, name, **options):
    return write(
        CorpusSource(HIERARCHY, documents()), tmp_path / folder_name(name, options), name=name, options=options
    )


def test_options_of_the_only_prepared_corpus_need_not_be_repeated(tmp_path):
    assert prepared_options("eurlex57k", {}, tmp_path / "nowhere") == {}
    assert prepared_options("eurlex57k", {"depth": "2"}, tmp_path) == {"depth": 2}
    prepared(tmp_path, "eurlex57k", taxonomy="domains", depth=2)
    prepared(tmp_path, "wos", form="natural")
    every = {"taxonomy": "domains", "depth": 2}
    for given in ({}, {"depth": 2}, {"taxonomy": "domains"}, every):
        assert prepared_options("eurlex57k", given, tmp_path) == every
    # An option that the corpus does not have is another corpus, and so is a default that it departs from.
    assert prepared_options("eurlex57k", {"depth": 3}, tmp_path) == {"depth": 3}
    assert prepared_options("eurlex57k", {"taxonomy": "published"}, tmp_path) == {}
    prepared(tmp_path, "eurlex57k")
    assert prepared_options("eurlex57k", {}, tmp_path) == {}
    assert prepared_options("eurlex57k", {"depth": 2}, tmp_path) == every


def test_of_several_prepared_corpora_each_is_listed_with_its_options(tmp_path):
    for title in ("one", "two"):
        prepared(tmp_path, "table", title=title, labels="l1,l2")
    with pytest.raises(DataError, match="holds 2 corpora table. Say which one is meant: .*") as told:
        prepared_options("table", {}, tmp_path)
    for title in ("one", "two"):
        assert f'`options: {{"title": "{title}", "labels": "l1,l2"}}`' in str(told.value)
    assert prepared_options("table", {"title": "two"}, tmp_path) == {"title": "two", "labels": "l1,l2"}


def test_a_built_in_corpus_has_exactly_the_options_that_are_given(tmp_path):
    prepared(tmp_path, "synthetic", documents=100)
    assert prepared_options("synthetic", {}, tmp_path) == {}


def test_a_damaged_corpus_is_told_only_where_no_other_is_meant(tmp_path):
    broken = prepared(tmp_path, "table", title="broken")
    (broken.folder / "meta.json").write_text("{")
    with pytest.raises(DataError, match="is damaged: meta.json cannot be read"):
        prepared_options("table", {}, tmp_path)
    prepared(tmp_path, "table", title="whole")
    assert prepared_options("table", {}, tmp_path) == {"title": "whole"}
