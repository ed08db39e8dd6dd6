"""Tests a trained model at its best epochs, and writes what it predicted there."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import scipy.sparse

from harness.config.schema import BestEpoch, TrainerSettings
from harness.core.files import write_atomically
from harness.training.build import Data
from harness.training.checkpoint import Fitted
from harness.training.metrics import label_groups
from harness.training.train import evaluate
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
        for metric, best in fitted.progress.best.items():
            twin = by_epoch.setdefault(best["epoch"], metric)
            if twin == metric:
                model.load_state_dict(fitted.weights[metric])
                scores, tested.predicted[metric] = evaluate(
                    model,
                    data.splits["test"],
                    data.corpus.hierarchy,
                    settings,
                    fitted.progress.micro_batches,
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

    def write_predictions(self, path: Path, doc_ids: Sequence[str]) -> str:
        """Writes the predicted labels per best epoch as lists, a row per document; returns the hash of the lists."""
        columns: dict[str, Any] = {"doc_id": pa.array(doc_ids)}
        digest = hashlib.sha256()
        for metric, labels in sorted(self.predicted.items()):
            labels.sort_indices()
            offsets, indices = labels.indptr.astype(np.int32), labels.indices.astype(np.int32)
            columns[f"{metric}_labels"] = pa.ListArray.from_arrays(offsets, indices)
            digest.update(offsets.tobytes() + indices.tobytes())
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table(columns), sink, compression="zstd")
        write_atomically(path, sink.getvalue())
        return digest.hexdigest()
