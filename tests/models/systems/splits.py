"""Splits of a corpus in memory, small planted ones, and shared corpora with their labels."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from scipy import sparse

from datasets.storage.hierarchy import Hierarchy


@dataclass
class Split:
    """Texts with gold labels."""

    texts: Sequence[str]
    gold: sparse.csr_array

    @property
    def doc_ids(self) -> list[str]:
        return [str(place) for place in range(len(self.texts))]

    def __iter__(self) -> Iterator[str]:
        return iter(self.texts)

    def __len__(self) -> int:
        return len(self.texts)


TREE = Hierarchy(["a", "b", "a1", "a2", "b1", "b2"], [(0, 2), (0, 3), (1, 4), (1, 5)])
DAG = Hierarchy(["a", "b", "both", "only", "deep"], [(0, 2), (1, 2), (0, 3), (2, 4)])


def planted(hierarchy: Hierarchy, num_documents: int, seed: int, noise: float = 0.0) -> Split:
    """Documents of one or two random labels, closed, whose words name the labels."""
    draw = np.random.default_rng(seed)
    gold = np.zeros((num_documents, len(hierarchy)), dtype=bool)
    texts = []
    for row in gold:
        row[hierarchy.close(draw.choice(len(hierarchy), size=draw.integers(1, 3), replace=False).tolist())] = True
        said = [f"word{label}" for label in np.flatnonzero(row ^ (draw.random(row.size) < noise))]
        texts.append(" ".join([*said, *(f"other{draw.integers(30)}" for _ in range(5))]))
    return Split(texts, sparse.csr_array(gold))


def shared_corpus(table: Path, edges: Path) -> tuple[Hierarchy, dict[str, Split]]:
    """A corpus as a table of texts, closed labels and splits; where it has no validation split, every tenth document
    of training is validation."""
    pairs = [line.split("\t") for line in edges.read_text("utf-8").splitlines()[1:]]
    hierarchy = Hierarchy.from_names((parent, child) for parent, child in pairs)
    columns = pq.read_table(table).to_pydict()
    gold = sparse.lil_array((len(columns["text"]), len(hierarchy)), dtype=bool)
    for row, labels in enumerate(columns["labels"]):
        gold[row, [hierarchy.index[name] for name in labels]] = True
    gold = gold.tocsr()
    names = np.array(columns["split"])
    if not set(names) & {"val", "validation", "dev"}:
        training = np.flatnonzero(names == "train")
        names = names.astype("U10")
        names[training[::10]] = "val"
    splits = {}
    for name in dict.fromkeys(names.tolist()):
        rows = np.flatnonzero(names == name)
        kind = "val" if name in ("validation", "dev") else name
        splits[kind] = Split([columns["text"][row] for row in rows], sparse.csr_array(gold[rows]))
    return hierarchy, splits
