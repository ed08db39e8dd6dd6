import gzip
import hashlib
import io
import os
import random
import subprocess
import sys
import tarfile
import tempfile
import tracemalloc
import zipfile
from functools import partial

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import train_test_split

from datasets.corpora import rcv1, rcv1_lists
from datasets.formats import archives
from datasets.storage.corpus import write
from datasets.storage.progress import show_progress
from harness.core.errors import DataError
from tests.shared import ROOT, shared

TOPICS = {"CCAT": "Root", "GCAT": "Root", "C15": "CCAT", "C151": "C15", "GMIL": "GCAT", "E12": "Root"}
MORE = range(2400, 2410)
TRAIN = [2286, 2287, 2290, 2300, *MORE, 26150]
TEST = [26151, 26152, 810596]
LABELS = {
    2286: "CCAT C15 C151", 2287: "GCAT", 2290: "E12", 2300: "CCAT", 26150: "GCAT",
    26151: "GCAT GMIL", 26152: "CCAT C15", 810596: "E12", **dict.fromkeys(MORE, "CCAT"),
}  # fmt: skip


def story(number, *paragraphs, body=None, head=""):
    if body is None:
        body = (
            "<text>\n"
            + "".join(f"<p>{p}</p>\n" for p in paragraphs or (f"The {number} talks, they say.", "More"))
            + "</text>"
        )
    return (
        f'<?xml version="1.0" encoding="iso-8859-1" ?>\n{head}<newsitem itemid="{number}" id="root" '
        f'date="1996-08-20" xml:lang="en">\n<title>A title</title>\n<headline>A headline &amp; more</headline>\n'
        f"<dateline>ROME</dateline>\n{body}\n<copyright>(c) Reuters</copyright>\n"
        '<metadata><codes class="bip:topics:1.0"><code code="C15"/></codes></metadata>\n</newsitem>\n'
    ).encode("latin-1")


def some(**changes):
    return {number: story(number) for number in TRAIN + TEST} | {int(k[1:]): v for k, v in changes.items()}


def put_lists(folder, compressed=False, labels=LABELS, topics=TOPICS):
    folder.mkdir(exist_ok=True)
    files = {
        "rcv1v2-ids.dat": "".join(f"{number}\n" for number in TRAIN + TEST),
        "rcv1-v2.topics.qrels": "".join(f"{t} {number} 1\n" for number, ts in labels.items() for t in ts.split()),
        "lyrl2004_tokens_train.dat": "".join(f".I {number}\n.W\nword other\n\n" for number in TRAIN),
    }
    lines = [("None", "Root"), *((parent, child) for child, parent in topics.items())]
    official = "".join(f"parent: {p:8} child: {c:8} child-description: WORDS OF {c}\n" for p, c in lines)
    (folder / "rcv1.topics.hier.orig").write_text(official)
    for name, text in files.items():
        if compressed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(text.encode()))
        else:
            (folder / name).write_text(text)
    return folder


def unpacked(folder, stories):
    day = folder / "rcv1" / "19960820"
    day.mkdir(parents=True)
    for number, content in stories.items():
        (day / f"{number}newsML.xml").write_bytes(content)
    return folder


def archived(folder, stories, mode="xz", prefix="rcv1/19960820/", extra=()):
    path = folder / "rcv1.tar.xz"
    with tarfile.open(path, f"w:{mode}") as tar:
        for number, content in random.Random(0).sample(sorted(stories.items()), len(stories)):
            info = tarfile.TarInfo(f"{prefix}{number}newsML.xml")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        for info in extra:
            tar.addfile(info)
    return path


def zipped(folder, stories):
    (folder / "CD1").mkdir()
    for number, content in stories.items():
        with zipfile.ZipFile(folder / "CD1" / f"1996{number % 3:04}.zip", "a", zipfile.ZIP_DEFLATED) as day:
            day.writestr(f"{number}newsML.xml", content)
    return folder


def made(folder, tmp_path, **options):
    return write(rcv1.read(folder, **options), tmp_path / "out", name="rcv1", options={})


def documents(folder, **options):
    return {document.doc_id: document for document in rcv1.read(folder, **options).documents}


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


