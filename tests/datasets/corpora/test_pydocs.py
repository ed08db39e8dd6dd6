"""Documentation strings of packages: what is found, and that nothing is imported."""

import sys

import pytest

from datasets.corpora import pydocs
from datasets.storage.corpus import write
from harness.core.errors import DataError

LONG = "one two three four five six seven eight nine ten eleven twelve"


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A made package on the import path; importing it would fail."""
    package = tmp_path / "madepkg"
    files = {
        "__init__.py": "raise SystemExit('imported')\n",
        "sub/__init__.py": "",
        "sub/deep/__init__.py": "",
        "tests/test_it.py": "",
        "broken.py": "def f(:\n    '''nope'''\n",
    }
    for place in ("sub/deep/low.py", "sub/mod.py", "top.py", "tests/test_it.py"):
        files[place] = "".join(f'def f{n}():\n    """{LONG} {place} {n}"""\n' for n in range(12))
    files["sub/other.py"] = (
        f'class A:\n    """{LONG}   class\n    a."""\n    def m(self):\n        """{LONG} m."""\n'
        f'    def _p(self):\n        """{LONG} private."""\n'
        f'class _B:\n    """{LONG} private."""\n    def m(self):\n        """{LONG} hidden."""\n'
        'async def short():\n    """Too short."""\n'
        f'def again():\n    """{LONG} 1."""\ndef again():\n    """{LONG} 2."""\n'
        f'def same():\n    """{LONG} m."""\n'
    )
    for place, content in files.items():
        (package / place).parent.mkdir(parents=True, exist_ok=True)
        (package / place).write_text(content)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(pydocs, "_version", lambda name: "1.0")
    return package


def test_public_documentation_with_its_place_is_found(installed):
    source = pydocs.read(packages="madepkg", min_documents=4)
    documents = {document.doc_id: document for document in source.documents}
    assert "madepkg" not in sys.modules
    assert documents["madepkg.sub.other:A"].text == f"{LONG} class a."
    assert documents["madepkg.sub.other:A.m"].labels == ("madepkg", "madepkg.sub", "madepkg.sub.other")
    assert documents["madepkg.sub.deep.low:f0"].labels == ("madepkg", "madepkg.sub", "madepkg.sub.deep")
    assert documents["madepkg.sub.other:again#2"].text == f"{LONG} 2."
    # Private, short, repeated and test documentation is not there.
    assert len(documents) == 3 * 12 + 4
    assert set(source.hierarchy.labels) == {
        "madepkg", "madepkg.sub", "madepkg.top", "madepkg.sub.deep", "madepkg.sub.mod", "madepkg.sub.other",
    }  # fmt: skip


def test_rare_labels_are_dropped_from_the_documents(installed):
    source = pydocs.read(packages="madepkg", min_documents=5)
    documents = {document.doc_id: document for document in source.documents}
    assert documents["madepkg.sub.other:A"].labels == ("madepkg", "madepkg.sub")
    assert "madepkg.sub.other" not in source.hierarchy.labels


def test_it_is_the_same_every_time(installed, tmp_path):
    def fingerprint(**options):
        source = pydocs.read(packages="madepkg", min_documents=4, **options)
        return write(source, tmp_path / "c", name="pydocs", options={}).fingerprint

    assert fingerprint() == fingerprint()
    assert len({fingerprint(), fingerprint(documents=30), fingerprint(documents=20)}) == 3


def test_versions_are_recorded(installed):
    source = pydocs.read(packages="madepkg", min_documents=4)
    assert source.inputs == pydocs.inputs({"packages": "madepkg"}) == {"madepkg": "1.0"}


def test_a_package_that_is_not_there_is_named():
    with pytest.raises(DataError, match="'nosuchpackage' is not installed"):
        pydocs.read(packages="nosuchpackage")
    with pytest.raises(DataError, match="'nosuchpackage' is not installed"):
        pydocs.inputs({"packages": "networkx,nosuchpackage"})


def test_real_packages_give_a_tree_with_a_branch_each(tmp_path):
    source = pydocs.read(packages="networkx,sklearn")
    corpus = write(source, tmp_path / "pydocs", name="pydocs", options={})
    hierarchy = corpus.hierarchy
    assert hierarchy.is_tree and [hierarchy.labels[root] for root in hierarchy.roots] == ["networkx", "sklearn"]
    assert hierarchy.levels.max() == 3
    counts = corpus.meta["counts"]
    assert counts["documents"] > 1500 and len(hierarchy) > 15
    assert counts["documents_not_closed"] == counts["documents_without_labels"] == 0
    assert corpus.labels(corpus.rows("train")).sum(1).min() >= 2
    tenth = counts["documents"] // 10
    assert counts["splits"]["val"] == counts["splits"]["test"] == tenth
