"""20 Newsgroups by date: packings, texts, labels, validation, and published counts."""

import io
import tarfile

import numpy as np
import pytest

from datasets.check import preflight
from datasets.corpora import newsgroups
from datasets.prepare import parse_options, prepare
from datasets.storage.corpus import write
from harness.core.errors import DataError

SIZES = {
    "alt.atheism": (480, 319), "comp.graphics": (584, 389), "comp.os.ms-windows.misc": (591, 394),
    "comp.sys.ibm.pc.hardware": (590, 392), "comp.sys.mac.hardware": (578, 385), "comp.windows.x": (593, 395),
    "misc.forsale": (585, 390), "rec.autos": (594, 396), "rec.motorcycles": (598, 398),
    "rec.sport.baseball": (597, 397), "rec.sport.hockey": (600, 399), "sci.crypt": (595, 396),
    "sci.electronics": (591, 393), "sci.med": (594, 396), "sci.space": (593, 394),
    "soc.religion.christian": (599, 398), "talk.politics.guns": (546, 364), "talk.politics.mideast": (564, 376),
    "talk.politics.misc": (465, 310), "talk.religion.misc": (377, 251),
}  # fmt: skip
"""Training and test messages of each group in the by-date version."""


def message(body, subject="Re: it", end=b"\n"):
    lines = [b"From: a@b.edu (A B)", b"Subject: " + subject.encode("latin-1"), b"Lines: 3", b"", body]
    return end.join(lines)


FILES = {
    "20news-bydate-train/alt.atheism/49960": message(b"caf\xe9 \x93talk\x94\n\nFrom: this is body\n\n-- \nA B"),
    "20news-bydate-train/alt.atheism/51060": message(b"> said\nno", end=b"\r\n"),
    "20news-bydate-train/rec.sport.hockey/9": message(b"goal"),
    "20news-bydate-train/rec.sport.hockey/10": message(b"  \n", subject="only a subject"),
    "20news-bydate-train/soc.religion.christian/20001": message(b"five"),
    "20news-bydate-test/alt.atheism/53068": message(b"later"),
    "20news-bydate-test/rec.autos/101551": message(b"car"),
}


def packed(path, files=FILES, extra=()):
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        for info in extra:
            tar.addfile(info)
    return path


def unpacked(folder, files=FILES):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def documents(source, **options):
    return {document.doc_id: document for document in newsgroups.read(source, **options).documents}


def test_archive_and_folders_are_the_same_corpus(tmp_path):
    (tmp_path / "x").mkdir()
    sources = [
        packed(tmp_path / "20news-bydate.tar.gz"),
        packed(tmp_path / "x" / "20news-bydate.tar.gz", dict(reversed(FILES.items()))).parent,
        unpacked(tmp_path / "y" / "z").parent,
    ]
    made = [
        write(newsgroups.read(source, val_share=0.2), tmp_path / "out", name="newsgroups", options={})
        for source in sources
    ]
    assert len({corpus.fingerprint for corpus in made}) == 1
    corpus = made[0]
    # By group, then by number, not as text.
    assert corpus.doc_ids(np.arange(7)) == [
        "alt.atheism/49960", "alt.atheism/51060", "alt.atheism/53068", "rec.autos/101551", "rec.sport.hockey/9",
        "rec.sport.hockey/10", "soc.religion.christian/20001",
    ]  # fmt: skip
    assert corpus.doc_ids(corpus.rows("test")) == ["alt.atheism/53068", "rec.autos/101551"]
    assert corpus.meta["counts"]["documents_not_closed"] == 0


def test_a_message_is_latin_1_and_its_body_begins_behind_the_first_blank_line(tmp_path):
    found = documents(packed(tmp_path / "a.tar.gz"))
    assert found["alt.atheism/49960"].text == "café \x93talk\x94\n\nFrom: this is body\n\n-- \nA B"
    assert found["alt.atheism/51060"].text == "> said\nno"


def test_a_message_without_a_body_keeps_its_subject(tmp_path):
    source = newsgroups.read(packed(tmp_path / "a.tar.gz", FILES | {"20news-bydate-test/rec.autos/1": b"From: a@b"}))
    found = {document.doc_id: document.text for document in source.documents}
    assert found["rec.sport.hockey/10"] == "only a subject" and found["rec.autos/1"] == "From: a@b"
    assert "2 messages without a body keep their subject." in source.notes


def test_labels_are_the_two_levels_of_a_groups_name(tmp_path):
    source = newsgroups.read(packed(tmp_path / "a.tar.gz"))
    tree = source.hierarchy
    groups = ("alt.atheism", "rec.autos", "rec.sport.hockey", "soc.religion.christian")
    assert tree.labels == ("alt", "rec", "soc", *groups)
    assert tree.is_tree and [len(branch) for branch in tree.branches()] == [2, 3, 2]
    assert {document.labels for document in source.documents} == {
        ("alt", "alt.atheism"), ("rec", "rec.autos"), ("rec", "rec.sport.hockey"), ("soc", "soc.religion.christian"),
    }  # fmt: skip


