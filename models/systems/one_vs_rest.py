"""One-vs-rest linear classifiers by LIBLINEAR, and the choice of their cost C on validation documents.

Each label has a classifier of its own. A label that all its documents have, or none, has a constant one. C is the
value of a grid with the highest micro F on validation documents; of equal ones the smallest, the most regularised.
The grid ends where the solver does: beyond, labels of some corpora do not converge in 10,000 passes.

LIBLINEAR's dual solver draws the order of documents from a generator that a process has once, so labels are fitted
one after the other, each with the same seed: the same bits in every run. It is the solver that is fast on sparse text:
on TREC, .01 seconds a label, where its primal solver, which draws nothing, takes .45. Large problems are shared among
processes, which changes no number.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import joblib
import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from models.systems.base import BATCH, System, Texts, highest, micro_f1
from models.systems.kept import Reader, Writer
from models.systems.tfidf import MOST, Tfidf

NUMERICS = {"one vs rest": 1}
SEED = 0
"""Of LIBLINEAR's order of documents, whatever the trial's seed: its solution is one, up to its tolerance."""
MOST_WEIGHTS = 2**29
"""Weights of all labels together: 2 GB."""
LARGE = 10**9
"""Features of documents times labels from which processes share the work, about a minute."""

Loss = Literal["squared_hinge", "log"]


@dataclass
class Weights:
    """Linear classifiers of some labels.

    Attributes:
        weights_FL: float32 weights.
        bias_L: float32 intercepts; infinite for a constant.
        steepness: What margins are multiplied by: of an SVM, at whose margin of -1 a label is out of the question, 4.
    """

    weights_FL: npt.NDArray[np.float32]
    bias_L: npt.NDArray[np.float32]
    steepness: int = 4

    @property
    def size(self) -> int:
        return self.weights_FL.size + self.bias_L.size

    def values(self, features_BF: sparse.csr_array) -> npt.NDArray[np.float32]:
        """Returns (B, L) logistic functions of the margins."""
        margins_BL = features_BF @ self.weights_FL + self.bias_L
        values_BL: npt.NDArray[np.float32] = expit(self.steepness * margins_BL)
        return values_BL


def fit_labels(
    features_NF: sparse.csr_array, gold_NL: sparse.csr_array, labels: Iterable[int], cost: float, loss: Loss
) -> Weights:
    """Fits a classifier for each of some labels.

    Args:
        features_NF: Features of the training documents, at least one.
        gold_NL: Their boolean labels.
        labels: Columns of `gold_NL`.
        cost: Weight C of the loss against half the squared length of the weights.
        loss: Squared hinge loss (a linear SVM) or log loss (logistic regression).
    """
    # LIBLINEAR computes in double precision.
    features = sparse.csr_matrix(features_NF, dtype=np.float64)
    gold, columns = sparse.csc_array(gold_NL), list(labels)
    processes = torch.get_num_threads() if features.nnz * len(columns) >= LARGE else 1
    work = (joblib.delayed(_fit)(features, gold[:, [label]].toarray().ravel(), cost, loss) for label in columns)
    weights_FL = np.zeros((features.shape[1], len(columns)), dtype=np.float32)
    bias_L = np.zeros(len(columns), dtype=np.float32)
    for i, (weights_F, bias) in enumerate(joblib.Parallel(n_jobs=processes, return_as="generator")(work)):
        bias_L[i] = bias
        if weights_F is not None:
            weights_FL[:, i] = weights_F
    return Weights(weights_FL, bias_L, 4 if loss == "squared_hinge" else 1)


def _fit(
    features: sparse.csr_matrix, gold_N: npt.NDArray[np.bool_], cost: float, loss: Loss
) -> tuple[npt.NDArray[np.float32] | None, float]:
    """Returns the weights of one label, None for a constant, and its intercept."""
    if not gold_N.any() or gold_N.all():
        return None, float(np.inf if gold_N.any() else -np.inf)
    if loss == "log":
        classifier = LogisticRegression(C=cost, solver="liblinear", dual=True, max_iter=10_000, random_state=SEED)
    else:
        classifier = LinearSVC(C=cost, dual=True, max_iter=10_000, random_state=SEED)
    classifier.fit(features, gold_N)
    return classifier.coef_[0].astype(np.float32), float(classifier.intercept_[0])


class OneVsRest(System):
    """One-vs-rest classifiers on TF-IDF features."""

    COSTS: Sequence[float]
    LOSS: Loss
    cost: float
    """C, or 0 where validation chooses it."""

    def fit(self, train: Texts, valid: Texts, seed: int) -> dict[str, str]:
        """Fits for each C, keeps the best; the seed changes nothing."""
        self.tfidf = Tfidf()
        features_NF = self.tfidf.fit(train, min(MOST, MOST_WEIGHTS // len(self.hierarchy)))
        num_features = features_NF.shape[1]
        best, best_f1 = self.cost, -1.0
        costs = [self.cost] if self.cost else sorted(self.COSTS)
        features_VF = self.tfidf.transform(list(valid)) if len(costs) > 1 else None
        kept = None
        for cost in costs:
            self.classifiers = self.fit_classifiers(features_NF, train.gold, cost)
            if features_VF is None:
                break
            predicted = self.predicted(features_VF)
            if (f1 := micro_f1(valid.gold, predicted)) > best_f1:
                best, best_f1, kept = cost, f1, self.classifiers
        self.classifiers = kept or self.classifiers
        self.num_parameters = self.classifiers.size
        return {"C": f"{best:g}", "features": f"{num_features:,}", "least documents": str(self.tfidf.least)}

    def save(self, folder: Path) -> dict[str, Any]:
        """Writes the n-grams and the classifiers."""
        writer = Writer(folder)
        self.tfidf.save(writer)
        writer.arrays |= {"weights": self.classifiers.weights_FL, "bias": self.classifiers.bias_L}
        return writer.state(steepness=self.classifiers.steepness)

    def restore(self, folder: Path, state: Mapping[str, Any]) -> None:
        reader = Reader(folder, state)
        self.tfidf = Tfidf()
        num_features, num_labels = self.tfidf.restore(reader), len(self.hierarchy)
        weights_FL = reader.array("weights", np.float32, (num_features, num_labels))
        bias_L = reader.array("bias", np.float32, (num_labels,))
        self.classifiers = Weights(weights_FL, bias_L, reader.said("steepness", int))
        self.num_parameters = self.classifiers.size

    def fit_classifiers(self, features_NF: sparse.csr_array, gold: sparse.csr_array, cost: float) -> Weights:
        """Returns the classifiers of all labels."""
        return fit_labels(features_NF, gold, range(gold.shape[1]), cost, self.LOSS)

    def all_values(self, features_BF: sparse.csr_array) -> npt.NDArray[np.float32]:
        """Returns (B, L) values of all labels."""
        return self.classifiers.values(features_BF)

    def predicted(self, features_VF: sparse.csr_array) -> sparse.csr_array:
        """Returns (V, L) booleans."""
        starts = range(0, features_VF.shape[0], BATCH)
        parts = [sparse.csr_array(self.all_values(features_VF[start : start + BATCH]) > 0.5) for start in starts]
        return sparse.csr_array(sparse.vstack(parts, format="csr"))

    def batch_values(self, texts: list[str]) -> sparse.csr_array:
        """Returns (B, L) values of the highest labels."""
        return highest(self.all_values(self.tfidf.transform(texts)))
