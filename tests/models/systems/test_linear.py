"""The linear SVM scores as an independent script of scikit-learn does, and is the same in every run."""

from pathlib import Path

import numpy as np
import pytest

from datasets.prepare import prepare
from datasets.storage.corpus import Corpus
from datasets.storage.hierarchy import Hierarchy
from models.systems.linear import Linear
from tests.models.systems.reference import reference, scores
from tests.models.systems.splits import TREE, Split, planted, shared_corpus
from tests.shared import shared

SHARED = {
    "clinc150": ("data/clinc150/clinc150.parquet", "data/taxonomies/clinc150.tsv"),
    "trec": ("data/trec/trec_qc.parquet", "data/taxonomies/trec_qc.tsv"),
}


def agree(system: Linear, splits: dict[str, Split]) -> None:
    chosen = system.fit(splits["train"], splits["val"], seed=0)
    values = system.values(splits["test"])
    ours = scores(splits["test"].gold.toarray(), values.toarray() > 0.5)
    assert ours == pytest.approx(reference(splits["train"], splits["test"], float(chosen["C"])), abs=0.3)


def prepared(data: Path, num_training: int | None = None) -> tuple[Hierarchy, dict[str, Split]]:
    """Returns the only corpus in a folder, with the first of its training documents."""
    corpus = Corpus.open(next(data.rglob("documents.arrow")).parent)
    rows = {"train": corpus.rows("train")[:num_training], "val": corpus.rows("val"), "test": corpus.rows("test")}
    return corpus.hierarchy, {name: Split(list(corpus.texts(of)), corpus.labels(of)) for name, of in rows.items()}


@pytest.mark.parametrize("name", [pytest.param("clinc150", marks=pytest.mark.slow), "trec"])
def test_scores_of_shared_corpora_are_those_of_an_independent_script(name: str) -> None:
    hierarchy, splits = shared_corpus(*(shared(path) for path in SHARED[name]))
    agree(Linear(hierarchy), splits)


@pytest.mark.slow
def test_scores_of_pydocs_are_those_of_an_independent_script(tmp_path: Path) -> None:
    prepare("pydocs", None, {}, tmp_path)
    hierarchy, splits = prepared(tmp_path)
    agree(Linear(hierarchy), splits)


@pytest.mark.slow
def test_scores_of_eurlex57k_are_those_of_an_independent_script(tmp_path: Path) -> None:
    """With the 148 labels of the upper two levels, 8,000 training documents of 45,000, and C of 1."""
    source, data = tmp_path / "source", tmp_path / "data"
    source.mkdir()
    for path in ("eurlex57k/eurlex57k_original_json.tar.zst", "taxonomies/eurovoc_eurlex57k_full_dag.tsv"):
        (source / Path(path).name).symlink_to(shared(f"data/{path}").resolve())
    prepare("eurlex57k", source, {"taxonomy": "domains", "depth": 2, "max_words": 300}, data)
    hierarchy, splits = prepared(data, 8000)
    agree(Linear(hierarchy, cost=1.0), splits)


def test_two_runs_give_the_same_bits_whatever_the_seed() -> None:
    train, valid = planted(TREE, 200, 1, 0.1), planted(TREE, 80, 2, 0.1)
    one, other = Linear(TREE), Linear(TREE)
    assert one.fit(train, valid, seed=1) == other.fit(train, valid, seed=2)
    np.testing.assert_array_equal(one.values(valid).toarray(), other.values(valid).toarray())


def test_a_given_cost_is_not_chosen() -> None:
    train, valid = planted(TREE, 100, 1), planted(TREE, 50, 2)
    assert Linear(TREE, cost=3.0).fit(train, valid, seed=0)["C"] == "3"
