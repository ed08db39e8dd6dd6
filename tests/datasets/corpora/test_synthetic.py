"""The synthetic corpus: pinned content, its shape, and how well it can be learned."""

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import f1_score
from sklearn.svm import LinearSVC

from datasets.corpora import synthetic
from datasets.storage.corpus import write
from harness.core.errors import DataError

# SHA-256 of the canonical JSON lines: the same bytes on every machine and with every version of NumPy.
FINGERPRINTS = {
    0.15: "37ec58898f0d06b2ce5e95e2d5913783220190cebaf97aff1ccd85af88c5ad24",
    0.0: "f2cc4ccde4a15062ecef586a3f58cb6916325306df3f8b8e91dc05bf9bf35fd2",
}


@pytest.fixture(scope="module", params=[0.15, 0.0], ids=["graph", "tree"])
def drawn(request, tmp_path_factory):
    source = synthetic.read(overlap=request.param)
    folder = tmp_path_factory.mktemp("synthetic") / "synthetic"
    return request.param, write(source, folder, name="synthetic", options={"overlap": request.param})


def num_shared(hierarchy):
    return int((np.bincount(np.concatenate(hierarchy.branches())) > 1).sum())


def test_content_is_pinned(drawn):
    overlap, corpus = drawn
    assert corpus.fingerprint == FINGERPRINTS[overlap]


def test_shape_is_as_specified(drawn):
    overlap, corpus = drawn
    hierarchy = corpus.hierarchy
    assert len(hierarchy.roots) == 4 and hierarchy.levels.max() == 3
    assert num_shared(hierarchy) == (0 if overlap == 0 else 16) and hierarchy.is_tree == (overlap == 0)
    assert corpus.meta["counts"]["splits"] == {"train": 4200, "val": 600, "test": 1200}
    assert 3 < corpus.meta["counts"]["labels_per_document"] < 4.5
    assert corpus.labels(np.arange(corpus.num_documents)).sum(0).min() >= 40
    lengths = np.array([len(text.split()) for text in corpus.texts(np.arange(corpus.num_documents))])
    assert lengths.min() >= 20 and 43 <= np.median(lengths) <= 47


def linear_scores(corpus, order=None):
    """Micro and macro F1 (%) of a TF-IDF and one linear machine per label."""
    train, test = corpus.rows("train"), corpus.rows("test")
    vectors = TfidfVectorizer(sublinear_tf=True)
    x, z = vectors.fit_transform(corpus.texts(train)), vectors.transform(corpus.texts(test))
    y, gold = corpus.labels(train).toarray(), corpus.labels(test).toarray()
    y = y if order is None else y[order]
    found = np.stack([LinearSVC(C=1).fit(x, column).decision_function(z) > 0 for column in y.T], axis=1)
    return [100 * f1_score(gold, found, average=average, zero_division=0) for average in ("micro", "macro")]


def test_it_can_be_learned_but_not_perfectly(drawn):
    micro, macro = linear_scores(drawn[1])
    assert 84 <= micro <= 92 and 60 <= macro <= 80


def test_labels_shuffled_against_texts_cannot_be_learned(drawn):
    corpus = drawn[1]
    micro, _ = linear_scores(corpus, np.random.RandomState(0).permutation(len(corpus.rows("train"))))
    assert micro < 30


def test_seed_and_number_of_roots_are_knobs(tmp_path):
    def fingerprint(**options):
        source = synthetic.read(documents=100, **options)
        return write(source, tmp_path / "c", name="synthetic", options=options), source.hierarchy

    (one, _), (two, _), (six, hierarchy) = fingerprint(), fingerprint(seed=1), fingerprint(roots=6)
    assert len({one.fingerprint, two.fingerprint, six.fingerprint}) == 3
    assert len(hierarchy.roots) == 6
    assert len(synthetic.read(roots=1).hierarchy.roots) == 1


def test_words_are_all_different():
    assert len({synthetic._word(number) for number in range(3000)}) == 3000


def test_impossible_options_are_refused():
    with pytest.raises(DataError, match="overlap from 0 to 1"):
        synthetic.read(overlap=2.0)
