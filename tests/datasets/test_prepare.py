"""Preparing a corpus: once, by one process, whole or not at all, with errors in one paragraph."""

import errno
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from datasets import READERS, prepare
from datasets.corpora import pydocs, synthetic
from datasets.prepare import corpus_folder, is_current, main, parse_options
from datasets.storage.corpus import Corpus
from datasets.storage.description import read_meta, with_checksum
from harness.core.errors import ConfigError, DataError
from harness.core.main import run_command
from tests.shared import ROOT

SMALL = {"documents": 100}


@pytest.mark.parametrize("name", list(READERS))
def test_cards_say_what_to_get_and_every_option(name, capsys):
    assert main([name, "--card"]) == 0
    card = capsys.readouterr().out
    assert card.startswith(f"{name}: ") and f"python -m datasets.prepare {name}" in card
    assert READERS[name].summary in " ".join(card.split())
    assert "Get it: " in card and "Terms: " in card and "Splits: " in card and "Counts: " in card
    assert ("Cite: " in card) == (name not in ("pydocs", "synthetic", "jsonl", "table"))
    for option, field in READERS[name].options.model_fields.items():
        assert f"  {option}={field.default}  {field.description}" in card and field.description
    assert max(len(line) for line in card.split("Options:")[0].splitlines()) <= 100


def test_prepared_once_then_found(tmp_path, monkeypatch):
    first = prepare.prepare("synthetic", None, SMALL, tmp_path)
    assert first.folder == tmp_path / "synthetic,documents=100" == corpus_folder("synthetic", SMALL, tmp_path)
    monkeypatch.setattr(synthetic, "read", None)
    again = prepare.prepare("synthetic", None, {"documents": "100", "seed": "0"}, tmp_path)
    assert again.fingerprint == first.fingerprint and again.folder == first.folder


def test_other_versions_of_packages_are_another_corpus(tmp_path, monkeypatch):
    options = {"packages": "networkx", "min_documents": 60}
    first = prepare.prepare("pydocs", None, options, tmp_path)
    assert is_current("pydocs", options, tmp_path)
    assert first.meta["inputs"].keys() == {"recipe", "networkx"}
    monkeypatch.setattr(pydocs, "_version", lambda name: "another")
    assert not is_current("pydocs", options, tmp_path)
    again = prepare.prepare("pydocs", None, options, tmp_path)
    assert again.meta["inputs"]["networkx"] == "another" and is_current("pydocs", options, tmp_path)
    # The fingerprint is of the content, which has not changed here.
    assert again.fingerprint == first.fingerprint


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["wos"], "error: The corpus 'wos' is not shipped. Get the Web of Science dataset of HDLTex"),
        (["woz"], "Unknown dataset 'woz'. Did you mean 'wos'?"),
        (["wos", "--set", "from=word"], "wos has no option 'from'. Did you mean 'form'?"),
        (["wos", "--set", "form=words"], "wos: option form = 'words': Input should be 'word' or 'natural'"),
        (
            ["rcv1", "--set", "quux=b"],
            "rcv1 has no option 'quux'. Known: depth, form, join, min_branch, min_documents, used_labels, val, val",
        ),
        (["wos", "--set", "form"], "--set form: KEY=VALUE is needed"),
        (["wos", "--source", "nowhere"], "There is nothing at nowhere"),
        (["rcv1"], "error: The corpus 'rcv1' is not shipped. Sign the agreements of NIST"),
        (["jsonl", "--set", "seed=-1"], "jsonl: option seed = '-1': Input should be greater than or equal to 0"),
        (["eurlex57k", "--set", "max_words=-1"], "eurlex57k: option max_words = '-1': Input should be greater than or"),
        (["eurlex57k", "--set", "depth=-1"], "eurlex57k: option depth = '-1': Input should be greater than or"),
        (["multieurlex", "--set", "min_branch=-1"], "multieurlex: option min_branch = '-1': Input should be greater"),
        (["nyt"], "error: The corpus 'nyt' is not shipped. Licence LDC2008T19"),
        (["bgc"], "error: The corpus 'bgc' is not shipped. Get blurbgenrecollectionen.zip"),
        (["germeval", "--set", "titel=true"], "germeval has no option 'titel'. Did you mean 'title'?"),
        (["newsgroups", "--set", "val_share=1"], "newsgroups: option val_share = '1': Input should be less than 1"),
    ],
)
def test_mistakes_are_told_in_one_paragraph(tmp_path, capsys, arguments, message):
    with pytest.raises(SystemExit) as ended:
        run_command(lambda: main([*arguments, "--data", str(tmp_path)]))
    said = capsys.readouterr()
    assert ended.value.code == 2
    assert message in said.err and said.err.count("\n") == 1 and said.out == ""
    assert [path.name for path in tmp_path.iterdir() if not path.name.endswith(".lock")] == []


