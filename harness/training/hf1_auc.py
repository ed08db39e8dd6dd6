"""How well probabilities order labels, document by document, whatever the threshold.

The hF1-AUC of Plaud et al., *Revisiting Hierarchical Text Classification: Inference and Metrics*, CoNLL 2024: per
document the area under hierarchical precision over hierarchical recall as the threshold falls, then the mean over
documents. Defined as their program computes it:

* *Closed sets.* A label is predicted once it and all its ancestors reach the threshold, so that precision and recall
  are of sets closed under ancestors, as hierarchical ones are. `hier_f1` closes the other way, by adding ancestors;
  of coherent probabilities there is nothing to close, and the two agree.
* *Thresholds* are the document's distinct probabilities; labels with equal ones come in together.
* *Trapezoids* between neighbouring points, from (recall 0, precision 1), where nothing is predicted yet; not the
  steps of scikit-learn's average precision.
* A document without gold counts 0, as in `hier_f1`.

Recall rises only where a gold label comes in, by one over their number. The area is therefore the mean over gold
labels of the precision with the label and those that tie with it, averaged with the precision just before.
"""

import numpy as np
import numpy.typing as npt

from datasets.storage.hierarchy import Hierarchy
from datasets.storage.label_groups import Bools


class ThresholdFree:
    """Areas under the curves of documents, added up batch by batch."""

    def __init__(self, hierarchy: Hierarchy):
        labels, ancestors = hierarchy.ancestors.nonzero()
        nth = np.arange(len(labels)) - np.searchsorted(labels, labels)
        # A column per label: its ancestors, itself included, and itself again where others have more.
        self._ancestors = np.tile(np.arange(len(hierarchy)), (nth.max() + 1, 1))
        self._ancestors[nth, labels] = ancestors
        self._sum = 0.0
        self._num_documents = 0

    def add(self, probabilities_BL: npt.NDArray[np.float32], gold_BL: Bools) -> None:
        """Adds a batch of B documents."""
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