def test_the_text_is_the_paragraphs_of_the_body(tmp_path):
    folder = unpacked(
        put_lists(tmp_path / "r"), some(_2286=story(2286, "Caf\xe9 prices rose 3.5%.", "It's <b>the</b> end &lt;x&gt;"))
    )
    assert documents(folder, form="natural")["2286"].text == "café prices rose 3.5%. it's the end <x>"
    assert documents(folder, form="natural", join="none")["2286"].text == "café prices rose 3.5%.it's the end <x>"
    assert documents(folder)["2286"].text == "caf prices rose 's end"
    # Without a space the point parts the words of the word form all the same; other ends do not.
    assert documents(folder, join="none")["2286"].text == "caf prices rose 's end"
    assert documents(folder)["2287"].text == "2287 talks say"
    assert documents(folder, join="none")["26152"].labels == ("CCAT", "C15")


def test_stories_without_text_are_dropped_and_counted(tmp_path):
    empty = some(
        _2290=story(2290, body=""),
        _26151=story(26151, body="<text/>"),
        _26152=story(26152, body="<text><p/><p> </p></text>"),
    )
    corpus = made(unpacked(put_lists(tmp_path / "r"), empty), tmp_path)
    kept = [number for number in TRAIN + TEST if number not in (2290, 26151, 26152)]
    assert corpus.doc_ids(np.arange(15)) == [str(number) for number in kept]
    assert "3 stories without text were dropped, as in HGCLR." in corpus.notes
    # A text of stop words alone is a text.
    words = made(unpacked(put_lists(tmp_path / "w"), some(_2290=story(2290, "The 1 of it"))), tmp_path)
    assert next(words.texts(np.array([2]))) == "the 1 of it"
    assert "1 stories without a word of the word form keep their natural text." in words.notes


def test_topics_that_are_cut_off_at_a_line_are_refused(tmp_path):
    folder = unpacked(put_lists(tmp_path / "r"), some())
    path = folder / "rcv1-v2.topics.qrels"
    whole = path.read_text().splitlines(keepends=True)
    assert documents(folder)["26150"].labels == ("GCAT",)
    path.write_text("".join(line for line in whole if " 26151 " not in line and " 2290 " not in line))
    with pytest.raises(DataError, match="2 of the 18 stories of rcv1v2-ids.dat have no line in .*qrels, first 2290"):
        documents(folder)
    assert rcv1.published({"val": "hitin"})["documents without labels"] == 0


@pytest.mark.parametrize("num", [10, 25, 30, 1234, 23_149])
def test_validation_sets_are_those_of_pandas_and_scikit_learn(num):
    frame = pd.DataFrame({"id": np.arange(num)}, index=np.arange(num) * 3)
    assert rcv1.validation_positions(num, "hitin") == frame.sample(frac=0.1, random_state=7, axis=0)["id"].tolist()
    assert (
        rcv1.validation_positions(num, "hgclr") == train_test_split(list(range(num)), test_size=0.1, random_state=0)[1]
    )


def test_published_sizes_by_formula():
    assert rcv1.NUM_STORIES - rcv1.NUM_TRAIN == 781_265
    hitin, hgclr = (rcv1.validation_positions(23_149, val) for val in ("hitin", "hgclr"))
    assert len(hitin) == len(hgclr) == 2_315 and 23_149 - 2_315 == 20_834
    # Two different sets: they share about a tenth, as two independent draws do.
    assert len(set(hitin) & set(hgclr)) == pytest.approx(231.5, abs=45)


def test_each_validation_convention_is_taken_at_its_word(tmp_path):
    folder = unpacked(put_lists(tmp_path / "r"), some(_2286=story(2286, body="")))

    def val(**options):
        return {int(doc_id) for doc_id, one in documents(folder, **options).items() if one.split == "val"}

    # HiTIN draws among all training stories, HGCLR among those that have a text.
    assert val() == {TRAIN[place] for place in rcv1.validation_positions(15, "hitin")} - {2286}
    assert val(val="hgclr") == {TRAIN[1:][place] for place in rcv1.validation_positions(14, "hgclr")}
    (tmp_path / "val.txt").write_text("2300\n.I 26150\n")
    assert val(val="file", val_file=str(tmp_path / "val.txt")) == {2300, 26150}
    (tmp_path / "val.txt").write_text("2300\n26151\n")
    with pytest.raises(DataError, match="has to hold the numbers of training stories"):
        val(val="file", val_file=str(tmp_path / "val.txt"))
    with pytest.raises(DataError, match="val=file and val_file=PATH go together"):
        val(val="file")


