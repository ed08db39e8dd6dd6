"""The New York Times corpus: articles of the published lists, their texts and their labels."""

import io
import tarfile

import numpy as np
import pyarrow as pa
import pytest

from datasets.corpora import nyt
from datasets.storage.corpus import write
from harness.core.errors import DataError
from tests.shared import shared

TAXONOMY = (
    "Root\tTop/News\tTop/Features\n"
    "Top/News\tTop/News/Sports\tTop/News/Business\n"
    "Top/News/Business\tTop/News/Business/Media, Entertainment and Publishing\n"
    "Top/Features\tTop/Features/Arts\n"
)
LISTS = {
    "train": [("1987", "0000002"), ("1987", "0000001"), ("2007", "1800001")],
    "val": [("1987", "0000004")],
    "test": [("2007", "1800002")],
}


def article(number, *paragraphs, classifiers=("Top/News/Sports/Baseball",), head="", kind="taxonomic_classifier"):
    body = "".join(f"<p>{p}</p>\n" for p in ("LEAD: " + number, *(paragraphs or (f"Text of {number[-1]}, he said.",))))
    found = "".join(f'<classifier class="online_producer" type="{kind}">{one}</classifier>' for one in classifiers)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'{head or DOCTYPE}<nitf change.date="June 10, 2005"><head><title>T</title><docdata><identified-content>{found}'
        '<classifier class="online_producer" type="types_of_material">Top/News/Business/Editorial</classifier>'
        f'</identified-content></docdata></head><body><body.content><block class="full_text">{body}'
        "</block></body.content></body></nitf>\n"
    ).encode()


DOCTYPE = '<!DOCTYPE nitf SYSTEM "http://www.nitf.org/IPTC/NITF/3.3/specification/dtd/nitf-3-3.dtd">\n'
BOMB = '<!DOCTYPE nitf [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>\n'


def month(folder, year, name, articles, prefix=None, extra=()):
    path = folder / "nyt_corpus" / "data" / year / f"{name}.tgz"
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as tar:
        for number, content in articles.items():
            info = tarfile.TarInfo(f"{name}/01/{number}.xml" if prefix is None else f"{prefix}{number}.xml")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        for info in extra:
            tar.addfile(info)
    return path


def lists(folder, compressed=False):
    folder.mkdir(exist_ok=True)
    (folder / "nyt.taxonomy").write_text(TAXONOMY)
    for split, articles in LISTS.items():
        text = "".join(f"Nytimes/{year}/{number}.xml\n" for year, number in articles)
        with pa.output_stream(f"{folder}/idnewnyt_{split}.json" + ".zst" * compressed, compression="detect") as stream:
            stream.write(text.encode())
    return folder


def corpus_folder(folder, prefix=None, compressed=False, **changes):
    """The month 01 of 1987 holds an article that no list names, and one whose number 2007 has too."""
    wanted = {number: article(number) for pairs in LISTS.values() for _, number in pairs}
    wanted |= {number[1:]: content for number, content in changes.items()}
    lists(folder, compressed)
    month(folder, "1987", "01", {n: wanted[n] for n in ("0000001", "0000002")} | {"0000003": article("x")}, prefix)
    month(folder, "1987", "02", {"0000004": wanted["0000004"], "1800001": article("x", "wrong year")}, prefix)
    month(folder, "2007", "06", {n: wanted[n] for n in ("1800002", "1800001")}, prefix)
    return folder


def documents(folder, **options):
    return {document.doc_id: document for document in nyt.read(folder, **options).documents}


def test_listed_articles_come_in_the_order_of_the_lists(tmp_path):
    folder = corpus_folder(tmp_path / "n")
    corpus = write(nyt.read(folder), tmp_path / "out", name="nyt", options={})
    assert corpus.doc_ids(np.arange(5)) == ["/".join(one) for articles in LISTS.values() for one in articles]
    assert corpus.meta["counts"]["splits"] == {"train": 3, "val": 1, "test": 1}
    assert next(corpus.texts(np.array([2]))) == "text said"
    assert "idnewnyt_train.json is not the published list (SHA-256): 3 articles, published 23,345." in corpus.notes
    packed = corpus_folder(tmp_path / "packed", compressed=True)
    assert write(nyt.read(packed), tmp_path / "out", name="nyt", options={}).fingerprint == corpus.fingerprint


def test_an_article_that_is_listed_again_is_a_document_again(tmp_path):
    folder = corpus_folder(tmp_path / "n")
    (folder / "idnewnyt_test.json").write_text("Nytimes/1987/0000001.xml\nNytimes/1987/0000001.xml\n")
    corpus = write(nyt.read(folder), tmp_path / "out", name="nyt", options={})
    assert corpus.doc_ids(corpus.rows("test")) == ["1987/0000001#2", "1987/0000001#3"]
    assert any(note.startswith("The id lists name 2 articles again, and 1 test articles") for note in corpus.notes)


