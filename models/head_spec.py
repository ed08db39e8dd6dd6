"""The hierarchies that heads are built for, and what counted documents say about their labels.

Which documents are counted is the sweep file's `priors`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse

from datasets.storage.hierarchy import Hierarchy

NUMERICS = {"head specs": 1}

Pieces = npt.NDArray[np.int64]

Write = Callable[[Sequence[str], Iterable[str], scipy.sparse.csr_array], list[str]]
"""Describes labels in words, given their names, the training texts, and the texts' gold, (texts, labels) booleans."""


def _undescribed(write: Write) -> Sequence[Pieces]:
    raise AssertionError("these facts were counted without texts")


@dataclass(frozen=True)
class LabelFacts:
    """Counts of a hierarchy of N labels and E edges.

    Attributes:
        priors: (E,) float32, see `label_priors`.
        num_documents: (N,) int64: the documents that carry each label.
        describe: Returns the word pieces of what a model writes about each of the N labels. The training texts are
            read when a model first asks, and what it wrote of a corpus is kept for the next one.
    """

    priors: npt.NDArray[np.float32]
    num_documents: npt.NDArray[np.int64]
    describe: Callable[[Write], Sequence[Pieces]] = _undescribed

    def of(self, hierarchy: Hierarchy, labels: npt.NDArray[np.int64]) -> "LabelFacts":
        """Returns what is said about some of the hierarchy's labels and the edges between them.

        Priors keep their values: in a branch, all siblings of a label are there, and in any other set a prior
        still is a child's share among all of its parent's children.
        """

        def describe(write: Write) -> list[Pieces]:
            written = self.describe(write)
            return [written[label] for label in labels]

        inside = np.isin(hierarchy.edges, labels).all(axis=1)
        return LabelFacts(self.priors[inside], self.num_documents[labels], describe)


@dataclass(frozen=True)
class Member:
    """One hierarchy of the list that a structure encoder is built for.

    Attributes:
        hierarchy: N labels, indexed locally.
        facts: What the counted documents say about them.
        asked: (A,) labels whose logits are asked for. The others are nodes like any, but what would
            classify them is never built.
        part_of: The hierarchy that this one is induced from, its labels bearing the same names; None if it is
            whole. For what must be computed before it is cut, such as HiTIN's global coding tree. A branch
            holds all descendants of its labels, other parts need not.
    """

    hierarchy: Hierarchy
    facts: LabelFacts
    asked: npt.NDArray[np.int64]
    part_of: Hierarchy | None = None

    @property
    def asked_edges(self) -> npt.NDArray[np.int64]:
        """(edges, 2): the edges between labels that are asked for, as places in `asked`."""
        places = np.full(len(self.hierarchy), -1)
        places[self.asked] = np.arange(len(self.asked))
        edges: npt.NDArray[np.int64] = places[self.hierarchy.edges]
        return edges[(edges >= 0).all(axis=1)]

    @property
    def asked_ancestors(self) -> npt.NDArray[np.bool_]:
        """(A, A): [v, a] is true where a is v itself or an ancestor of v, both places in `asked`."""
        return self.hierarchy.ancestors[self.asked][:, self.asked]


def count(
    hierarchy: Hierarchy,
    gold: scipy.sparse.csr_array,
    describe: Callable[[Write], Sequence[Pieces]] = _undescribed,
) -> LabelFacts:
    """Returns the facts that documents give.

    Args:
        hierarchy: L labels.
        gold: (documents, L) booleans, closed under ancestors.
        describe: See `LabelFacts`.
    """
    return LabelFacts(label_priors(hierarchy, gold), np.asarray(gold.sum(axis=0), dtype=np.int64), describe)


def label_priors(hierarchy: Hierarchy, gold: scipy.sparse.csr_array) -> npt.NDArray[np.float32]:
    """Returns, per edge, the share of a parent's children that documents give to this child.

    f(p, q) = c(p, q) / sum over children q' of c(p, q'), with c the number of documents that carry both
    labels; 0 where no document carries a child of p. (HiAGM, section 3.2.)

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
