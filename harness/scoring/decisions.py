"""Decision rules: from the values of labels to predicted labels, by thresholds chosen on validation documents.

* `0.5`: above a half; nothing is chosen.
* `validation`: above the one threshold that gives the highest micro F on the validation documents.
* `per_label`: above the threshold of each label that gives its highest F there. Where that F is below .1, as of rare
  labels, the threshold is the label's highest value on the validation documents (SCutFBR.1, Yang 2001, *A study on
  thresholding strategies for text categorization*). Lewis et al. 2004, *RCV1*, tune that limit by cross-validation;
  here it is fixed at .1.

The single threshold maximises micro F; each label's threshold maximises that label's F, whose mean is macro F. Between
two neighbouring values that validation documents have, any threshold decides alike: it is 0.5 where that lies between,
else half-way. Of equally good thresholds the one nearest to 0.5 is chosen.
"""

import numpy as np
import numpy.typing as npt
import scipy.sparse

from datasets.storage.predictions import BOUNDARY, FLOOR, LabelValues, Predictions
from harness.core.metric_names import DECISIONS, Decision

LEAST_F = 0.1
"""F on validation below which a label's threshold is its highest value there."""

Array = npt.NDArray[np.float64]


def possible(predicted: Predictions) -> tuple[Decision, ...]:
    """Returns the decision rules that predictions allow: of labels alone, and without validation, there is one."""
    return DECISIONS if predicted.valid is not None and predicted.meaning != "labels" else DECISIONS[:1]


def thresholds(rule: Decision, predicted: Predictions, gold_valid: scipy.sparse.csr_array) -> float | Array:
    """Returns the threshold of a rule, or one per label, (L,); a label is predicted above it, strictly.

    Args:
        rule: One of `possible`.
        predicted: Values of the validation documents.
        gold_valid: Their gold labels, (documents, L) booleans.
    """
    if rule == "0.5":
        return BOUNDARY
    assert predicted.valid is not None, "without validation documents no threshold is chosen"
    gold_L = gold_valid.sum(0, dtype=np.int64)
    values, right = predicted.valid, is_gold(predicted.valid, gold_valid)
    if rule == "validation":
        everything = np.zeros(len(values.labels), dtype=np.int64)
        (threshold,), (best,), _ = _best(everything, values.values, right, gold_L.sum()[None])
        return float(threshold) if best > 0 else BOUNDARY
    threshold_L, best_L, highest_L = _best(values.labels, values.values, right, gold_L)
    return np.where(best_L < LEAST_F, highest_L, threshold_L)


def decide(rule: Decision, predicted: Predictions, gold_valid: scipy.sparse.csr_array) -> scipy.sparse.csr_array:
    """Returns the predicted labels of the test documents, (documents, L) sparse booleans; arguments as above."""
    return predicted.test.above(thresholds(rule, predicted, gold_valid), gold_valid.shape[1])


def is_gold(values: LabelValues, gold: scipy.sparse.csr_array) -> npt.NDArray[np.bool_]:
    """Returns whether each kept label is a gold label of its document; `gold` is (documents, L) booleans."""
    num_labels = gold.shape[1]
    gold = gold.copy()
    gold.sort_indices()
    rows = np.repeat(np.arange(gold.shape[0]), np.diff(gold.indptr))
    known = rows * num_labels + gold.indices
    asked = values.rows * num_labels + values.labels
    places = np.minimum(np.searchsorted(known, asked), max(len(known) - 1, 0))
    found: npt.NDArray[np.bool_] = known[places] == asked if len(known) else np.zeros(len(asked), dtype=bool)
    return found


def _best(
    group: npt.NDArray[np.integer], values: npt.NDArray[np.float16], right: npt.NDArray[np.bool_], gold_G: Array
) -> tuple[Array, Array, Array]:
    """Returns, per group of pairs of document and label, the best threshold, its F, and the highest value: (G,) each.

    Thresholds are at least the floor, since below it not every value is known.

    Args:
        group: Group of each pair.
        values: Value of each.
        right: Whether the label is gold.
        gold_G: Gold labels in each group, whether they have a value or not.
    """
    threshold_G, best_G = np.full(len(gold_G), BOUNDARY), np.zeros(len(gold_G))
    highest_G = np.full(len(gold_G), FLOOR)
    wide = values.astype(np.float64)
    order = np.lexsort((-wide, group))
    order = order[wide[order] > FLOOR]
    if not len(order):
        return threshold_G, best_G, highest_G
    group, wide, right = group[order], wide[order], right[order]
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    start = np.repeat(starts, np.diff([*starts, len(group)]))
    highest_G[group[starts]] = wide[starts]
    rights = np.cumsum(right)
    right_above: npt.NDArray[np.int64] = rights - (rights[start] - right[start])
    f_score = 2 * right_above / (np.arange(len(group)) - start + 1 + gold_G[group])
    # A cut is after the last of equal values; what comes next in the group, or the floor, bounds its threshold.
    is_last = np.append(np.diff(group) > 0, True)
    below = np.where(is_last, FLOOR, np.append(wide[1:], FLOOR))
    cuts = np.flatnonzero(below < wide)
    low, high = below[cuts], wide[cuts]
    middle = np.where((low <= BOUNDARY) & (high > BOUNDARY), BOUNDARY, (low + high) / 2)
    order = np.lexsort((np.abs(middle - BOUNDARY), -f_score[cuts], group[cuts]))
    firsts = order[np.flatnonzero(np.diff(group[cuts[order]], prepend=-1))]
    best_G[group[cuts[firsts]]] = f_score[cuts[firsts]]
    threshold_G[group[cuts[firsts]]] = middle[firsts]
    return threshold_G, best_G, highest_G
