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
        """Tests the weights of each best epoch, once where two are the same epoch.

        Args:
            model: On the device to test on; its weights are those tested last.
            fitted: Weights, and their epochs.
            data: Documents to test on; the training documents say which labels are rare.
            settings: See `TrainerSettings`.
        """
        tested = cls({}, {})
        groups = label_groups(data.splits["train"].gold.sum(axis=0))
        by_epoch: dict[float, str] = {}
        for metric, best in fitted.state.best.items():
            twin = by_epoch.setdefault(best["epoch"], metric)
            if twin == metric:
                model.load_state_dict(fitted.weights[metric])
                scores, tested.predicted[metric] = evaluate(
                    model,
                    data.splits["test"],
                    data.corpus.hierarchy,
                    settings,
                    fitted.state.micro_batches,
                    groups,
                    threshold_free=True,
                )
                tested.selected[metric] = {"epoch": best["epoch"], **scores}
            else:
                tested.selected[metric], tested.predicted[metric] = tested.selected[twin], tested.predicted[twin]
        return tested

    def headline(self, rule: BestEpoch, history: Sequence[Mapping[str, float]]) -> dict[str, float]:
        """Returns the scores to report, and those on validation at their epochs.

        Args:
            rule: Which epoch a score is read at.
            history: An entry per epoch.
        """
        source = "macro_f1" if rule == "macro" else "micro_f1"
        scores = {name: value for name, value in self.selected[source].items() if name != "epoch"}
        if rule == "per_metric":
            scores["macro_f1"] = self.selected["macro_f1"]["macro_f1"]
        for metric in ("micro_f1", "macro_f1"):
            epoch = self.selected[metric if rule == "per_metric" else source]["epoch"]
            scores[f"valid_{metric}"] = history[int(epoch) - 1][f"valid_{metric}"]
        return scores
