"""Collapsed runs: the best score without reading a document, and runs far below all others of their cell."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from harness.core.metric_names import Headline

FAR = 10.0
"""Points, and median absolute deviations, by which a run lies far below the others."""


def best_constant(metric: Headline, support_L: npt.ArrayLike, num_documents: int) -> float:
    """Returns the highest F, in points, of predicting one and the same set of labels for every document.

    A label that g of N documents have is right g times and predicted N times. Macro F, the mean over labels of
    2 g / (N + g), is highest for all labels. Micro F of a set of k labels is 2 (sum of g) / (N k + G), with G all gold
    labels; of sets of k it is highest for the k most frequent ones, so that L sets are compared.

    Args:
        metric: Which F.
        support_L: Number of documents with each label, (L,).
        num_documents: Number N of documents, at least 1.
    """
    gold_L = np.sort(np.asarray(support_L, dtype=float))[::-1]
    if metric == "macro_f1":
        return float(100 * np.mean(2 * gold_L / (num_documents + gold_L)))
    num_labels = np.arange(1, gold_L.size + 1)
    return float(100 * np.max(2 * np.cumsum(gold_L) / (num_documents * num_labels + gold_L.sum())))


def far_below(scores: Sequence[float]) -> list[bool]:
    """Tells which runs of a cell lie far below all others, which must be more than half of them.

    Far is more than 10 points, and more than 10 times the median absolute deviation of the cell. So runs that end in
    one of two optima a few points apart are no alarm, nor is one of five that lies 9 points below four which agree.
    Of 200,000 cells of five normal scores none has such a run up to an sd of 2 points, .03 % at 3 and .7 % at 5; with
    two optima 3 points apart it is .001 %, .1 % and .8 %.
    """
    values = np.asarray(scores, dtype=float)
    order = np.argsort(values, kind="stable")
    answer = np.zeros(values.size, dtype=bool)
    if values.size < 3:
        return answer.tolist()
    least = FAR * max(1.0, float(np.median(np.abs(values - np.median(values)))))
    gaps = np.flatnonzero(np.diff(values[order]) > least) + 1
    answer[order[: max((num for num in gaps if 2 * num < values.size), default=0)]] = True
    return answer.tolist()
