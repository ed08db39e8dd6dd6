"""SKOS core release of EuroVoc (RDF/XML), read as a stream into parent-child pairs.

The parents of a concept are its broader concepts and the microthesauri that it is a top concept of; a concept without
a broader one is a top concept of its microthesauri. The parent of a microthesaurus is the domain that its four-digit
notation begins with (6011 below 60), as the release has no other link between the two.
"""

import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from xml.parsers import expat

import networkx as nx

from datasets.formats.archives import archive_errors
from datasets.storage.hierarchy import ROOT
from harness.core.errors import DataError

_SKOS = "http://www.w3.org/2004/02/skos/core#"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_LINKS = ("broader", "inScheme", "topConceptOf")
_AT_ONCE = 2**20


def read_skos(path: Path) -> list[tuple[str, str]]:
    """Returns the (parent, child) pairs of EuroVoc, with domains below the virtual root and concept numbers as labels.

    Args:
        path: The .rdf file, or a zip with one.

    Raises:
        DataError: When it is damaged, or lacks domains with microthesauri.
    """
    triples = _Triples(path)
    with _open(path) as stream:
        while some := stream.read(_AT_ONCE):
            triples.feed(some)
        triples.feed(b"", last=True)
    edges = list(_edges(triples))
    known = nx.DiGraph(edges)
    reached = nx.descendants(known, ROOT) if ROOT in known else set()
    # Obsolete concepts have neither a broader concept nor a microthesaurus.
    kept = [(parent, child) for parent, child in edges if parent == ROOT or parent in reached]
    if all(parent == ROOT for parent, _ in kept):
        raise DataError(f"{path} holds no domains with microthesauri; it has to be EuroVoc's SKOS core release.")
    return kept


def _edges(triples: "_Triples") -> Iterator[tuple[str, str]]:
    notations = triples.notations
    domains = {
        code: subject
        for subject, code in notations.items()
        if re.fullmatch(r"\d{2}", code) and "domains" in triples.links["inScheme"].get(subject, ())
    }
    used = {scheme for schemes in triples.links["inScheme"].values() for scheme in schemes}
    thesauri = {
        subject: domains[code[:2]]
        for subject, code in notations.items()
        if re.fullmatch(r"\d{4}", code) and subject in used and code[:2] in domains
    }
    yield from ((ROOT, domain) for domain in domains.values())
    yield from ((domain, thesaurus) for thesaurus, domain in thesauri.items())
    for subject, schemes in triples.links["inScheme"].items():
        broader = triples.links["broader"].get(subject, [])
        tops = triples.links["topConceptOf"].get(subject, []) + ([] if broader else schemes)
        parents = dict.fromkeys([*broader, *(top for top in tops if top in thesauri)])
        yield from ((parent, subject) for parent in parents)


class _Triples:
    """Links and notations of each subject, which may be described in several places."""

    def __init__(self, path: Path) -> None:
        self.links: dict[str, dict[str, list[str]]] = {name: {} for name in _LINKS}
        self.notations: dict[str, str] = {}
        self._path = path
        self._depth = 0
        self._subject = self._text = ""
        self._parser = expat.ParserCreate(namespace_separator="")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.EntityDeclHandler = self._refuse

    def feed(self, content: bytes, last: bool = False) -> None:
        """Reads the next part of the file."""
        try:
            self._parser.Parse(content, last)
        except expat.ExpatError as error:
            raise DataError(f"{self._path}: not well-formed XML ({error}). Get it again.") from None

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._text = ""
        if self._depth == 2:
            self._subject = _number(attributes.get(f"{_RDF}about", ""))
        elif self._depth == 3 and self._subject and name.removeprefix(_SKOS) in self.links:
            values = self.links[name.removeprefix(_SKOS)].setdefault(self._subject, [])
            values.append(_number(attributes.get(f"{_RDF}resource", "")))

    def _end(self, name: str) -> None:
        if self._depth == 3 and self._subject and name == f"{_SKOS}notation":
            self.notations[self._subject] = self._text.strip()
        self._depth -= 1

    def _characters(self, data: str) -> None:
        self._text += data

    def _refuse(self, name: str, *_: object) -> None:
        raise DataError(f"{self._path}: declares the entity {name!r}; EuroVoc's release declares none. Get it again.")


def _number(uri: str) -> str:
    return uri.rpartition("/")[2]


@contextmanager
def _open(path: Path) -> Iterator[IO[bytes]]:
    if path.suffix != ".zip":
        with path.open("rb") as plain:
            yield plain
        return
    with archive_errors(path), zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith(".rdf")]
        if not names:
            raise DataError(f"{path} holds no .rdf file; it has to be EuroVoc's SKOS core release.")
        with archive.open(names[0]) as member:
            yield member
