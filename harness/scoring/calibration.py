"""Calibration of probabilities: expected calibration error and Brier score of the label decisions.

* `ece`: the expected calibration error of Naeini et al. 2015, *Obtaining well calibrated probabilities using Bayesian
  binning*, with the 15 bins of equal width of Guo et al. 2017, *On calibration of modern neural networks*: the mean
  distance between the mean probability of a bin and its share of gold labels, bins weighted by their sizes. Every pair
  of a document and a label is a decision of its own. Counted are pairs of a probability above the floor of
  `datasets/storage/predictions.py`: all others, more than nine in ten, would be one bin that hides the rest.
* `brier`: the score of Brier 1950, *Verification of forecasts expressed in terms of probability*: squared differences
  between probabilities and gold, summed over labels, mean over documents; a label that is not kept counts as 0.

Both are times 100, as all scores are; `brier` can be above 100, and lower is better of both.
"""

import numpy as np
import scipy.sparse

from datasets.storage.predictions import FLOOR, LabelValues
from harness.scoring.decisions import is_gold

BINS = 15


def calibration(values: LabelValues, gold: scipy.sparse.csr_array) -> dict[str, float]:
    """Returns both scores; `values` are probabilities, `gold` is (documents, L) booleans."""
    found, right = values.values.astype(np.float64), is_gold(values, gold)
    brier = ((found - right) ** 2).sum() + gold.nnz - right.sum()
    counted = found > FLOOR
    bins = np.ceil(found[counted] * BINS).astype(int) - 1
    gaps = np.bincount(bins, found[counted] - right[counted], minlength=BINS)
    return {
        "ece": 100 * float(np.abs(gaps).sum()) / max(int(counted.sum()), 1),
        "brier": 100 * float(brier) / max(gold.shape[0], 1),
    }
