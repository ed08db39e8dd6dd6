"""How fast corpora are read, checked, written and tokenised, and how much memory it takes.

python -m tests.bench.corpora [--eurlex57k FOLDER]

EURLEX57K is the real one, if it is there; stories, articles and abstracts are made up, in the layout of the real files.
"""

import argparse
import io
import random
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from datasets.prepare import prepare
from datasets.storage.corpus import Corpus
from datasets.storage.tokens import tokenise
from models import TEXT_ENCODERS
from tests.bench.alone import alone
from tests.bench.measure import publish, table, verdict
from tests.shared import FOLDER

STORIES, RCV1, NYT, WOS = 20_000, 804_414, 36_471, 46_985
TOKENS = {"vocabulary": 8000, "max_length": 512}
EURLEX57K = {"taxonomy": "domains"}
MB, GB = 1e6, 1e9
WORDS = [f"{a}{b}{c}" for a in ("trade", "bank", "market", "oil", "vote") for b in "aeiou" for c in ("", "s", "ing")]
STOPS = ["the", "of", "to", "and", "it's", "in", "a", "3.5%,", "said."]


class Stage(NamedTuple):
    """One measured stage.

    Attributes:
        what: Its name.
        documents: How many passed.
        seconds: Wall time.
        peak: Bytes of memory at most, above what the process held before.
    """

    what: str
    documents: int
    seconds: float
    peak: int


def timed(work: Callable[[], int]) -> tuple[int, float]:
    """Returns what the work returns, a number of documents, and how long it took."""
    started = time.perf_counter()
    documents = work()
    return documents, time.perf_counter() - started


def stage(what: str, build: Callable[[], Callable[[], int]]) -> Stage:
    """Measures a stage in a process of its own."""
    outcome = alone(partial(_timed, build), 300)
    assert outcome.result is not None, f"{what}: the process died"
    documents, seconds = outcome.result
    return Stage(what, documents, seconds, outcome.peak)


def _timed(build: Callable[[], Callable[[], int]]) -> Callable[[], tuple[int, float]]:
    return partial(timed, build())


def preparing(name: str, source: Path, options: dict[str, Any], data_dir: Path) -> Callable[[], int]:
    """Reads, checks, closes and writes a corpus."""
    return lambda: prepare(name, source, options, data_dir).num_documents


def learning(folder: Path) -> Callable[[], int]:
    """Learns a vocabulary of 8,000 pieces, and keeps it beside the corpus."""
    corpus, kind = Corpus.open(folder), TEXT_ENCODERS["bag"].load()

    def work() -> int:
        rows = corpus.rows("train")
        kind.build_tokenizer(corpus.texts(rows), TOKENS).save(str(folder.parent / "tokenizer.json"))
        return len(rows)

    return work


def tokenising(folder: Path) -> Callable[[], int]:
    """Turns every text into at most 512 pieces, and writes them."""
    from tokenizers import Tokenizer

    corpus, tokenizer = Corpus.open(folder), Tokenizer.from_file(str(folder.parent / "tokenizer.json"))
    return lambda: len(tokenise(corpus, "bag", {}, TOKENS, lambda texts: tokenizer).lengths)


def opening(folder: Path) -> Callable[[], int]:
    """Opens a corpus and its tokens again, and reads one of each."""

    def missing(texts: Any) -> Any:
        raise AssertionError("the tokens are not there")

    def work() -> int:
        corpus = Corpus.open(folder)
        tokens = tokenise(corpus, "bag", {}, TOKENS, missing)
        assert tokens.ids[-1] >= 0 and next(corpus.texts(np.array([corpus.num_documents - 1])))
        return corpus.num_documents

    return work


