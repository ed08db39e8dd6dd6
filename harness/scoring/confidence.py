"""Depth that a system reaches while it stays right: descent of the hierarchy as far as it is sure.

A label is predicted where it and all its ancestors are above a threshold: the least one at which 90 % of the labels
predicted for validation documents are gold. So precision is fixed on validation, and the score is how deep
predictions then go (after Deng et al. 2012, *Hedging your bets: optimizing accuracy-specificity trade-offs in large
scale visual recognition*, who trade specificity for accuracy). The measures of it are ours:

* `confident_depth`: the deepest level of right predictions over the deepest level of gold, mean over documents that
  have gold: 100 where every document is followed down to its deepest gold label, 0 where nothing is sure enough.
* `confident_precision`: the share of those predictions that is right on the test documents; 90 is what was asked for.
  0 where nothing is predicted.
"""

import numpy as np
import numpy.typing as npt
import scipy.sparse

from datasets.storage.hierarchy import Hierarchy
from datasets.storage.predictions import FLOOR, LabelValues, Predictions
from harness.scoring.decisions import is_gold

PRECISION = 0.9
Array = npt.NDArray[np.float64]


def confident_depth(
    predicted: Predictions,
    gold_valid: scipy.sparse.csr_array,
    gold_test: scipy.sparse.csr_array,
    hierarchy: Hierarchy,
) -> dict[str, float]:
    """Returns both scores, in points; gold is (documents, L) booleans, closed under ancestors."""
    assert predicted.valid is not None, "without validation documents no threshold is chosen"
    threshold = confident_threshold(predicted.valid, gold_valid, hierarchy)
    values = predicted.test
    chosen = _closed(values, hierarchy) > threshold
    right = is_gold(values, gold_test) & chosen
    levels = hierarchy.levels
    reached_N, deepest_N = (np.zeros(gold_test.shape[0], dtype=np.int64) for _ in range(2))
    np.maximum.at(reached_N, values.rows[right], levels[values.labels[right]])
    rows = np.repeat(np.arange(gold_test.shape[0]), np.diff(gold_test.indptr))
    np.maximum.at(deepest_N, rows, levels[gold_test.indices])
    has_gold_N = deepest_N > 0
    return {
        "confident_depth": 100 * float((reached_N[has_gold_N] / deepest_N[has_gold_N]).mean()) if rows.size else 0.0,
        "confident_precision": 100 * float(right.sum() / max(chosen.sum(), 1)),
    }


def confident_threshold(valid: LabelValues, gold_valid: scipy.sparse.csr_array, hierarchy: Hierarchy) -> float:
    """Returns the threshold above which a label and all its ancestors must be, chosen on validation documents."""
    return surest(_closed(valid, hierarchy), is_gold(valid, gold_valid))


def surest(values: Array, right: npt.NDArray[np.bool_]) -> float:
    """Returns the least threshold, from the floor up, above which 90 % of the values are right; 1 if there is none."""
    order = np.argsort(-values, kind="stable")
    values, right = values[order], right[order]
    precision = np.cumsum(right) / np.arange(1, len(values) + 1)
    # Equal values come in together, and below the floor not every value is known.
    whole = np.append(values[1:] < values[:-1], True)[: len(values)]
    cuts = np.flatnonzero(whole & (values > FLOOR) & (precision >= PRECISION))
    if not cuts.size:
        return 1.0
    last = cuts[-1]
    return max(FLOOR, float(values[last + 1])) if last + 1 < len(values) else FLOOR


def _closed(values: LabelValues, hierarchy: Hierarchy) -> Array:
    """Returns the least value among each kept label and its ancestors; 0 where one of them is not kept."""
    num_labels = len(hierarchy)
    known = values.rows * num_labels + values.labels
    labels, ancestors = hierarchy.ancestors.nonzero()
    starts = np.searchsorted(labels, np.arange(num_labels))
    counts = np.bincount(labels, minlength=num_labels)
    closed = values.values.astype(np.float64)
    own = closed.copy()
    # The n-th ancestor of all labels that have so many, one n after the other: memory stays that of the values.
    for nth in range(counts.max(initial=0)):
        some = np.flatnonzero(counts[values.labels] > nth)
        asked = values.rows[some] * num_labels + ancestors[starts[values.labels[some]] + nth]
        places = np.minimum(np.searchsorted(known, asked), len(known) - 1)
        closed[some] = np.minimum(closed[some], np.where(known[places] == asked, own[places], 0.0))
    return closed
