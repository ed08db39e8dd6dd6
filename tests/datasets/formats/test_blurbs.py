"""Book blurbs in both markups: ampersands, closure, damage, and books that span lines."""

import numpy as np
import pytest

from harness.core.errors import DataError
from tests.datasets.blurb_files import BOOKS, FILES, READERS, made, put, zipped


def texts(corpus):
    return list(corpus.texts(np.arange(corpus.num_documents)))


def labels_of(corpus, row):
    return {corpus.hierarchy.labels[label] for label in corpus.labels(np.array([row])).indices}


@pytest.fixture(params=list(READERS))
def name(request):
    return request.param


def test_folder_and_zip_are_the_same_corpus(tmp_path, name):
    corpus = made(put(tmp_path / "a", name), tmp_path, name)
    assert corpus.doc_ids(np.arange(3)) == ["1", "2", "3"]
    assert corpus.meta["counts"]["splits"] == {"train": 1, "val": 1, "test": 1}
    assert made(zipped(tmp_path / "a", tmp_path / "data.zip"), tmp_path, name).fingerprint == corpus.fingerprint
    (tmp_path / "b").mkdir()
    (tmp_path / "a").rename(tmp_path / "b" / "a")
    assert made(tmp_path / "b", tmp_path, name).fingerprint == corpus.fingerprint


def test_a_zip_in_a_folder_is_found(tmp_path, name):
    folder = put(tmp_path / "a", name)
    expected = made(folder, tmp_path, name).fingerprint
    archive = {"bgc": "blurbgenrecollectionen.zip", "germeval": "germeval2019t1-public-data-final.zip"}[name]
    (tmp_path / "b").mkdir()
    zipped(folder, tmp_path / "b" / archive)
    assert made(tmp_path / "b", tmp_path, name).fingerprint == expected


def test_both_formats_say_the_same(tmp_path):
    assert len({made(put(tmp_path / name, name), tmp_path, name).fingerprint for name in READERS}) == 1


def test_ampersands_stand_for_themselves(tmp_path, name):
    corpus = made(put(tmp_path / "a", name), tmp_path, name)
    assert texts(corpus) == ["Tom & Jerry's „Größe“ < 3", "zwei", "AT&T & Q&A"]
    assert "Literatur & Unterhaltung" in corpus.hierarchy.labels and "Urban, Öko & Co." in corpus.hierarchy.labels


def test_gold_is_closed_over_all_parents_again(tmp_path, name):
    corpus = made(put(tmp_path / "a", name), tmp_path, name)
    both = {"Literatur & Unterhaltung", "Kinderbuch & Jugendbuch", "Fantasy"}
    assert labels_of(corpus, 0) == both | {"Urban, Öko & Co."} and labels_of(corpus, 2) == both
    assert labels_of(corpus, 1) == {"Poetry", "Kinderbuch & Jugendbuch"}
    assert corpus.meta["counts"]["documents_not_closed"] == 2


def test_genres_that_no_book_has_are_left_out(tmp_path, name):
    corpus = made(put(tmp_path / "a", name), tmp_path, name)
    assert "Boxed Sets" not in corpus.hierarchy.labels and len(corpus.hierarchy) == 5
    assert "1 of 6 genres of hierarchy.txt were left out: no book has them." in corpus.notes
    tops = [corpus.hierarchy.labels[root] for root in corpus.hierarchy.roots]
    assert tops == ["Literatur & Unterhaltung", "Kinderbuch & Jugendbuch", "Poetry"]


def test_a_book_without_a_blurb_keeps_its_title(tmp_path, name):
    books = [[*BOOKS[0], ("4", "Nur Titel", " ", ("Poetry",))], *BOOKS[1:]]
    folder = put(tmp_path / "a", name, books)
    corpus = made(folder, tmp_path, name)
    assert texts(corpus)[1] == "Nur Titel" and "1 books without a blurb keep their title." in corpus.notes
    assert texts(made(folder, tmp_path, name, title=True))[1:3] == ["Nur Titel", "Zwei\nzwei"]


def test_books_of_one_isbn_are_kept_and_counted(tmp_path, name):
    twice = [[*BOOKS[0], *BOOKS[0]], BOOKS[1], [*BOOKS[2], *BOOKS[1], ("", "Ohne", "ohne", ("Poetry",))]]
    corpus = made(put(tmp_path / "a", name, twice), tmp_path, name)
    assert corpus.doc_ids(np.arange(6)) == ["1", "1#2", "2", "3", "2#2", "test-3"]
    assert "2 books have an ISBN that came before, and 1 test books one of train or val; all are kept." in corpus.notes