def test_the_text_is_all_paragraphs_but_the_first(tmp_path):
    folder = corpus_folder(
        tmp_path / "n", _0000001=article("1", "It’s 3.5% of U.S. trade.", "They don't &amp; <b>won't</b>")
    )
    assert documents(folder, form="natural")["1987/0000001"].text == "it’s 3.5% of u.s. trade. they don't & won't"
    assert (
        documents(folder, form="natural", join="none")["1987/0000001"].text
        == "it’s 3.5% of u.s. trade.they don't & won't"
    )
    # Digits go; the points of 'U.S.' go without a space; one letter stays unless it is a stop word.
    assert documents(folder)["1987/0000001"].text == "us trade n't wo n't"
    assert documents(folder, join="none")["1987/0000001"].text == "us tradethey n't wo n't"


def test_articles_without_text_are_dropped_and_counted(tmp_path):
    no_body = b"<nitf><head><docdata/></head><body/></nitf>"
    folder = corpus_folder(
        tmp_path / "n", _0000001=article("1", " "), _0000002=no_body, _1800001=article("1", "The 3 of it")
    )
    corpus = write(nyt.read(folder), tmp_path / "out", name="nyt", options={})
    assert corpus.doc_ids(np.arange(3)) == ["2007/1800001", "1987/0000004", "2007/1800002"]
    assert "2 articles without text were dropped, as in HiAGM." in corpus.notes
    assert next(corpus.texts(np.array([0]))) == "the 3 of it"


@pytest.mark.parametrize(
    ("classifiers", "labels"),
    [
        (["Top/News/Sports/Baseball"], ("Top/News", "Top/News/Sports")),
        # Too short a path says nothing, even when it is a label.
        (["Top/News", "Top/Features/Arts/Music"], ("Top/Features", "Top/Features/Arts")),
        (
            ["Top/News/Business/Media, Entertainment and Publishing", "Top/News/Business/Unknown/Sports"],
            ("Top/News", "Top/News/Business", "Top/News/Business/Media, Entertainment and Publishing"),
        ),
        (["Top/Opinion/Editorials/x"], ()),
        ([], ()),
    ],
)
def test_labels_are_the_known_prefixes_of_long_paths(tmp_path, classifiers, labels):
    folder = corpus_folder(tmp_path / "n", _0000001=article("1", classifiers=classifiers))
    assert documents(folder)["1987/0000001"].labels == labels


def test_other_classifiers_are_not_labels(tmp_path):
    folder = corpus_folder(tmp_path / "n", _0000001=article("1", kind="descriptor"))
    assert documents(folder)["1987/0000001"].labels == ()


def test_the_published_lists_pass_their_checksums(tmp_path):
    for name in ("nyt.taxonomy",):
        (tmp_path / name).symlink_to(shared(f"data/taxonomies/{name}"))
    notes: list[str] = []
    found = {}
    for split in ("train", "val", "test"):
        (tmp_path / f"idnewnyt_{split}.json.zst").symlink_to(shared(f"data/nyt/idnewnyt_{split}.json.zst"))
        found[split] = nyt._ids(tmp_path, split, notes)
    assert notes == [] and {split: len(articles) for split, articles in found.items()} == nyt.SIZES
    everything = [one for articles in found.values() for one in articles]
    assert len(everything) == 36_471 == sum(nyt.SIZES.values())
    # The lists repeat themselves, and leak: 20 test articles are in train, 6 in val, 4 of these in both.
    assert len(set(everything)) == 36_355
    assert {split: len(set(articles)) for split, articles in found.items()} == {
        "train": 23_280,
        "val": 5_833,
        "test": 7_281,
    }
    assert [len(set(found["test"]) & set(found[split])) for split in ("train", "val")] == [20, 6]
    assert nyt._repeated(found) == [
        "The id lists name 116 articles again, and 22 test articles are also in train or val; all are kept, as in the "
        "literature."
    ]
    assert {year for year, _ in everything} == {str(year) for year in range(1987, 2008)}
    # Numbers are unique across years, so that months and years could be flattened.
    assert len({number for _, number in everything}) == 36_355
    assert nyt._sha256(tmp_path / "nyt.taxonomy").startswith(nyt.TAXONOMY)


def test_the_published_taxonomy_has_166_labels_in_4_branches():
    tree = nyt.read_taxonomy(shared("data/taxonomies/nyt.taxonomy"))
    assert len(tree) == 166 and tree.is_tree
    assert np.bincount(tree.levels)[1:].tolist() == [4, 27, 51, 47, 17, 12, 6, 2]
    sizes = {tree.labels[root]: len(branch) for root, branch in zip(tree.roots, tree.branches(), strict=True)}
    assert sizes == {"Top/News": 74, "Top/Features": 62, "Top/Classifieds": 23, "Top/Opinion": 7}
    assert sum(size**2 for size in sizes.values()) / 166**2 == pytest.approx(0.359, abs=5e-4)
    assert all(tree.labels[child].startswith(tree.labels[parent] + "/") for parent, child in tree.edges)
    vocabulary = shared("data/taxonomies/nyt_label.vocab").read_text("utf-8").split("\n")
    assert set(tree.labels) == {name for name in vocabulary if name} - {"Root"}


