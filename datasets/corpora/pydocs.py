"""Documentation strings of installed Python packages: real text with a hierarchy, and no download.

A document is the documentation of one public function or class; its labels are its package, subpackage and module.
Files are parsed from disk without importing them. The content depends on the versions of the packages, which are
recorded: another version is another corpus.

This corpus demonstrates the harness. It is not a research benchmark.
"""

import ast
import gc
import importlib.metadata
import importlib.util
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from datasets.storage.card import Card
from datasets.storage.documents import CorpusSource, Document, SplitName
from datasets.storage.hierarchy import ROOT, Hierarchy
from harness.core.errors import DataError
from harness.core.registry import NonNegative

CARD = Card(
    name="pydocs",
    title="Python documentation strings",
    summary=(__doc__ or "").partition("\n")[0],
    language="English",
    licence="that of each package; the texts stay on this machine",
    citation="",
    obtain="Nothing to get: the corpus is made from the packages that are installed with this project.",
    splits="80% / 10% / 10%, drawn with NumPy's frozen seed 0.",
    counts="14,531 documents, 159 labels in a tree of 3 levels (7/76/76), 7 branches, with the locked versions.",
    traps=(
        "It is tied to the installed versions: another version of a package gives another fingerprint.",
        "Labels follow files, not topics: a flat linear model reaches 85.2 micro-F1 and 67.8 macro-F1.",
    ),
    builtin=True,
)

RECIPE = 1
_DEPTH = 3
_SKIPPED = {"tests", "test", "testing", "_vendor", "vendor", "_extern", "extern", "externals"}
_DISTRIBUTIONS = {"sklearn": "scikit-learn"}


def read(
    source: Path | None = None,
    *,
    packages: str = "torch,scipy,networkx,pandas,sklearn,matplotlib,sqlalchemy",
    documents: NonNegative = 0,
    min_documents: NonNegative = 40,
    min_words: NonNegative = 12,
) -> CorpusSource:
    """Makes the corpus from the installed packages.

    Args:
        source: Unused.
        packages: Import names of installed packages, separated by commas; each is one branch.
        documents: Largest number of documents, drawn before rare labels are dropped; 0 for all.
        min_documents: Number of documents below which a label is dropped.
        min_words: Length in words below which documentation is dropped.

    Raises:
        DataError: When a package is not installed, or fewer than 10 documents are left.
    """
    names = _names(packages)
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    for name in names:
        for doc_id, text, labels in _package(name, min_words):
            found.setdefault(text, (doc_id, labels))
    every = [(doc_id, text, labels) for text, (doc_id, labels) in found.items()]
    if 0 < documents < len(every):
        chosen = np.random.RandomState(0).permutation(len(every))[:documents]
        every = [every[index] for index in sorted(chosen.tolist())]
    frequency = Counter(label for _, _, labels in every for label in labels)
    kept = {label for label, count in frequency.items() if count >= min_documents}
    rows = [(doc_id, text, tuple(label for label in labels if label in kept)) for doc_id, text, labels in every]
    rows = [row for row in rows if len(row[2]) >= 2]
    if len(rows) < 10:
        raise DataError(f"Only {len(rows)} documents of {packages} are left; lower min_documents or min_words.")
    notes = ("A built-in corpus: it shows the harness and is no result on a research benchmark.",)
    return CorpusSource(_hierarchy(rows), _documents(rows), notes, inputs({"packages": packages}), len(rows))


def inputs(options: Mapping[str, Any]) -> dict[str, str]:
    """Returns the versions of the packages, on which the content depends besides the options."""
    return {name: _version(name) for name in _names(options["packages"])}


def _names(packages: str) -> list[str]:
    return [name.strip() for name in packages.split(",") if name.strip()]


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(_DISTRIBUTIONS.get(name, name))
    except importlib.metadata.PackageNotFoundError:
        raise DataError(f"The package {name!r} is not installed; `pydocs` is made from it. Install it.") from None


def _package(name: str, min_words: int) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yields (id, text, labels) of a package's public functions and classes, in the order of sorted paths."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise DataError(f"The package {name!r} is not installed; `pydocs` is made from it. Install it.")
    folder = Path(spec.submodule_search_locations[0])
    ids: Counter[str] = Counter()
    with _quiet_parsing():
        for path in sorted(folder.rglob("*.py"), key=lambda path: path.parts):
            inside = path.relative_to(folder).with_suffix("").parts
            if _SKIPPED.intersection(inside):
                continue
            module = (name, *(inside[:-1] if inside[-1] == "__init__" else inside))
            labels = tuple(".".join(module[:level]) for level in range(1, min(_DEPTH, len(module)) + 1))
            for qualified, docstring in _docstrings(path.read_bytes()):
                words = docstring.split()
                if len(words) >= min_words:
                    doc_id = f"{'.'.join(module)}:{qualified}"
                    ids[doc_id] += 1
                    yield doc_id if ids[doc_id] == 1 else f"{doc_id}#{ids[doc_id]}", " ".join(words), labels


@contextmanager
def _quiet_parsing() -> Iterator[None]:
    # Syntax trees hold no cycles, so the collector would walk them in vain.
    collecting = gc.isenabled()
    gc.disable()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        if collecting:
            gc.enable()


def _docstrings(source: bytes) -> Iterator[tuple[str, str]]:
    if b'"""' not in source and b"'''" not in source:
        return
    try:
        body = ast.parse(source).body
    except SyntaxError:
        # Templates and files for other Python versions.
        return
    yield from _walk(body, "")


def _walk(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, str]]:
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            docstring = ast.get_docstring(node, clean=False)
            if docstring:
                yield prefix + node.name, docstring
            if isinstance(node, ast.ClassDef):
                yield from _walk(node.body, f"{prefix}{node.name}.")


def _hierarchy(rows: list[tuple[str, str, tuple[str, ...]]]) -> Hierarchy:
    labels = sorted({label for _, _, labels in rows for label in labels})
    return Hierarchy.from_names((label.rpartition(".")[0] or ROOT, label) for label in labels)


def _documents(rows: list[tuple[str, str, tuple[str, ...]]]) -> Iterator[Document]:
    splits: list[SplitName] = ["train"] * len(rows)
    order = np.random.RandomState(0).permutation(len(rows)).tolist()
    tenth = len(rows) // 10
    for index in order[:tenth]:
        splits[index] = "test"
    for index in order[tenth : 2 * tenth]:
        splits[index] = "val"
    for (doc_id, text, labels), split in zip(rows, splits, strict=True):
        yield Document(doc_id, text, labels, split)
