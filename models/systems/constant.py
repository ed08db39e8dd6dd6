"""Best constant prediction."""

import numpy as np
import scipy.sparse

from models.systems.base import System

NUMERICS = {"constant": 1}


class Constant(System):
    """Same labels."""

    def fit(self, train, valid, seed):
        gold_L = np.asarray(train.gold.sum(axis=0)).ravel()
        order = np.argsort(-gold_L, kind="stable")
        f = 2 * np.cumsum(gold_L[order]) / (len(train) * np.arange(1, len(gold_L) + 1) + gold_L.sum())
        self.labels = np.sort(order[: int(np.argmax(f)) + 1])
        return {}

    def values(self, texts):
        n = len(texts)
        shape = (n, len(self.hierarchy))
        return scipy.sparse.csr_array(
            (np.ones(n * len(self.labels), np.float32), np.tile(self.labels, n), np.arange(n + 1) * len(self.labels)),
            shape=shape,
        )
