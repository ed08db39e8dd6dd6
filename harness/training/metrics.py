"""Scores of multi-label predictions on a hierarchy, accumulated batch by batch.

A label is predicted where its probability is above 0.5, strictly. All scores are in points (0 to 100).
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from datasets.storage.hierarchy import Hierarchy
from datasets.storage.label_groups import Bools

THRESHOLD = 0.5


class Tally:
    """Counts over documents, from which every score follows.

    * `micro_f1`, `macro_f1`: the F_H of the paper's framework: F1 pooled over labels, and the mean of
      per-label F1 over *all* labels, 0 where a label has neither gold nor predictions. Equal to
      scikit-learn's `f1_score` with `zero_division=0`. Gold is closed under ancestors, predictions
      are taken as they are.
    * `macro_f1_supported`: the mean over labels that have gold in this split.
    * `hier_precision`, `hier_recall`, `hier_f1`: predictions too are closed under ancestors; mean over
      documents of the per-document scores (Kosmopoulos et al. 2015), root excluded; 0 for a
      document without predictions or without gold.
    * `hier_f1_pooled`: F1 of the closed predictions, pooled over labels.
    * `violations`: share of documents with a predicted label one of whose ancestors is not predicted.
    * `micro_f1_GROUP`, `macro_f1_GROUP`: F1 pooled over the labels of a group, and the mean over those of them
      that have gold in this split; for each group of labels, (L,) booleans by name, see `label_groups`.
    """

    def __init__(self, hierarchy: Hierarchy, groups: Mapping[str, Bools] | None = None):
        self._groups = groups or {}
        # Every label's ancestors, itself included, one label after the other.
        self._ancestors = hierarchy.ancestors.nonzero()[1]
        self._num_ancestors_L = hierarchy.ancestors.sum(1)
        self._counts_3L = np.zeros((3, len(hierarchy)), dtype=np.int64)  # right, predicted, gold
        self._closed_3 = np.zeros(3, dtype=np.int64)
        self._instance_3 = np.zeros(3)
        self._num_violations = 0
        self._num_documents = 0

    def add(self, predicted_BL: Bools, gold_BL: Bools) -> None:
        """Adds a batch of B documents."""
        closed_BL = self._close(predicted_BL)
        self._counts_3L += [_count(one_BL, 0) for one_BL in (predicted_BL & gold_BL, predicted_BL, gold_BL)]
        counts_3B = np.stack([_count(one_BL, 1) for one_BL in (closed_BL & gold_BL, closed_BL, gold_BL)])
        right_B, predicted_B, gold_B = counts_3B
        self._closed_3 += counts_3B.sum(1)
        self._instance_3 += [
            _share(right_B, predicted_B).sum(),
            _share(right_B, gold_B).sum(),
            _share(2 * right_B, predicted_B + gold_B).sum(),
        ]
        # Closing only ever adds labels.
        self._num_violations += int((predicted_B > _count(predicted_BL, 1)).sum())
        self._num_documents += len(predicted_BL)

    def _close(self, predicted_BL: Bools) -> Bools:
        """Returns the labels with all their ancestors.

        Not by a matrix product: NumPy's threads and torch's would wait for each other's, ten times as long.
        """
        rows, labels = np.divmod(np.flatnonzero(predicted_BL), predicted_BL.shape[1])
        num = self._num_ancestors_L[labels]
        first = np.cumsum(self._num_ancestors_L)[labels] - np.cumsum(num)
        places = np.repeat(first, num) + np.arange(num.sum())
        closed_BL = np.zeros_like(predicted_BL)
        closed_BL[np.repeat(rows, num), self._ancestors[places]] = True
        return closed_BL

    def scores(self) -> dict[str, float]:
        """Returns every score by name, in points."""
        right_L, predicted_L, gold_L = self._counts_3L
        f1_L = _share(2 * right_L, predicted_L + gold_L)
        right, predicted, gold = self._closed_3
        precision, recall, f1 = self._instance_3 / max(self._num_documents, 1)
        scores = {
            "micro_f1": _share(2 * right_L.sum(), predicted_L.sum() + gold_L.sum()),
            "macro_f1": f1_L.mean(),
            "macro_f1_supported": f1_L[gold_L > 0].mean() if gold_L.any() else 0.0,
            "hier_precision": precision,
            "hier_recall": recall,
            "hier_f1": f1,
            "hier_f1_pooled": _share(2 * right, predicted + gold),
            "violations": self._num_violations / max(self._num_documents, 1),
        }
        for name, group_L in self._groups.items():
            supported_L = group_L & (gold_L > 0)
            pooled = 2 * right_L[group_L].sum(), (predicted_L + gold_L)[group_L].sum()
            scores[f"micro_f1_{name}"] = _share(*pooled)
            scores[f"macro_f1_{name}"] = f1_L[supported_L].mean() if supported_L.any() else 0.0
        return {name: 100 * float(value) for name, value in scores.items()}


def _count(values: Bools, axis: int) -> npt.NDArray[np.int32]:
    """Returns how many values are true along an axis; in 32 bits, which takes half as long as in 64."""
    counts: npt.NDArray[np.int32] = values.sum(axis, dtype=np.int32)
    return counts


def _share(part: npt.ArrayLike, whole: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Returns part / whole, and 0 where the whole is 0."""
    whole = np.asarray(whole, dtype=np.float64)
    return np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0)
