"""Stories of Reuters in every packing: whole, cut off, damaged, doubled, or with names that lead elsewhere."""

import hashlib
import os
import random
import tarfile
import tempfile
import tracemalloc
import zipfile
from functools import partial

import numpy as np
import pytest

from datasets.corpora import rcv1
from datasets.formats import archives
from harness.core.errors import DataError
from tests.datasets.reuters_files import (
    TEST,
    TRAIN,
    archived,
    documents,
    made,
    put_lists,
    some,
    story,
    unpacked,
    zipped,
)


def test_every_packing_is_the_same_corpus(tmp_path):
    fingerprints = set()
    for number, pack in enumerate((unpacked, archived, zipped)):
        folder = put_lists(tmp_path / str(number), compressed=number == 2)
        pack(folder, some())
        corpus = made(folder, tmp_path)
        fingerprints.add(corpus.fingerprint)
        assert corpus.doc_ids(np.arange(18)) == [str(number) for number in TRAIN + TEST]
        assert corpus.meta["counts"]["splits"] == {"train": 13, "val": 2, "test": 3}
        assert corpus.meta["counts"]["documents_not_closed"] == 0
    assert len(fingerprints) == 1


@pytest.mark.parametrize("prefix", ["/etc/", "../../../../tmp/", "..\\..\\"])
def test_names_that_lead_elsewhere_lead_nowhere(tmp_path, prefix):
    folder = put_lists(tmp_path / "r")
    outside = tmp_path / "secret"
    outside.write_bytes(story(1, "secret"))
    link = tarfile.TarInfo("rcv1/19960820/2290newsML.xml")
    link.type, link.linkname = tarfile.SYMTYPE, str(outside)
    hard = tarfile.TarInfo("rcv1/19960820/2287newsML.xml")
    hard.type, hard.linkname = tarfile.LNKTYPE, "../secret"
    before = sorted(tmp_path.rglob("*"))
    archived(folder, some(), prefix=prefix, extra=[link, hard])
    found = documents(folder)
    assert found["2290"].text == "2290 talks say" and not any("secret" in one.text for one in found.values())
    assert sorted(tmp_path.rglob("*")) == sorted([*before, folder / "rcv1.tar.xz"])


def test_links_in_folders_are_not_followed(tmp_path):
    stories = some()
    del stories[2290]
    folder = unpacked(put_lists(tmp_path / "r"), stories)
    (tmp_path / "2290newsML.xml").write_bytes(story(2290))
    (folder / "rcv1" / "2290newsML.xml").symlink_to(tmp_path / "2290newsML.xml")
    with pytest.raises(DataError, match="1 of the 18 stories of rcv1v2-ids.dat are not in .*first 2290"):
        documents(folder)