def test_options_are_read_by_their_type():
    settings = parse_options("eurlex57k", {"depth": "2", "zones": "title"})
    assert settings.depth == 2 and settings.zones == "title" and settings.taxonomy == "published"
    with pytest.raises(ConfigError, match="eurlex57k: option depth = 'two'"):
        parse_options("eurlex57k", {"depth": "two"})


def test_command_line_prints_fingerprint_and_counts(tmp_path, capsys):
    arguments = ["synthetic", "--set", "documents=100", "--data", str(tmp_path)]
    assert main(arguments) == 0
    first = capsys.readouterr()
    fingerprint = prepare.prepare("synthetic", None, SMALL, tmp_path).fingerprint
    assert f"fingerprint  {fingerprint}" in first.out and "100 (train / val / test: 70 / 10 / 20)" in first.out
    assert first.err == "100 documents\n"
    assert f"python -m datasets.check synthetic --set documents=100 --data {tmp_path}" in first.out
    assert main(arguments) == 0
    second = capsys.readouterr()
    assert second.out == first.out and "Already prepared; delete" in second.err


@pytest.mark.parametrize("options", [[], ["--set", "depth=1"]])
def test_a_look_prints_how_a_source_is_read_and_writes_nothing(tmp_path, capsys, options):
    source = tmp_path / "my docs.csv"
    source.write_text("text,l1,l2\n" + "".join(f"text {number},A,{'xy'[number % 2]}\n" for number in range(20)))
    data = tmp_path / "data"
    assert main(["table", "--source", str(source), "--look", "--data", str(data), *options]) == 0
    said = capsys.readouterr().out
    assert "documents    20 (train / val / test: 14 / 2 / 4)" in said
    assert ("labels       1 (1 per level)" if options else "labels       3 (1/2 per level)") in said
    assert ("row-1 (train): text 0\n    A\n" if options else "row-1 (train): text 0\n    A > x\n") in said
    command = f"python -m datasets.prepare table --source '{source}'" + (" --set depth=1" if options else "")
    assert said.endswith(f"Nothing was written. To prepare it: {command}\n") and not data.exists()


def test_a_selection_of_labels_is_another_corpus_of_any_reader(tmp_path):
    every = prepare.prepare("synthetic", None, SMALL, tmp_path)
    corpus = prepare.prepare("synthetic", None, {**SMALL, "depth": "2", "used_labels": "true"}, tmp_path)
    assert corpus.folder.name == "synthetic,depth=2,documents=100,used_labels=True"
    kept, before = corpus.hierarchy, every.hierarchy
    is_kept = (every.labels(np.arange(100)).sum(axis=0) > 0) & (before.levels <= 2)
    assert kept.labels == tuple(before.labels[label] for label in np.flatnonzero(is_kept))
    assert 0 < len(kept) < len(before)
    deeper = int((before.levels > 2).sum())
    assert f"Labels below level 2, which are left out: {deeper}." in corpus.notes


def test_damaged_corpus_is_not_used(tmp_path):
    corpus = prepare.prepare("synthetic", None, SMALL, tmp_path)
    (corpus.folder / "meta.json").unlink()
    with pytest.raises(DataError, match="damaged: meta.json is missing.*prepare synthetic --set documents=100 --data"):
        prepare.prepare("synthetic", None, SMALL, tmp_path)