def test_the_official_hierarchy_has_103_topics(tmp_path):
    folder = tmp_path / "r"
    folder.mkdir()
    (folder / "rcv1.topics.hier.orig").symlink_to(shared("data/taxonomies/rcv1.topics.hier.orig"))
    official, notes = rcv1_lists.hierarchy(folder, "")
    assert len(official) == 103 and notes == [] and "GMIL" in official.index and official.is_tree
    assert np.bincount(official.levels)[1:].tolist() == [4, 55, 43, 1]
    sizes = {official.labels[root]: len(b) for root, b in zip(official.roots, official.branches(), strict=True)}
    assert sizes == {"CCAT": 34, "GCAT": 33, "ECAT": 26, "MCAT": 10}
    assert sum(len(b) ** 2 for b in official.branches()) / 103**2 == pytest.approx(0.285, abs=5e-4)
    (folder / "rcv1.topics.hier.orig").unlink()
    (folder / "rcv1.taxonomy").symlink_to(shared("data/taxonomies/rcv1.hitin.taxonomy"))
    lacking, notes = rcv1_lists.hierarchy(folder, "")
    assert len(lacking) == 102 and notes[0].startswith("Warning: rcv1.taxonomy lacks GMIL")
    assert set(official.labels) - set(lacking.labels) == {"GMIL"}
    assert sum(len(b) ** 2 for b in lacking.branches()) / 102**2 == pytest.approx(0.284, abs=5e-4)
    (folder / "rcv1.taxonomy").unlink()
    (folder / "rcv1.hiagm.taxonomy").symlink_to(shared("data/taxonomies/rcv1.hiagm.taxonomy"))
    assert set(rcv1_lists.hierarchy(folder, "")[0].labels) == set(official.labels)


def test_without_gmil_its_stories_are_kept(tmp_path):
    topics = {topic: parent for topic, parent in TOPICS.items() if topic != "GMIL"}
    folder = unpacked(put_lists(tmp_path / "r", topics=topics), some())
    corpus = made(folder, tmp_path)
    assert corpus.num_documents == 18 and any("lacks GMIL" in note for note in corpus.notes)
    with pytest.raises(DataError, match="1 x label that the hierarchy does not have, first 'M11'"):
        made(unpacked(put_lists(tmp_path / "s", labels=LABELS | {2300: "M11"}), some()), tmp_path)


