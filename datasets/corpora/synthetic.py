"""Synthetic corpus of made-up words on a small random hierarchy, a tree or a graph with shared labels.

Every label has words of its own. A text mixes general words with words of its labels on each level, of their
siblings, and of any label. With `overlap`, labels have second parents in other branches; 0 gives a tree. All draws come
from NumPy's frozen legacy stream, so the same options give the same bytes on every machine.

This corpus serves tests and shows directed acyclic graphs. It is not a research benchmark.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from datasets.storage.card import Card
from datasets.storage.documents import CorpusSource, Document, SplitName
from datasets.storage.hierarchy import ROOT, Hierarchy
from harness.core.errors import DataError

CARD = Card(
    name="synthetic",
    title="Planted hierarchy",
    summary=(__doc__ or "").partition("\n")[0],
    language="made up",
    licence="none needed",
    citation="",
    obtain="Nothing to get: it is drawn.",
    splits="70% / 10% / 20%, in the order drawn.",
    counts=(
        "6,000 documents, 53 labels in 3 levels (4/14/35), 4 branches; 9 labels with two parents, 16 in more than one "
        "branch, 3.9 labels a document. With overlap=0 a tree."
    ),
    traps=("One document in a hundred carries the labels of another one, so no model can be perfect.",),
    builtin=True,
)

RECIPE = 1
_NUM_GENERAL, _NUM_OWN = 800, 15
# Origin of a word: general, a label of the document on level 1, 2 or 3, a sibling, any label.
_MIXTURE = np.cumsum([0.50, 0.12, 0.12, 0.12, 0.09, 0.05])


def read(
    source: Path | None = None, *, seed: int = 0, roots: int = 4, overlap: float = 0.15, documents: int = 6000
) -> CorpusSource:
    """Draws the corpus.

    Args:
        source: Unused.
        seed: Seed of all draws.
        roots: Number of branches.
        overlap: Probability that a label below the roots has a second parent in another branch; 0 for a tree.
        documents: Number of documents.

    Raises:
        DataError: When the options leave nothing to draw.
    """
    if roots < 1 or documents < 10 or not 0 <= overlap <= 1 or seed < 0:
        raise DataError("synthetic needs roots >= 1, documents >= 10, seed >= 0 and overlap from 0 to 1.")
    stream = np.random.RandomState(seed)
    hierarchy = _draw_hierarchy(stream, roots, overlap)
    notes = ("A built-in corpus: it shows the harness and is no result on a research benchmark.",)
    return CorpusSource(hierarchy, _Drawer(stream, hierarchy).documents(documents), notes, num_documents=documents)


def _draw_hierarchy(stream: np.random.RandomState, roots: int, overlap: float) -> Hierarchy:
    """Draws 3 levels with 3 or 4 children each; 15% of the second level stay childless."""
    levels: list[list[str]] = [[str(root + 1) for root in range(roots)], [], []]
    edges = [(ROOT, name) for name in levels[0]]
    for level in (0, 1):
        for parent in levels[level]:
            num_children = 0 if level == 1 and stream.random_sample() < 0.15 else stream.randint(3, 5)
            below = [f"{parent}.{child + 1}" for child in range(num_children)]
            levels[level + 1] += below
            edges += [(parent, name) for name in below]
    for level in (1, 2):
        for name in levels[level]:
            others = [parent for parent in levels[level - 1] if parent.split(".")[0] != name.split(".")[0]]
            if stream.random_sample() < overlap and others:
                edges.append((others[stream.randint(len(others))], name))
    return Hierarchy.from_names(edges)


def _word(number: int) -> str:
    """Returns a pronounceable word of three syllables, different for every number below a million."""
    consonants, vowels = "bcdfghjklmnpqrstvwxz", "aeiou"
    rest, word = number * 7_919 % 1_000_000, ""
    for _ in range(3):
        rest, syllable = divmod(rest, 100)
        word += consonants[syllable // 5] + vowels[syllable % 5]
    return word


class _Drawer:
    """Draws documents on a hierarchy from one random stream."""

    def __init__(self, stream: np.random.RandomState, hierarchy: Hierarchy):
        self.stream = stream
        self.hierarchy = hierarchy
        graph, size = hierarchy.graph, len(hierarchy)
        self.levels = hierarchy.levels.tolist()
        self.parents = [sorted(graph.predecessors(label)) for label in range(size)]
        self.siblings = [self._siblings(label) for label in range(size)]
        self.leaves = stream.permutation([label for label in range(size) if not graph.out_degree(label)])
        self.leaf_odds = _cumulative(len(self.leaves), 0.6)
        self.general = [_word(number) for number in range(_NUM_GENERAL)]
        self.general_odds = _cumulative(_NUM_GENERAL, 1.0)
        own = [[_word(_NUM_GENERAL + label * _NUM_OWN + number) for number in range(_NUM_OWN)] for label in range(size)]
        self.own = [[self._own_word(own, label, rank) for rank in range(_NUM_OWN)] for label in range(size)]
        self.own_odds = _cumulative(_NUM_OWN, 0.7)

    def _siblings(self, label: int) -> list[int]:
        graph = self.hierarchy.graph
        if not self.parents[label]:
            return [root for root in self.hierarchy.roots if root != label]
        return sorted({child for parent in self.parents[label] for child in graph.successors(parent)} - {label})

    def _own_word(self, own: list[list[str]], label: int, rank: int) -> str:
        siblings = self.siblings[label]
        lent = self.stream.random_sample() < 0.3 and siblings
        return own[self._any(siblings)][rank] if lent else own[label][rank]

    def _any(self, items: list[int]) -> int:
        return items[self.stream.randint(len(items))]

    def _at(self, odds: npt.NDArray[np.float64]) -> int:
        return int(np.searchsorted(odds, self.stream.random_sample(), side="right"))

    def documents(self, count: int) -> Iterator[Document]:
        """Draws documents with their gold labels: leaves, or some of their parents."""
        num_train, num_val = count * 7 // 10, count // 10
        for number in range(count):
            split: SplitName = "train" if number < num_train else "val" if number < num_train + num_val else "test"
            gold = self._gold()
            text = self._text(self.hierarchy.close(gold).tolist())
            if self.stream.random_sample() < 0.01:
                gold = self._gold()
            labels = tuple(self.hierarchy.labels[label] for label in sorted(gold))
            yield Document(f"synthetic-{number}", text, labels, split)

    def _gold(self) -> set[int]:
        gold = set()
        for _ in range(2 if self.stream.random_sample() < 0.25 else 1):
            label = int(self.leaves[self._at(self.leaf_odds)])
            gold.add(self._any(self.parents[label]) if self.stream.random_sample() < 0.15 else label)
        return gold

    def _text(self, gold: list[int]) -> str:
        length = max(20, round(45 * float(np.exp(0.35 * self.stream.standard_normal()))))
        level_counts = [[label for label in gold if self.levels[label] == level] for level in (1, 2, 3)]
        words = []
        for source in np.searchsorted(_MIXTURE, self.stream.random_sample(length), side="right").tolist():
            if source in (1, 2, 3):
                labels = level_counts[source - 1]
            elif source == 4:
                labels = self.siblings[self._any(gold)]
            else:
                labels = list(range(len(self.levels))) if source == 5 else []
            words.append(
                self.own[self._any(labels)][self._at(self.own_odds)]
                if labels
                else self.general[self._at(self.general_odds)]
            )
        return " ".join(words)


def _cumulative(count: int, power: float) -> npt.NDArray[np.float64]:
    """Returns the cumulative probabilities of a Zipf law with the given exponent."""
    odds = np.cumsum(np.arange(1, count + 1, dtype=np.float64) ** -power)
    return odds / odds[-1]