def test_a_corpus_of_another_recipe_is_out_of_date(tmp_path, monkeypatch):
    for split in ("train", "val", "test"):
        (tmp_path / f"{split}.jsonl").write_text('{"text": "t", "labels": ["a"]}\n')
    (tmp_path / "taxonomy.tsv").write_text("Root\ta\tb\n")
    corpus = prepare.prepare("jsonl", tmp_path, {}, tmp_path / "data")
    assert corpus.meta["inputs"] == {"recipe": "1"}
    # As prepared before recipes were written down.
    meta = {name: value for name, value in corpus.meta.items() if name != "checksum"} | {"inputs": {}}
    (corpus.folder / "meta.json").write_text(json.dumps(with_checksum(meta)))
    assert is_current("jsonl", {}, tmp_path / "data")
    assert prepare.prepare("jsonl", None, {}, tmp_path / "data").fingerprint == corpus.fingerprint
    monkeypatch.setitem(READERS["jsonl"].__dict__, "recipe", 2)
    told = "is out of date: .* Delete it and prepare it again with `python -m datasets.prepare jsonl --source PATH"
    for use in (
        lambda: Corpus.open(corpus.folder),
        lambda: read_meta(corpus.folder),
        lambda: prepare.prepare("jsonl", tmp_path, {}, tmp_path / "data"),
    ):
        with pytest.raises(DataError, match=told):
            use()


def test_a_built_in_corpus_of_another_recipe_is_made_again(tmp_path, monkeypatch):
    prepare.prepare("synthetic", None, SMALL, tmp_path)
    monkeypatch.setitem(READERS["synthetic"].__dict__, "recipe", 2)
    assert not is_current("synthetic", SMALL, tmp_path)
    assert prepare.prepare("synthetic", None, SMALL, tmp_path).meta["inputs"] == {"recipe": "2"}
    assert is_current("synthetic", SMALL, tmp_path)


def test_two_processes_at_once_take_turns(tmp_path):
    command = [sys.executable, "-m", "datasets.prepare", "synthetic", "--data", tmp_path]
    processes = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)
    ]
    results = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert results[0][0] == results[1][0]
    # Only one of them has read documents.
    assert sorted("6,000 documents" in said for _, said in results) == [False, True]
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["synthetic"]


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_and_run_again(tmp_path, by):
    # The handler is set by hand: a shell starts background jobs with interrupts ignored.
    program = (
        "import signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from datasets.prepare import main\n"
        "from harness.core.main import run_command\n"
        "run_command(lambda: main(['synthetic', '--set', 'documents=30000', '--data', sys.argv[1]]))"
    )
    command = [sys.executable, "-c", program, tmp_path]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    partial = tmp_path / ".synthetic,documents=30000.partial" / "documents.arrow"
    while not (partial.exists() and partial.stat().st_size > 100_000):
        assert process.poll() is None
        time.sleep(0.02)
    os.kill(process.pid, by)
    _, said = process.communicate()
    assert process.returncode == 130 and "Interrupted" in said and "Traceback" not in said
    assert [path.name for path in tmp_path.iterdir()] == [".synthetic,documents=30000.lock"]
    assert not is_current("synthetic", {"documents": 30_000}, tmp_path)


def test_a_data_folder_that_is_a_file_is_told(tmp_path, capsys):
    (tmp_path / "file").write_text("x")
    for place in ("file", "file/below"):
        with pytest.raises(SystemExit) as ended:
            run_command(lambda place=place: main(["synthetic", "--data", str(tmp_path / place)]))
        said = capsys.readouterr().err
        assert ended.value.code == 2 and said.count("\n") == 1
        assert f"error: {tmp_path / place} cannot be used: " in said


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DataError, match=f"The disk of {tmp_path} is full. Free some space, or name another folder"):
        prepare.prepare("synthetic", None, SMALL, tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []


def test_what_may_not_be_read_is_told(tmp_path, monkeypatch):
    def forbidden(source, **options):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(tmp_path / "train.jsonl"))

    monkeypatch.setitem(READERS["jsonl"].__dict__, "load", lambda: forbidden)
    with pytest.raises(DataError, match="train.jsonl cannot be used: Permission denied"):
        prepare.prepare("jsonl", tmp_path, {}, tmp_path / "data")
