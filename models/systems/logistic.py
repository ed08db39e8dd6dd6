"""Logistic regression: TF-IDF of word 1-2-grams and one-vs-rest classifiers whose values are probabilities.

Paper: Fan et al., *LIBLINEAR*, JMLR 2008. As `linear` but for the loss; each label's probability is its own, so they
need not agree along the hierarchy. Deterministic: there is one run of it, whatever the seeds.
"""

from datasets.storage.hierarchy import Hierarchy
from harness.core.registry import Weight
from models.systems.base import Encode
from models.systems.one_vs_rest import OneVsRest

NUMERICS = {"logistic": 1}
READS_HIERARCHY = False


class Logistic(OneVsRest):
    """One-vs-rest logistic regression.

    Args:
        hierarchy: The labels.
        encode: Not read.
        cost: Weight C of the loss; 0 chooses 4, 16, 64 or 256 on validation documents.
    """

    meaning = "probabilities"

    COSTS = (4.0, 16.0, 64.0, 256.0)
    LOSS = "log"

    def __init__(self, hierarchy: Hierarchy, encode: Encode | None = None, *, cost: Weight = 0.0):
        super().__init__(hierarchy, encode)
        self.cost = cost
