"""Small collections of book blurbs in the formats of BGC and GermEval 2019."""

import zipfile

from datasets.corpora import bgc, germeval
from datasets.storage.corpus import write

READERS = {"bgc": bgc, "germeval": germeval}


FILES = {
    "bgc": [f"BlurbGenreCollection_EN_{part}.txt" for part in ("train", "dev", "test")],
    "germeval": ["blurbs_train.txt", "blurbs_dev.txt", "blurbs_test.txt"],
}


def english(isbn, title, body, *paths):
    """A book of BGC; paths are tuples of genres from the top."""
    genres = dict.fromkeys((depth, genre) for path in paths for depth, genre in enumerate(path))
    topics = "".join(f"<d{depth}>{genre}</d{depth}>" for depth, genre in genres)
    return (
        f'<book date="2018-08-18" xml:lang="en"> \n<title>{title}</title>\n<body>{body}</body>\n'
        f"<copyright>(c) Penguin Random House</copyright>\n<metadata>\n<topics>\n{topics}\n</topics>\n"
        f"<author>A. Writer</author>\n<published>Sep 01, 2000 </published>\n<page_num> 100 Pages</page_num>\n"
        f"<isbn>{isbn}</isbn>\n<url>https://www.penguinrandomhouse.com/books/1/x/</url>\n</metadata>\n</book>\n"
    )


def german(isbn, title, body, *paths):
    """A book of GermEval; the last genre of a path is marked."""
    categories = "".join(
        "<category>\n"
        + "".join(
            f'<topic d="{depth}"{" label=" + chr(34) + "True" + chr(34) if depth == len(path) - 1 else ""}>{genre}'
            "</topic>\n"
            for depth, genre in enumerate(path)
        )
        + "</category>\n"
        for path in paths
    )
    return (
        f'<book date="2019-01-04" xml:lang="de">\n<title>{title}</title>\n<body>{body}</body>\n'
        f"<copyright>(c) Verlagsgruppe Random House GmbH</copyright>\n<categories>\n{categories}</categories>\n"
        f"<authors>A. Autor</authors>\n<published>2015-02-09</published>\n<isbn>{isbn}</isbn>\n"
        "<url>https://www.randomhouse.de/x</url>\n</book>\n"
    )


BOOK = {"bgc": english, "germeval": german}


# `Fantasy` lies below two genres of two branches, `Poetry` is alone, `Boxed Sets` is in no book.
HIERARCHY = (
    "Literatur & Unterhaltung\tFantasy\nKinderbuch & Jugendbuch\tFantasy\nFantasy\tUrban, Öko & Co.\n"
    "Kinderbuch & Jugendbuch\tBoxed Sets\nPoetry\n"
)


BOOKS = [
    [("1", "Eins", "Tom & Jerry's „Größe“ < 3", ("Literatur & Unterhaltung", "Fantasy", "Urban, Öko & Co."))],
    [("2", "Zwei", "zwei", ("Poetry",), ("Kinderbuch & Jugendbuch",))],
    [("3", "Drei", "AT&amp;T &#38; Q&A", ("Kinderbuch & Jugendbuch", "Fantasy"))],
]


def put(folder, name, books=BOOKS, hierarchy=HIERARCHY):
    folder.mkdir(exist_ok=True)
    for file, some in zip(FILES[name], books, strict=True):
        (folder / file).write_text("".join(BOOK[name](*one) for one in some), "utf-8")
    (folder / "hierarchy.txt").write_text(hierarchy, "utf-8")
    return folder


def zipped(folder, path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.iterdir()):
            archive.writestr(f"__MACOSX/._{file.name}", b"\0")
            archive.write(file, f"public/{file.name}")
    return path


def made(source, tmp_path, name, **options):
    return write(READERS[name].read(source, **options), tmp_path / "out", name=name, options={})


def complete(name, levels, tmp_path):
    """Returns the corpus of a collection of the published size, with made-up books and six genres without books."""
    genres = [[f"{level}.{number}" for number in range(size)] for level, size in enumerate(levels)]
    paths = [(genre,) for genre in genres[0]]
    for below in genres[1:]:
        deepest = [path for path in paths if len(path) == len(paths[-1])]
        paths += [(*deepest[number % len(deepest)], genre) for number, genre in enumerate(below)]
    unused = [("0.0", f"unused {number}") for number in range(6)]
    hierarchy = "".join("\t".join(path[-2:]) + "\n" for path in [*paths, *unused])
    books, isbn = [], 0
    for size in READERS[name]._BLURBS.sizes:
        books.append([(isbn + n, "T", "blurb", paths[n % len(paths)]) for n in range(size)])
        isbn += size
    return made(zipped(put(tmp_path / "a", name, books, hierarchy), tmp_path / "data.zip"), tmp_path, name)