@pytest.mark.parametrize("prefix", ["/etc/", "../../../../tmp/", "./"])
def test_names_that_lead_elsewhere_lead_nowhere(tmp_path, prefix):
    folder = corpus_folder(tmp_path / "n", prefix=prefix)
    (tmp_path / "secret.xml").write_bytes(article("9", "secret"))
    link = tarfile.TarInfo("06/01/1800002.xml")
    link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path / "secret.xml")
    month(folder, "2007", "07", {}, extra=[link])
    before = sorted(tmp_path.rglob("*"))
    assert documents(folder)["2007/1800002"].text == "text said"
    assert sorted(tmp_path.rglob("*")) == before


def test_an_archive_that_is_cut_off_is_named(tmp_path):
    folder = corpus_folder(tmp_path / "n")
    path = folder / "nyt_corpus/data/2007/06.tgz"
    whole = path.read_bytes()
    for size in range(0, len(whole) - 60, max(1, len(whole) // 25)):
        path.write_bytes(whole[:size])
        with pytest.raises(DataError, match="06.tgz cannot be read to its end|2 of the 5 listed articles are not in"):
            documents(folder)


def test_a_missing_or_doubled_month_is_told(tmp_path):
    folder = corpus_folder(tmp_path / "n")
    month(folder, "2007", "05", {"1800001": article("1800001")})
    with pytest.raises(DataError, match="06.tgz holds article 2007/1800001 a second time"):
        documents(folder)
    (folder / "nyt_corpus/data/2007/05.tgz").unlink()
    (folder / "nyt_corpus/data/1987/02.tgz").unlink()
    with pytest.raises(DataError, match="1 of the 5 listed articles are not in the 2 archives, first 1987/0000004"):
        documents(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (article("1", "&b;", head=BOMB), "article 0000001, line 2: declares the entity 'a'"),
        (article("1")[:-40], "article 0000001, line 4: not well-formed XML"),
        (article("1").replace(b"UTF-8", b"US-ASCII").replace(b"he said", b"h\xe9 said"), "not well-formed XML"),
    ],
)
def test_broken_and_hostile_articles_are_named(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        documents(corpus_folder(tmp_path / "n", _0000001=content))


def test_entities_of_the_document_type_are_neither_fetched_nor_expanded(tmp_path):
    folder = corpus_folder(tmp_path / "n", _0000001=article("1", "fish &weird; &#38; chips"))
    assert documents(folder, form="natural")["1987/0000001"].text == "fish  & chips"


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(DataError, match="holds no monthly archives YYYY/MM.tgz"):
        nyt.read(lists(tmp_path / "n"))
    (tmp_path / "n" / "idnewnyt_val.json").write_text("1987/0000004\n")
    with pytest.raises(DataError, match="idnewnyt_val.json, line 1: '1987/0000004' is not `Nytimes/YYYY/NUMBER.xml`"):
        nyt.read(tmp_path / "n")
    (tmp_path / "n" / "idnewnyt_val.json").unlink()
    with pytest.raises(DataError, match="does not hold idnewnyt_val.json"):
        nyt.read(tmp_path / "n")


def test_no_flipped_byte_of_a_month_gives_other_documents(tmp_path):
    folder = corpus_folder(tmp_path / "n")
    expected = documents(folder)
    path = folder / "nyt_corpus/data/2007/06.tgz"
    whole = path.read_bytes()
    refused = 0
    for place in range(10, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x20]) + whole[place + 1 :])
        try:
            assert documents(folder) == expected
        except DataError as error:
            # Damage that tears the XML is told as such before the checksum is reached.
            assert "06.tgz cannot be read to its end" in str(error) or "06.tgz, article 180000" in str(error)
            refused += 1
    assert refused > 50


def test_a_month_may_be_a_link_into_another_folder(tmp_path):
    folder = corpus_folder(tmp_path / "n")
    expected = documents(folder)
    path = folder / "nyt_corpus/data/2007/06.tgz"
    path.rename(tmp_path / "elsewhere.tgz")
    path.symlink_to(tmp_path / "elsewhere.tgz")
    assert documents(folder) == expected


def test_missing_articles_are_counted_once_however_often_they_are_listed(tmp_path):
    folder = corpus_folder(tmp_path / "n")
    (folder / "idnewnyt_test.json").write_text("Nytimes/2007/1800002.xml\n" * 5)
    (folder / "nyt_corpus/data/2007/06.tgz").unlink()
    with pytest.raises(DataError, match="2 of the 5 listed articles are not in the 2 archives, first 2007/1800001"):
        documents(folder)