def test_validation_is_drawn_from_the_training_messages_with_a_seed(tmp_path):
    files = {f"20news-bydate-train/sci.med/{number}": message(b"x") for number in range(100)}
    source = packed(tmp_path / "a.tar.gz", files | {"20news-bydate-test/sci.med/500": message(b"y")})
    found = documents(source, val_share=0.2, seed=3)
    drawn = {int(name.split("/")[1]) for name, one in found.items() if one.split == "val"}
    assert drawn == set(np.random.RandomState(3).permutation(100)[:20].tolist())
    assert found["sci.med/500"].split == "test"


@pytest.mark.slow
def test_the_complete_version_has_its_published_counts(tmp_path):
    files = {
        f"20news-bydate-{split}/{group}/{place * 1000 + number}": message(b"text")
        for group, sizes in SIZES.items()
        for place, (split, size) in enumerate(zip(("train", "test"), sizes, strict=True))
        for number in range(size)
    }
    corpus = prepare("newsgroups", packed(tmp_path / "20news-bydate.tar.gz", files), {}, tmp_path / "data")
    said = preflight(corpus, parse_options("newsgroups", {}).model_dump(), np.full(18_846, 9), "none")
    assert said[-1] == "published numbers: 29 checked, all equal."
    assert corpus.meta["counts"]["splits"] == {"train": 10_183, "val": 1_131, "test": 7_532}
    assert corpus.notes == ("Validation: 10% of the training messages, drawn with seed 0.",)
    assert newsgroups.published({"val_share": 0.25})["val documents"] == round(0.25 * 11_314)


def test_another_number_of_messages_is_noted(tmp_path):
    noted = "The source has 5 / 2 messages to 4 groups (train / test) instead of 11,314 / 7,532 to 20."
    assert noted in newsgroups.read(packed(tmp_path / "a.tar.gz")).notes


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["20news-18828/alt.atheism/49960"], "no messages 20news-bydate-train/GROUP/NUMBER; the versions 20news-19997"),
        (["20news-bydate-train/alt.atheism/1"], "no messages 20news-bydate-test/GROUP/NUMBER"),
        (["20news-bydate-test/alt.atheism/1", "20news-bydate-train/alt.atheism/._1"], "no messages 20news-bydate-tr"),
    ],
)
def test_other_versions_are_refused(tmp_path, names, message):
    with pytest.raises(DataError, match=message):
        newsgroups.read(packed(tmp_path / "20news.tar.gz", dict.fromkeys(names, b"S: x\n\nbody")))


def test_a_folder_without_the_version_is_refused(tmp_path):
    packed(tmp_path / "20news-18828.tar.gz")
    with pytest.raises(DataError, match="holds neither 20news-bydate.tar.gz nor its folders; --source is 20news"):
        newsgroups.read(tmp_path)


def test_an_archive_that_is_cut_off_or_damaged_is_refused(tmp_path):
    path = packed(tmp_path / "20news-bydate.tar.gz")
    expected, whole = documents(path), path.read_bytes()
    for size in range(0, len(whole) - 1, 17):
        path.write_bytes(whole[:size])
        with pytest.raises(DataError, match="20news-bydate.tar.gz (cannot be read to its end|holds no messages)"):
            documents(path)
    for place in range(10, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x20]) + whole[place + 1 :])
        try:
            assert documents(path) == expected
        except DataError as error:
            assert "cannot be read to its end" in str(error)


def test_links_and_names_that_lead_elsewhere_lead_nowhere(tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(message(b"secret"))
    link = tarfile.TarInfo("20news-bydate-train/alt.atheism/7")
    link.type, link.linkname = tarfile.SYMTYPE, str(secret)
    path = packed(tmp_path / "a.tar.gz", {f"../../{name}": content for name, content in FILES.items()}, [link])
    before = sorted(tmp_path.rglob("*"))
    found = documents(path)
    assert len(found) == len(FILES) and not any("secret" in one.text for one in found.values())
    assert sorted(tmp_path.rglob("*")) == before


def test_one_message_twice_is_refused(tmp_path):
    twice = {"20news-bydate-test/alt.atheism/49960": message(b"again")}
    with pytest.raises(DataError, match="1 x document id that occurred before, first 'alt.atheism/49960'"):
        prepare("newsgroups", packed(tmp_path / "a.tar.gz", FILES | twice), {"val_share": "0.2"}, tmp_path / "data")
