"""Top-down linear SVMs: a local classifier per parent node, which decides between its children alone.

Paper: Koller and Sahami, *Hierarchically Classifying Documents Using Very Few Words*, ICML 1997; the name is that of
Silla and Freitas, *A survey of hierarchical classification*, 2011. Here a document has several labels, so a parent's
classifier is a linear SVM for each child, fitted on the documents of the parent: it separates a child from its
siblings. A label is predicted where its own classifier and those of all its ancestors say so. Predictions never
contradict the hierarchy; a parent's mistake cannot be mended below it.

On a DAG a label hangs below all its parents, as gold labels do: its classifier is fitted on the documents that have all
of them, and it is predicted only where all of them are. Labels with the same parents share those documents.

A value is the logistic function of four times the margin, or that of the least certain ancestor where this is lower: no
probability. Deterministic. HiClass (5.0.8) is not used: its parent nodes are multi-class, one path per document.
"""

from itertools import groupby

import numpy as np
import numpy.typing as npt
from scipy import sparse

from datasets.storage.hierarchy import Hierarchy
from harness.core.registry import Weight
from models.systems.base import Encode
from models.systems.linear import Linear
from models.systems.one_vs_rest import Weights, fit_labels

NUMERICS = {"top down": 1}


class TopDown(Linear):
    """Linear SVMs of each label against its siblings.

    Args:
        hierarchy: The labels.
        encode: Not read.
        cost: Weight C of the loss, one for all labels; 0 chooses 0.25, 1, 4 or 16 on validation documents.
    """

    def __init__(self, hierarchy: Hierarchy, encode: Encode | None = None, *, cost: Weight = 0.0):
        super().__init__(hierarchy, encode, cost=cost)
        self.parents = [sorted(hierarchy.graph.predecessors(label)) for label in range(len(hierarchy))]
        by_parents = sorted(range(len(hierarchy)), key=self.parents.__getitem__)
        self.siblings = [list(labels) for _, labels in groupby(by_parents, key=self.parents.__getitem__)]

    def fit_classifiers(self, features_NF: sparse.csr_array, gold: sparse.csr_array, cost: float) -> Weights:
        """Returns the classifiers of all labels, fitted a set of siblings at a time."""
        num_documents, num_labels = gold.shape
        weights_FL = np.zeros((features_NF.shape[1], num_labels), dtype=np.float32)
        bias_L = np.full(num_labels, -np.inf, dtype=np.float32)
        columns = sparse.csc_array(gold)
        for labels in self.siblings:
            rows = np.arange(num_documents)
            for parent in self.parents[labels[0]]:
                rows = np.intersect1d(rows, columns[:, [parent]].nonzero()[0], assume_unique=True)
            if rows.size:
                local = fit_labels(features_NF[rows], columns[:, labels][rows], range(len(labels)), cost, self.LOSS)
                weights_FL[:, labels], bias_L[labels] = local.weights_FL, local.bias_L
        return Weights(weights_FL, bias_L)

    def all_values(self, features_BF: sparse.csr_array) -> npt.NDArray[np.float32]:
        """Returns (B, L) values, none above a parent's."""
        return self.hierarchy.least_above(super().all_values(features_BF))