def test_a_zip_that_is_cut_off_is_named(tmp_path):
    folder = zipped(put_lists(tmp_path / "r"), some())
    path = sorted((folder / "CD1").glob("*.zip"))[0]
    whole = path.read_bytes()
    for size in range(0, len(whole), max(1, len(whole) // 25)):
        path.write_bytes(whole[:size])
        with pytest.raises(DataError, match=f"{path.name} cannot be read to its end"):
            documents(folder)
    # A name that is not in the encoding that its entry says.
    named = tmp_path / "named.zip"
    with zipfile.ZipFile(named, "w") as day:
        day.writestr("é.xml", b"")
    path.write_bytes(named.read_bytes().replace("é".encode(), b"\xff\xff"))
    with pytest.raises(DataError, match=f"{path.name} cannot be read to its end"):
        documents(folder)
    # A flipped byte inside a story is found by its checksum.
    damaged = bytearray(whole)
    damaged[120] ^= 0xFF
    path.write_bytes(bytes(damaged))
    with pytest.raises(DataError, match="cannot be read to its end"):
        documents(folder)


def test_an_archive_that_is_cut_off_is_named_or_still_whole(tmp_path):
    folder = put_lists(tmp_path / "r")
    path = archived(folder, some())
    expected, whole = documents(folder), path.read_bytes()
    refused = 0
    for size in range(0, len(whole), max(1, len(whole) // 40)):
        path.write_bytes(whole[:size])
        try:
            assert documents(folder) == expected
        except DataError:
            refused += 1
    assert refused > 35


def test_a_story_that_is_there_twice_is_refused(tmp_path):
    folder = unpacked(put_lists(tmp_path / "r"), some())
    (folder / "rcv1" / "19960821").mkdir()
    (folder / "rcv1" / "19960821" / "2290newsML.xml").write_bytes(story(2290))
    with pytest.raises(DataError, match="19960821 holds story 2290 a second time"):
        documents(folder)


def test_a_folder_without_stories_is_refused(tmp_path):
    with pytest.raises(DataError, match="holds no stories .*, no daily zips .* and no rcv1.tar.xz"):
        documents(put_lists(tmp_path / "r"))


def test_no_flipped_byte_of_a_gzip_archive_gives_other_documents(tmp_path):
    folder = put_lists(tmp_path / "r")
    path = archived(folder, some(), mode="gz").rename(folder / "rcv1.tar.gz")
    expected, whole = documents(folder), path.read_bytes()
    refused = 0
    for place in range(10, len(whole), 31):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x20]) + whole[place + 1 :])
        try:
            assert documents(folder) == expected
        except DataError as error:
            assert "rcv1.tar.gz cannot be read to its end" in str(error)
            refused += 1
    assert refused > 20


@pytest.mark.parametrize("length", [10, 10**6])
def test_a_full_folder_for_temporary_files_is_no_broken_archive(tmp_path, monkeypatch, length):
    # The short story is written when it is read back, the long one at once.
    folder = put_lists(tmp_path / "r")
    archived(folder, some(_2286=story(2286, random.Random(0).randbytes(length).hex())))
    monkeypatch.setattr(tempfile, "TemporaryFile", partial(open, "/dev/full", "w+b"))
    with pytest.raises(DataError, match=f"{tempfile.gettempdir()} is full: .* with TMPDIR=FOLDER") as told:
        documents(folder)
    assert "get it again" not in str(told.value)


def test_another_zip_does_not_hide_the_archive(tmp_path):
    folder = put_lists(tmp_path / "r")
    archived(folder, some())
    expected = documents(folder)
    with zipfile.ZipFile(folder / "appendices.zip", "w") as other:
        other.writestr("readme.txt", "lists")
    assert documents(folder) == expected


@pytest.mark.parametrize("pack", [archived, zipped])
def test_an_archive_may_be_a_link_into_another_folder(tmp_path, pack):
    folder = put_lists(tmp_path / "r")
    pack(folder, some())
    expected = documents(folder)
    for number, path in enumerate([*folder.rglob("*.zip"), *folder.rglob("*.tar.xz")]):
        path.rename(tmp_path / str(number))
        path.symlink_to(tmp_path / str(number))
    assert documents(folder) == expected


def test_a_story_that_is_too_long_is_refused(tmp_path, monkeypatch):
    folders = [pack(put_lists(tmp_path / pack.__name__), some()) for pack in (unpacked, zipped)]
    monkeypatch.setattr(archives, "MAX_BYTES", 300)
    for folder in folders:
        with pytest.raises(DataError, match="2286newsML.xml has [0-9]+ bytes; 300 are the most that one text may"):
            documents(folder)


def test_memory_does_not_grow_with_the_corpus(tmp_path):
    numbers = range(26_151, 28_151)
    folder = put_lists(tmp_path / "r", labels=dict.fromkeys([*TRAIN, *numbers], "CCAT"))
    (folder / "rcv1v2-ids.dat").write_text("".join(f"{number}\n" for number in [*TRAIN, *numbers]))
    words = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(5_000)]

    def content(number):
        return story(number, " ".join(random.Random(number).choices(words, k=300)))

    archived(folder, {number: content(number) for number in [*TRAIN, *numbers]}, mode="gz")
    os.rename(folder / "rcv1.tar.xz", folder / "rcv1.tar.gz")
    tracemalloc.start()
    length = sum(len(one.text) for one in rcv1.read(folder, form="natural").documents)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert length > 38e6 and peak < 8e6
