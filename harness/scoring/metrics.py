"""Scores of multi-label predictions and of probabilities on a hierarchy, accumulated batch by batch.

A label is predicted where its probability is above 0.5, strictly. All scores are in points (0 to 100).
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from datasets.storage.hierarchy import Hierarchy
from datasets.storage.label_groups import Bools
from datasets.storage.predictions import BOUNDARY

THRESHOLD = BOUNDARY


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
        closed_BL = self._close(predicted_BL)
        # Counts in 32 bits take half as long as in 64.
        parts = predicted_BL & gold_BL, predicted_BL, gold_BL
        self._counts_3L += [part_BL.sum(0, dtype=np.int32) for part_BL in parts]
        parts = closed_BL & gold_BL, closed_BL, gold_BL
        counts_3B = np.stack([part_BL.sum(1, dtype=np.int32) for part_BL in parts])
        right_B, predicted_B, gold_B = counts_3B
        self._closed_3 += counts_3B.sum(1)
        self._instance_3 += [
            _share(right_B, predicted_B).sum(),
            _share(right_B, gold_B).sum(),
            _share(2 * right_B, predicted_B + gold_B).sum(),
        ]
        # Closing only ever adds labels.
        self._num_violations += int((predicted_B > predicted_BL.sum(1, dtype=np.int32)).sum())
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
            scores[f"micro_f1_{name}"] = _share(2 * right_L[group_L].sum(), (predicted_L + gold_L)[group_L].sum())
            scores[f"macro_f1_{name}"] = f1_L[supported_L].mean() if supported_L.any() else 0.0
        return {name: 100 * float(value) for name, value in scores.items()}


def _share(part: npt.ArrayLike, whole: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Returns part / whole, and 0 where the whole is 0."""
    whole = np.asarray(whole, dtype=np.float64)
    return np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0)


class ThresholdFree:
    """How well probabilities order labels, document by document, whatever the threshold.

    The hF1-AUC of Plaud et al., *Revisiting Hierarchical Text Classification: Inference and Metrics*, CoNLL 2024: per
    document the area under hierarchical precision over hierarchical recall as the threshold falls, then the mean over
    documents. Defined as their program computes it:

    * *Closed sets.* A label is predicted once it and all its ancestors reach the threshold, so that precision and
      recall are of sets closed under ancestors, as hierarchical ones are. `hier_f1` closes the other way, by adding
      ancestors; of coherent probabilities there is nothing to close, and the two agree.
    * *Thresholds* are the document's distinct probabilities; labels with equal ones come in together.
    * *Trapezoids* between neighbouring points, from (recall 0, precision 1), where nothing is predicted yet; not the
      steps of scikit-learn's average precision.
    * A document without gold counts 0, as in `hier_f1`.

    Recall rises only where a gold label comes in, by one over their number. The area is therefore the mean over gold
    labels of the precision with the label and those that tie with it, averaged with the precision just before.
    """

    def __init__(self, hierarchy: Hierarchy):
        labels, ancestors = hierarchy.ancestors.nonzero()
        nth = np.arange(len(labels)) - np.searchsorted(labels, labels)
        # A column per label: its ancestors, itself included, and itself again where others have more.
        self._ancestors = np.tile(np.arange(len(hierarchy)), (nth.max() + 1, 1))
        self._ancestors[nth, labels] = ancestors
        self._sum = 0.0
        self._num_documents = 0

    def add(self, probabilities_BL: npt.NDArray[np.float32], gold_BL: Bools) -> None:
        # Not `minimum.reduceat`, which takes ten times as long.
        closed_BL = np.ascontiguousarray(probabilities_BL.T[self._ancestors].min(0).T)
        rows, labels = np.divmod(np.flatnonzero(gold_BL), gold_BL.shape[1])
        # One row for each pair of a document and a gold label of it.
        own_P = closed_BL[rows, labels]
        all_PL, gold_PL = closed_BL[rows], gold_BL[rows]
        heights_P = np.zeros(len(rows))
        for predicted_PL in (all_PL >= own_P[:, None], all_PL > own_P[:, None]):
            num_P = predicted_PL.sum(1, dtype=np.int32)
            right_P = (predicted_PL & gold_PL).sum(1, dtype=np.int32)
            heights_P += np.divide(right_P, num_P, out=np.ones(len(rows)), where=num_P > 0)
        num_gold_B = np.bincount(rows, minlength=len(gold_BL))
        self._sum += float((heights_P / num_gold_B[rows]).sum()) / 2
        self._num_documents += len(gold_BL)

    def scores(self) -> dict[str, float]:
        """Returns `hier_f1_auc`, in points."""
        return {"hier_f1_auc": 100 * self._sum / max(self._num_documents, 1)}
