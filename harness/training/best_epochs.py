"""Best epochs of a trained model: their scores on the test documents, and what was predicted there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import scipy.sparse

from datasets.storage.label_groups import label_groups
from harness.config.schema import BestEpoch, TrainerSettings
from harness.training.build import Data
from harness.training.checkpoint import Fitted
from harness.training.evaluate import evaluate
from models.classifier import Classifier


@dataclass(frozen=True)
class BestEpochs:
    """What was found on the test documents at the best epochs, by the score that was best there on validation.

    Attributes:
        selected: Test scores, and the epoch.
        predicted: (documents, L) sparse booleans.
    """

    selected: dict[str, dict[str, float]]
    predicted: dict[str, scipy.sparse.csr_array]

    @classmethod
    def test(cls, model: Classifier, fitted: Fitted, data: Data, settings: TrainerSettings) -> "BestEpochs":
        """Tests the weights of each best epoch, once where two are the same epoch; the model is left with the last.

        The training documents say which labels are rare.
        """
        tested = cls({}, {})
        groups = label_groups(data.splits["train"].gold.sum(axis=0))
        by_epoch: dict[float, str] = {}
        for metric, best in fitted.state.best.items():
            twin = by_epoch.setdefault(best["epoch"], metric)
            if twin == metric:
                model.load_state_dict(fitted.weights[metric])
                split, hierarchy, parts = data.splits["test"], data.corpus.hierarchy, fitted.state.micro_batches
                scores, predicted = evaluate(model, split, hierarchy, settings, parts, groups, threshold_free=True)
                tested.predicted[metric] = predicted
                tested.selected[metric] = {"epoch": best["epoch"], **scores}
            else:
                tested.selected[metric], tested.predicted[metric] = tested.selected[twin], tested.predicted[twin]
        return tested

    def headline(self, rule: BestEpoch, history: Sequence[Mapping[str, float]]) -> dict[str, float]:
        """Returns the scores to report by a best-epoch rule, and those on validation at their epochs."""
        source = "macro_f1" if rule == "macro" else "micro_f1"
        scores = {name: value for name, value in self.selected[source].items() if name != "epoch"}
        if rule == "per_metric":
            scores["macro_f1"] = self.selected["macro_f1"]["macro_f1"]
        for metric in ("micro_f1", "macro_f1"):
            epoch = self.selected[metric if rule == "per_metric" else source]["epoch"]
            scores[f"valid_{metric}"] = history[int(epoch) - 1][f"valid_{metric}"]
        return scores