def test_a_book_may_span_lines_and_a_line_may_hold_books(tmp_path, name):
    folder = put(tmp_path / "a", name)
    expected = made(folder, tmp_path, name).fingerprint
    train, dev, test = (folder / file for file in FILES[name])
    train.write_text("\ufeff" + train.read_text("utf-8").replace("\n", "\r\n"), "utf-8", newline="")
    text = dev.read_text("utf-8").replace("\n", "")
    dev.write_text(text + text.replace("<isbn>2<", "<isbn>5<") + "\n\n", "utf-8")
    again = made(folder, tmp_path, name)
    assert again.doc_ids(np.arange(4)) == ["1", "2", "5", "3"] and again.fingerprint != expected
    dev.write_text(text, "utf-8")
    assert made(folder, tmp_path, name).fingerprint == expected
    test.write_text(test.read_text("utf-8").replace("AT&amp;T &#38;", "AT&amp;T\n\n&#38;"), "utf-8")
    assert texts(made(folder, tmp_path, name))[2] == "AT&T\n\n& Q&A"


def test_a_file_that_is_cut_off_is_told(tmp_path, name):
    folder = put(tmp_path / "a", name)
    path = folder / FILES[name][0]
    whole = path.read_bytes().rstrip()
    for size in range(1, len(whole), 9):
        path.write_bytes(whole[:size])
        with pytest.raises(DataError, match=f"{path.name}.*(is cut off: the book in line 1 does not end|not UTF-8)"):
            made(folder, tmp_path, name)


def test_books_that_are_missing_are_noted(tmp_path, name):
    said = "The source has 1 / 1 / 1 books (train / dev / test) instead of "
    assert any(note.startswith(said) for note in made(put(tmp_path / "a", name), tmp_path, name).notes)


def test_no_flipped_byte_of_a_zip_gives_other_documents_or_a_traceback(tmp_path, name):
    path = zipped(put(tmp_path / "a", name), tmp_path / "data.zip")
    expected, whole = made(path, tmp_path, name).fingerprint, path.read_bytes()
    refused = 0
    for place in range(0, len(whole), 11):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x41]) + whole[place + 1 :])
        try:
            assert made(path, tmp_path, name).fingerprint == expected
        except DataError:
            refused += 1
    assert refused > 30


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<body>", "<text>", "line 1: a book has a <title> and a <body>"),
        ("<book ", "<buch ", "line 1: a <book> is needed here, not '<buch date="),
        ("Fantasy<", "Fantasie<", "1 x label that the hierarchy does not have, first 'Fantasie' of document '1'"),
    ],
)
def test_a_broken_book_is_named(tmp_path, name, old, new, message):
    folder = put(tmp_path / "a", name)
    path = folder / FILES[name][0]
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
    with pytest.raises(DataError, match=message):
        made(folder, tmp_path, name)


@pytest.mark.parametrize(
    ("hierarchy", "message"),
    [
        (b"a\tb\tc\n", "hierarchy.txt, line 1: .* is not `parent TAB child`"),
        (b"a\tb\nb\ta\n", "hierarchy.txt: The hierarchy has a cycle: (a > b > a|b > a > b)"),
        (b"a\t\xd6l\n", "hierarchy.txt, line 1, byte 2: not UTF-8"),
        (b"other\tgenres\n", "label that the hierarchy does not have"),
    ],
)
def test_a_broken_hierarchy_is_told(tmp_path, name, hierarchy, message):
    folder = put(tmp_path / "a", name)
    (folder / "hierarchy.txt").write_bytes(hierarchy)
    with pytest.raises(DataError, match=message):
        made(folder, tmp_path, name)


def test_files_without_genres_are_refused(tmp_path, name):
    folder = put(tmp_path / "a", name, [*BOOKS[:2], [("3", "Drei", "drei")]])
    with pytest.raises(DataError, match=f"no book of {FILES[name][2]} has a topic, so it is the file for participants"):
        made(folder, tmp_path, name)


def test_what_is_missing_is_named(tmp_path, name):
    folder = put(tmp_path / "a", name)
    (folder / FILES[name][1]).unlink()
    for source in (folder, zipped(folder, tmp_path / "data.zip")):
        with pytest.raises(DataError, match=f"holds no {FILES[name][1]}; --source is "):
            made(source, tmp_path, name)
    with pytest.raises(DataError, match=f"{FILES[name][0]} is neither a folder nor an archive; --source is "):
        made(folder / FILES[name][0], tmp_path, name)
