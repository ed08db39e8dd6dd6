"""A small Reuters corpus in each of its packings, with its lists."""

import gzip
import io
import random
import tarfile
import zipfile

from datasets.corpora import rcv1
from datasets.storage.corpus import write

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