PARAMETER = '<!DOCTYPE x [<!ENTITY % a SYSTEM "file:///etc/passwd"> %a;]>\n'
BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>\n'
FILE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>\n'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (story(2290, "&b;", head=BOMB), "story 2290, line 2: declares the entity 'a'"),
        (story(2290, "&a;", head=FILE), "story 2290, line 2: declares the entity 'a'"),
        (story(2290, head=PARAMETER), "story 2290, line 2: declares the entity 'a'"),
        (story(2290, "&nbsp;"), "story 2290, line 7: not well-formed XML .undefined entity"),
        (story(2290)[:-30], "story 2290, line 11: not well-formed XML"),
        (b"", "story 2290, line 1: not well-formed XML"),
    ],
)
def test_entities_are_never_expanded(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        documents(unpacked(put_lists(tmp_path / "r"), some(_2290=content)))


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


@pytest.mark.parametrize("name", ["rcv1v2-ids.dat", "rcv1-v2.topics.qrels", "lyrl2004_tokens_train.dat"])
def test_missing_lists_are_named(tmp_path, name):
    folder = unpacked(put_lists(tmp_path / "r"), some())
    (folder / name).unlink()
    with pytest.raises(DataError, match=f"does not hold {name}; --source is a folder with the stories"):
        documents(folder)


@pytest.mark.parametrize(
    ("name", "line", "message"),
    [
        ("rcv1v2-ids.dat", "2286 x\n", "rcv1v2-ids.dat, line 1: '2286 x' is not the number of a story"),
        ("rcv1v2-ids.dat", "2286\n2287\n", "13 training stories are not in rcv1v2-ids.dat"),
        ("rcv1-v2.topics.qrels", "CCAT 2286\n", "qrels, line 1: 'CCAT 2286' is not `TOPIC NUMBER 1`"),
        ("lyrl2004_tokens_train.dat", "2286\n", "has no line `.I NUMBER`"),
        ("rcv1.topics.hier.orig", "CCAT\tC15\n", "line 1: .* is not `parent: X child: Y child-description: Z`"),
    ],
)
def test_lines_of_other_lists_are_refused(tmp_path, name, line, message):
    folder = unpacked(put_lists(tmp_path / "r"), some())
    (folder / name).write_text(line)
    with pytest.raises(DataError, match=message):
        documents(folder)


def test_a_list_that_is_cut_off_is_refused(tmp_path):
    folder = unpacked(put_lists(tmp_path / "r", compressed=True), some())
    path = folder / "rcv1-v2.topics.qrels.gz"
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(DataError, match="qrels.gz cannot be read to its end"):
        documents(folder)


def test_a_folder_without_stories_is_refused(tmp_path):
    with pytest.raises(DataError, match="holds no stories .*, no daily zips .* and no rcv1.tar.xz"):
        documents(put_lists(tmp_path / "r"))


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


WHOLE = """
import resource, sys
from pathlib import Path
from datasets.check import preflight
from datasets.prepare import parse_options, prepare
import numpy as np
source, data = map(Path, sys.argv[1:])
corpus = prepare("rcv1", source, {}, data)
print("GB", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
print("\\n".join(preflight(corpus, parse_options("rcv1", {}).model_dump(), np.full(corpus.num_documents, 9), "x")))
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_whole_size_in_daily_zips_takes_less_than_4_gb(tmp_path):
    folder = put_lists(tmp_path / "r")
    train = [*range(2286, 2286 + 23_148), 26_150]
    numbers = [*train, *range(26_151, 26_151 + 781_265)]
    (folder / "rcv1v2-ids.dat").write_text("".join(f"{number}\n" for number in numbers))
    (folder / "lyrl2004_tokens_train.dat").write_text("".join(f".I {number}\n.W\nw\n\n" for number in train))
    (folder / "rcv1-v2.topics.qrels").write_text("".join(f"CCAT {n} 1\nC15 {n} 1\n" for n in numbers))
    words = " ".join(["trade", "the", "bank", "said", "3.5%"] * 20)
    per_day = -(-len(numbers) // 365)
    for day in range(365):
        with zipfile.ZipFile(folder / f"1996{day:04}.zip", "w") as file:
            for number in numbers[day * per_day : (day + 1) * per_day]:
                file.writestr(f"{number}newsML.xml", story(number, words))
    command = [sys.executable, "-c", WHOLE, str(folder), str(tmp_path / "data")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    said = done.stdout.splitlines()
    print(said[0])
    assert float(said[0].split()[1]) < 4
    for line in ("documents:", "train documents:", "val documents:", "test documents:"):
        assert any(one.startswith(line) and one.endswith("(as published)") for one in said)
    assert "split: validation set of hitin, drawn from 23,149 training stories" in said


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


def test_a_dropped_training_story_leaves_the_convention_of_hitin_untold(tmp_path):
    stories = some(_2286=story(2286, body=""))
    folder = unpacked(put_lists(tmp_path / "r"), stories)
    assert rcv1.convention(made(folder, tmp_path)).startswith(
        "cannot be determined: HiTIN draws among all training stories"
    )
    drawn = made(folder, tmp_path, val="hgclr")
    assert rcv1.convention(drawn) == "validation set of hgclr, drawn from 14 training stories"
    whole = made(unpacked(put_lists(tmp_path / "w"), some()), tmp_path)
    assert rcv1.convention(whole) == "validation set of hitin, drawn from 15 training stories"


def test_the_training_stories_are_seen_to_pass_before_the_first_document(tmp_path, capsys):
    raw = rcv1.read(unpacked(put_lists(tmp_path / "r"), some()))
    with show_progress():
        assert next(iter(raw.documents)).doc_id == "2286"
    assert capsys.readouterr().err == "15 training stories\n"


def test_the_published_branches_add_up():
    def total(what, **options):
        counts = rcv1.published({"val": "hitin"} | options)
        return sum(counts.get(f"branch {name} {what}", 0) for name in ("CCAT", "GCAT", "MCAT", "ECAT"))

    assert total("labels") == 103 and total("train+val") == 27_087 and total("val") == 0
    assert total("val", val="file") == 1_083 + 686 + 573 + 362
