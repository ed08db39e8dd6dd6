"""Specification of a head: its label hierarchy, the labels it predicts, and counts of the documents that carry them.

The sweep file's `priors` says which splits are counted.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse

from datasets.storage.hierarchy import Hierarchy

NUMERICS = {"head specs": 1}

TokenIds = npt.NDArray[np.int64]

Write = Callable[[Sequence[str], Iterable[str], scipy.sparse.csr_array], list[str]]
"""Describes labels in words, given their names, the training texts, and the texts' gold, (texts, labels) booleans."""


def _undescribed(write: Write) -> Sequence[TokenIds]:
    raise AssertionError("these facts were counted without texts")


@dataclass(frozen=True)
class LabelFacts:
    """Counts of documents for a hierarchy of N labels and E edges.

    Attributes:
        priors: (E,) float32, see `label_priors`.
        num_documents: (N,) int64, documents that carry each label.
        describe: Function from a describer of labels to the tokens of its N descriptions. The training texts are read
            when a model first asks; the descriptions of a corpus are then kept for the next model.
    """

    priors: npt.NDArray[np.float32]
    num_documents: npt.NDArray[np.int64]
    describe: Callable[[Write], Sequence[TokenIds]] = _undescribed

    def of(self, hierarchy: Hierarchy, labels: npt.NDArray[np.int64]) -> "LabelFacts":
        """Returns the counts for some of the hierarchy's labels and the edges between them.

        Priors keep their values: a branch holds all siblings of a label, and in any other set a prior is still the
        child's share among all children of its parent.
        """

        def describe(write: Write) -> list[TokenIds]:
            written = self.describe(write)
            return [written[label] for label in labels]

        inside = np.isin(hierarchy.edges, labels).all(axis=1)
        return LabelFacts(self.priors[inside], self.num_documents[labels], describe)


@dataclass(frozen=True)
class HeadSpec:
    """Specification of one head of the list that a structure encoder is built for.

    Attributes:
        hierarchy: N labels, indexed within the head.
        facts: Counts of documents for these labels.
        predicted: (A,) labels that get a logit. The others are nodes like any.
        whole: Hierarchy that this one was cut out of, with the same label names; None if it is whole itself. It serves
            what must be computed before the cut, such as HiTIN's global coding tree. A branch holds all descendants of
            its labels, other parts need not.
        foreign_rows: Whether labels that are not predicted have rows in the classifier too.
    """

    hierarchy: Hierarchy
    facts: LabelFacts
    predicted: npt.NDArray[np.int64]
    whole: Hierarchy | None = None
    foreign_rows: bool = False

    @property
    def rows(self) -> npt.NDArray[np.int64]:
        """(R,) labels that have a row in the classifier: the predicted ones, or all."""
        return np.arange(len(self.hierarchy)) if self.foreign_rows else self.predicted

    @property
    def row_edges(self) -> npt.NDArray[np.int64]:
        """(edges, 2): the edges between labels that have a row, as indices into `rows`."""
        return self._edges_between(self.rows)

    @property
    def predicted_edges(self) -> npt.NDArray[np.int64]:
        """(edges, 2): the edges between predicted labels, as indices into `predicted`."""
        return self._edges_between(self.predicted)

    def _edges_between(self, labels: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        places = np.full(len(self.hierarchy), -1)
        places[labels] = np.arange(len(labels))
        edges: npt.NDArray[np.int64] = places[self.hierarchy.edges]
        return edges[(edges >= 0).all(axis=1)]

    @property
    def predicted_ancestors(self) -> npt.NDArray[np.bool_]:
        """(A, A): [v, a] is true where a is v itself or an ancestor of v, both indices into `predicted`."""
        return self.hierarchy.ancestors[self.predicted][:, self.predicted]


def count(
    hierarchy: Hierarchy,
    gold: scipy.sparse.csr_array,
    describe: Callable[[Write], Sequence[TokenIds]] = _undescribed,
) -> LabelFacts:
    """Returns the counts of a set of documents.

    Args:
        hierarchy: L labels.
        gold: (documents, L) booleans, closed under ancestors.
        describe: Function to descriptions of the labels, see `LabelFacts`.
    """
    return LabelFacts(label_priors(hierarchy, gold), np.asarray(gold.sum(axis=0), dtype=np.int64), describe)


def label_priors(hierarchy: Hierarchy, gold: scipy.sparse.csr_array) -> npt.NDArray[np.float32]:
    """Returns, per edge, the share of this child among the documents that carry a child of this parent.

    f(p, q) = c(p, q) / sum over children q' of c(p, q'), with c the number of documents that carry both labels; 0 where
    no document carries a child of p (HiAGM, section 3.2).

    Args:
        hierarchy: L labels, E edges.
        gold: (documents, L) booleans.

    Returns:
        (E,) in the order of `hierarchy.edges`.
    """
    parents, children = hierarchy.edges.T
    by_label = gold.astype(np.int64).tocsc()
    together_E = by_label[:, parents].multiply(by_label[:, children]).sum(axis=0)
    total_E = np.bincount(parents, weights=together_E, minlength=len(hierarchy))[parents]
    priors_E: npt.NDArray[np.float32] = (together_E / np.maximum(total_E, 1)).astype(np.float32)
    return priors_E