def text(stream: random.Random, words: int) -> str:
    """Returns made-up words, half of which the word form drops."""
    return " ".join(word for _ in range(words // 2) for word in (stream.choice(WORDS), stream.choice(STOPS)))


def stories(folder: Path, packing: str) -> Path:
    """Writes made-up stories of RCV1, 200 words each, with their lists; packed as `zip` or `tar.xz`."""
    stream, numbers = random.Random(0), range(2286, 2286 + STORIES)
    folder.mkdir(parents=True)
    contents = ((n, _story(n, text(stream, 200))) for n in numbers)
    if packing == "zip":
        with zipfile.ZipFile(folder / "19960820.zip", "w", zipfile.ZIP_DEFLATED) as day:
            for number, content in contents:
                day.writestr(f"{number}newsML.xml", content)
    else:
        with tarfile.open(folder / "rcv1.tar.xz", "w:xz", preset=0) as tar:
            for number, content in contents:
                _put(tar, f"rcv1/19960820/{number}newsML.xml", content)
    lines = ["None Root", "Root CCAT", "Root GCAT", "CCAT C15", "GCAT GMIL"]
    edges = (line.split() for line in lines)
    hierarchy = "".join(f"parent: {a} child: {b} child-description: X\n" for a, b in edges)
    (folder / "rcv1.topics.hier.orig").write_text(hierarchy)
    (folder / "rcv1v2-ids.dat").write_text("".join(f"{n}\n" for n in numbers))
    (folder / "rcv1-v2.topics.qrels").write_text("".join(f"CCAT {n} 1\nC15 {n} 1\n" for n in numbers))
    (folder / "lyrl2004_tokens_train.dat").write_text("".join(f".I {n}\n.W\nx\n\n" for n in numbers[: STORIES // 20]))
    return folder


def _story(number: int, words: str) -> bytes:
    half = len(words) // 2
    return (
        f'<?xml version="1.0" encoding="iso-8859-1" ?>\n<newsitem itemid="{number}"><title>T</title><text>\n'
        f"<p>{words[:half]}</p>\n<p>{words[half:]}</p>\n</text>\n<metadata/></newsitem>\n"
    ).encode("latin-1")


def _put(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))


def articles(folder: Path) -> Path:
    """Writes made-up articles of NYT, 600 words each, a tenth of the sample, in an archive of one month."""
    stream, numbers = random.Random(0), range(NYT // 10)
    month = folder / "data" / "1987" / "01.tgz"
    month.parent.mkdir(parents=True)
    classifier = '<classifier type="taxonomic_classifier">Top/News/Sports</classifier>'
    with tarfile.open(month, "w:gz") as tar:
        for n in numbers:
            body = f"<p>LEAD</p><p>{text(stream, 600)}</p>"
            _put(tar, f"01/01/{n:07}.xml", f"<nitf><head>{classifier}</head><body>{body}</body></nitf>".encode())
    (folder / "nyt.taxonomy").write_text("Root\tTop/News\nTop/News\tTop/News/Sports\n")
    for place, split in enumerate(("train", "val", "test")):
        lines = "".join(f"Nytimes/1987/{n:07}.xml\n" for n in numbers[place::3])
        (folder / f"idnewnyt_{split}.json").write_text(lines)
    return folder


def abstracts(folder: Path) -> Path:
    """Writes 46,985 made-up abstracts of Web of Science, 200 words each, as its tab-separated export."""
    stream = random.Random(0)
    rows = (f"0\t1\t1\tCS\tMachine learning\tk\t{text(stream, 200)}\n" for _ in range(WOS))
    folder.mkdir(parents=True)
    with (folder / "Data.txt").open("w") as file:
        file.write("Y1\tY2\tY\tDomain\tarea\tkeywords\tAbstract\n")
        file.writelines(rows)
    return folder


def whole_corpus(source: Path, data_dir: Path) -> list[Stage]:
    """Measures EURLEX57K from its archive to its tokens, and a second use."""
    folder = data_dir / "eurlex57k,taxonomy=domains"
    return [
        stage("EURLEX57K: read, check, close, write", partial(preparing, "eurlex57k", source, EURLEX57K, data_dir)),
        stage("EURLEX57K: learn 8,000 tokens", partial(learning, folder)),
        stage("EURLEX57K: into tokens, up to 512", partial(tokenising, folder)),
        stage("EURLEX57K: second use", partial(opening, folder)),
    ]


def made_up(folder: Path) -> list[Stage]:
    """Measures the readers of the corpora whose texts are not at hand."""
    sources = {
        ("rcv1", "RCV1-v2 in daily zips, made up"): stories(folder / "zips", "zip"),
        ("rcv1", "RCV1-v2 in rcv1.tar.xz, made up"): stories(folder / "archive", "tar.xz"),
        ("nyt", "NYT in monthly archives, made up"): articles(folder / "nyt"),
        ("wos", "WOS as a tab-separated export, made up"): abstracts(folder / "wos"),
    }
    return [
        stage(f"{what}: read, check, close, write", partial(preparing, name, source, {}, folder / f"data{place}"))
        for place, ((name, what), source) in enumerate(sources.items())
    ]


def page(stages: list[Stage]) -> str:
    """Returns the Markdown of the page."""
    rows = []
    for what, documents, seconds, peak in stages:
        rows.append([what, f"{documents:,}", f"{seconds:.2f}", f"{documents / seconds:,.0f}", f"{peak / MB:,.0f}"])
    parts = [
        "Each stage in a process of its own, once. *EURLEX57K* is the complete corpus, whole texts under the 21 "
        "EuroVoc domains. The others are made up in the layout of the real files, with texts of about the real length.",
        table(["stage", "documents", "seconds", "documents a second", "peak memory, MB"], rows),
        "Peaks are above what the process held before, memory-mapped pages included.",
    ]
    real = [one for one in stages if one.what.startswith("EURLEX57K")]
    if real:
        minutes = sum(one.seconds for one in real[:3]) / 60
        goals = [
            ["EURLEX57K prepared and tokenised, minutes", verdict(minutes, 3, "{:.2f}")],
            ["EURLEX57K, GB", verdict(max(one.peak for one in real) / GB, 3, "{:.2f}")],
            ["second use, seconds", verdict(real[3].seconds, 1, "{:.3f}")],
        ]
        parts += ["## Goals", table(["", "goal"], goals)]
    story = next(one for one in stages if "zips" in one.what)
    minutes = RCV1 / story.documents * story.seconds / 60
    parts.append(f"At this speed the {RCV1:,} stories of RCV1-v2 in daily zips take {minutes:.0f} minutes.")
    return "\n\n".join(parts)


def main() -> None:
    """Measures every stage and writes the page."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.corpora", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--eurlex57k", type=Path, default=FOLDER / "data", help="folder with the complete EURLEX57K")
    source = parser.parse_args().eurlex57k
    with tempfile.TemporaryDirectory() as folder:
        stages = whole_corpus(source, Path(folder) / "eurlex57k") if source.exists() else []
        stages += made_up(Path(folder))
    numbers = {"stages": [one._asdict() for one in stages]}
    publish("corpora", "Reading and tokenising corpora", page(stages), numbers, "python -m tests.bench.corpora")


if __name__ == "__main__":
    main()
