"""Label tree for thousands of labels: Parabel or Bonsai, by Omikuji.

Papers: Prabhu et al., *Parabel*, WWW 2018 (balanced trees of two); Khandagale, Xiao and Babbar, *Bonsai*, Machine
Learning 2020 (shallow trees of up to 100). Labels are clustered by their documents into trees, and linear SVMs lead a
document down to its labels, so that fitting costs a classifier per label on few documents. Features are those of
`linear`; all else is as Omikuji (0.5.2) has it. The trees are not the hierarchy.

What is clustered and learned are the lowest labels of each document, those without a gold descendant, as in these
papers, whose labels are not closed under ancestors: an ancestor of many documents would put them all into its cluster.
A label's score is the highest of its own and those of its descendants, so predictions never contradict the hierarchy.

On complete EURLEX57K (45,000 whole laws to learn from, 4,662 labels with all ancestors) one run had 79.2 micro F and
93.0 RP@5 on test documents, in 10 minutes and 4.6 GB on two cores.

Not deterministic: Omikuji draws from generators that take no seed. Seeds of a sweep are so many runs of it, and none
can be repeated to the bit.

Its scores rank labels, and no score of theirs is a decision: the threshold with the highest micro F on validation
documents is. Values are scores, stretched so that this threshold is 0.5: no probabilities.

A model is saved as Omikuji writes it: settings in JSON and a CBOR file per tree, without pickle and time stamps. One
model gives the same bytes whenever it is saved.
"""

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from scipy import sparse
from sklearn.datasets import dump_svmlight_file

from datasets.storage.hierarchy import Hierarchy
from models.systems.base import BATCH, KEPT, Encode, System, Texts, batched
from models.systems.kept import Reader, Writer
from models.systems.tfidf import MOST, Tfidf

NUMERICS = {"label tree": 2}
DETERMINISTIC = False
SETTINGS = "settings.json"
TREES = "label_tree/tree*"
"""Names of the files of trees, with their folder."""


class LabelTree(System):
    """Partitioned label trees.

    Args:
        hierarchy: The labels.
        encode: Not read.
        tree: `parabel`, or `bonsai`, which is slower and mostly better.
    """

    def __init__(
        self, hierarchy: Hierarchy, encode: Encode | None = None, *, tree: Literal["parabel", "bonsai"] = "parabel"
    ):
        super().__init__(hierarchy, encode)
        self.tree = tree
        self.threshold = 0.5

    def fit(self, train: Texts, valid: Texts, seed: int) -> dict[str, str]:
        """Grows the trees and chooses the threshold; the seed changes nothing."""
        import omikuji  # It loads a library of its own.

        settings = omikuji.Model.default_hyper_param()
        if self.tree == "bonsai":
            settings.cluster_balanced, settings.cluster_k, settings.max_depth = False, 100, 3
        self.tfidf = Tfidf()
        features_NF = self.tfidf.fit(train, MOST)
        threads = torch.get_num_threads()
        with tempfile.TemporaryDirectory() as folder, _silence():
            file = Path(folder, "train.txt")
            with file.open("wb") as stream:
                stream.write(f"{features_NF.shape[0]} {features_NF.shape[1]} {len(self.hierarchy)}\n".encode())
                for start in range(0, features_NF.shape[0], BATCH):
                    rows = slice(start, start + BATCH)
                    gold = sparse.csr_matrix(lowest(train.gold[rows], self.hierarchy).astype(np.int32))
                    dump_svmlight_file(sparse.csr_matrix(features_NF[rows]), gold, stream, multilabel=True)
            self.model = omikuji.Model.train_on_data(str(file), settings, n_threads=threads)
            self.model.init_prediction_thread_pool(threads)
        scores = sparse.vstack([self._scores(batch) for batch in batched(valid, BATCH)], format="csr")
        self.threshold = best_threshold(sparse.csr_array(scores), valid.gold)
        return {"threshold": f"{self.threshold:.4g}", "features": f"{features_NF.shape[1]:,}", "tree": self.tree}

    def save(self, folder: Path) -> dict[str, Any]:
        """Writes the n-grams and the trees."""
        writer = Writer(folder)
        self.tfidf.save(writer)
        with tempfile.TemporaryDirectory() as scratch:
            with _silence():
                self.model.save(scratch)
            for path in sorted(Path(scratch).iterdir()):
                writer.write(f"label_tree/{path.name}", path.read_bytes())
        return writer.state(threshold=self.threshold, labels=len(self.hierarchy))

    def restore(self, folder: Path, state: Mapping[str, Any]) -> None:
        reader = Reader(folder, state)
        self.tfidf = Tfidf()
        num_features = self.tfidf.restore(reader)
        self.threshold = reader.said("threshold", float)
        if (num_labels := reader.said("labels", int)) != len(self.hierarchy):
            raise reader.damaged(f"it has {num_labels} labels, and the hierarchy {len(self.hierarchy)}")
        self.model = _load(reader)
        if self.model.n_features != num_features:
            raise reader.damaged(f"its trees read {self.model.n_features} features, and there are {num_features}")

    def batch_values(self, texts: list[str]) -> sparse.csr_array:
        """Returns (B, L) stretched scores."""
        values = self._scores(texts)
        values.data = stretched(values.data, self.threshold).astype(np.float32)
        return values

    def _scores(self, texts: list[str]) -> sparse.csr_array:
        """Returns (B, L) scores in [0, 1], those of Omikuji carried up to all ancestors."""
        features_BF = self.tfidf.transform(texts)
        features_BF.sort_indices()
        indices: list[int] = []
        scores: list[float] = []
        starts = [0]
        for first, last in zip(features_BF.indptr[:-1], features_BF.indptr[1:], strict=True):
            pairs = zip(features_BF.indices[first:last].tolist(), features_BF.data[first:last].tolist(), strict=True)
            found: list[Any] = sorted(self.model.predict(list(pairs), top_k=min(KEPT, len(self.hierarchy))))
            indices += [label for label, _ in found]
            scores += [score for _, score in found]
            starts.append(len(indices))
        shape = (len(texts), len(self.hierarchy))
        own = sparse.csr_array((np.clip(scores, 0, 1).astype(np.float32), indices, starts), shape=shape)
        return carried_up(own, self.hierarchy)


