"""Linear SVM: TF-IDF of word 1-2-grams and one-vs-rest classifiers, the baseline that is hard to beat.

Paper: Joachims, *Text Categorization with Support Vector Machines*, ECML 1998; Fan et al., *LIBLINEAR*, JMLR 2008. It
knows of no edge, so its predictions may contradict the hierarchy. Deterministic: there is one run of it, whatever the
seeds. Squared hinge loss, as LIBLINEAR's default; C is chosen on validation documents.

A value is the logistic function of four times the margin. It is no probability, but 0.5 is where the margin is 0, and
it ranks labels as margins do.
"""

from datasets.storage.hierarchy import Hierarchy
from harness.core.registry import Weight
from models.systems.base import Encode
from models.systems.one_vs_rest import OneVsRest

NUMERICS = {"linear": 1}
READS_HIERARCHY = False


class Linear(OneVsRest):
    """One-vs-rest linear SVM.

    Args:
        hierarchy: The labels.
        encode: Not read.
        cost: Weight C of the loss; 0 chooses 0.25, 1, 4 or 16 on validation documents.
    """

    COSTS = (0.25, 1.0, 4.0, 16.0)
    LOSS = "squared_hinge"

    def __init__(self, hierarchy: Hierarchy, encode: Encode | None = None, *, cost: Weight = 0.0):
        super().__init__(hierarchy, encode)
        self.cost = cost