def lowest(gold_BL: sparse.csr_array, hierarchy: Hierarchy) -> sparse.csr_array:
    """Returns which of the closed gold labels, (B, L) booleans, have no child that is gold too."""
    parents, children = hierarchy.edges.T
    size = len(hierarchy)
    up_LL = sparse.csr_array((np.ones(len(parents), np.int32), (children, parents)), shape=(size, size))
    with_child_BL = gold_BL.astype(np.int32) @ up_LL
    return sparse.csr_array(gold_BL > with_child_BL.astype(bool))


def carried_up(scores_BL: sparse.csr_array, hierarchy: Hierarchy) -> sparse.csr_array:
    """Returns, for each label, the highest score among it and its descendants; scores are above 0."""
    above = [hierarchy.closures[one] for one in scores_BL.indices]
    counts = [len(one) for one in above]
    rows = np.repeat(np.arange(scores_BL.shape[0]), np.diff(scores_BL.indptr)).repeat(counts)
    places = np.concatenate([np.empty(0, np.int64), *above])
    cells, values = rows * scores_BL.shape[1] + places, scores_BL.data.repeat(counts)
    order = np.lexsort((values, cells))
    last = np.append(np.diff(cells[order]) > 0, True)[: len(order)]
    chosen = order[last]
    return sparse.csr_array((values[chosen], divmod(cells[chosen], scores_BL.shape[1])), shape=scores_BL.shape)


def best_threshold(scores: sparse.csr_array, gold: sparse.csr_array) -> float:
    """Returns the threshold of (V, L) scores in [0, 1] above which micro F is highest, halfway to the next score."""
    right = np.asarray(gold[scores.nonzero()]).ravel()
    values = scores.data[scores.data != 0].astype(np.float64)
    if not values.size:
        return 0.5
    order = np.argsort(-values, kind="stable")
    values, hits = values[order], np.cumsum(right[order])
    f1 = 2 * hits / (np.arange(1, values.size + 1) + gold.count_nonzero())
    # Equal scores are predicted together.
    ends = np.flatnonzero(np.append(values[1:] < values[:-1], True))
    end = ends[int(np.argmax(f1[ends]))]
    below = values[end + 1] if end + 1 < values.size else 0.0
    return float(np.clip((values[end] + below) / 2, 1e-6, 1 - 1e-6))


def stretched(scores: np.ndarray[Any, Any], threshold: float) -> np.ndarray[Any, Any]:
    """Returns scores in [0, 1], linear on either side of a threshold that becomes 0.5."""
    upper = 0.5 + 0.5 * (scores - threshold) / (1 - threshold)
    return np.where(scores > threshold, upper, 0.5 * scores / threshold)


def _load(reader: Reader) -> Any:
    """Returns a model whose trees are in the order in which they were.

    Omikuji loads them in the order in which the folder lists its files, which is the file system's own, and adds up
    their scores in that order. So the files are made first, and what is written to each follows from the listing.
    """
    import omikuji

    trees = reader.names(TREES)
    with tempfile.TemporaryDirectory() as scratch:
        Path(scratch, SETTINGS).write_bytes(reader.read(f"label_tree/{SETTINGS}"))
        for name in trees:
            Path(scratch, Path(name).name).touch()
        places = [name for name in os.listdir(scratch) if name != SETTINGS]
        for place, name in zip(places, trees, strict=True):
            Path(scratch, place).write_bytes(reader.read(name))
        try:
            with _silence():
                model = omikuji.Model.load(scratch)
        except RuntimeError:
            raise reader.damaged("Omikuji cannot load its trees") from None
    model.init_prediction_thread_pool(torch.get_num_threads())
    return model


@contextmanager
def _silence() -> Iterator[None]:
    """Leaves out what Omikuji writes to the standard streams: a bar per document."""
    sys.stdout.flush()
    sys.stderr.flush()
    saved = os.dup(1), os.dup(2)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        for stream, copy in zip((1, 2), saved, strict=True):
            os.dup2(copy, stream)
            os.close(copy)
