"""Label matching of HiMatch: sampled labels, and losses by which a text is nearer to its labels than to others.

Labels are drawn for all documents and heads at once. Parents and siblings of a head's label are those among the labels
that the head predicts, so that a branch is sampled within itself, whether the head sees the other branches or not.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from datasets.storage.hierarchy import Hierarchy
from models.head_spec import HeadSpec

NUMERICS = {"label matching": 1}

PARENT_MARGIN, SIBLING_MARGIN, OTHER_MARGIN = 0.01, 0.1, 0.2


class Sample(NamedTuple):
    """Labels drawn for B documents and M heads, as places among the C predicted ones, and whether they count.

    Attributes:
        gold: (B, M) a gold label.
        parent: (B, M) a parent of it; itself if it has none.
        sibling: (B, M) a sibling of it, gold or not; if it has none, a label that is not gold.
        other: (B, M) a label that is not gold.
        has_gold: (B, M) whether the document carries a label of the head; else nothing counts.
        has_sibling: (B, M) whether `sibling` counts.
        has_other: (B, M) whether `other` counts.
    """

    gold: Tensor
    parent: Tensor
    sibling: Tensor
    other: Tensor
    has_gold: Tensor
    has_sibling: Tensor
    has_other: Tensor


class LabelSampler(nn.Module):
    """Draws labels with torch's generator of the device.

    Args:
        heads: Specification of each head; C predicted labels in all.
    """

    places: Tensor
    is_there: Tensor
    parents: Tensor
    parent_start: Tensor
    num_parents: Tensor
    families: Tensor
    family_start: Tensor
    family_size: Tensor
    own_place: Tensor

    def __init__(self, heads: Sequence[HeadSpec]):
        super().__init__()
        sizes = [len(head.predicted) for head in heads]
        starts = np.cumsum([0, *sizes[:-1]])
        tables: dict[str, npt.NDArray[Any]] = {}
        # (M, A): the predicted labels of each head, padded with its first one.
        tables["is_there"] = np.arange(max(sizes)) < np.array(sizes)[:, None]
        tables["places"] = starts[:, None] + tables["is_there"] * np.arange(max(sizes))
        parents: list[int] = []
        families: list[int] = []
        rows: list[tuple[int, int, int, int, int]] = []
        for head, start in zip(heads, starts.tolist(), strict=True):
            graph = head.hierarchy.sub(head.predicted)
            known: dict[tuple[int, ...], tuple[int, dict[int, int]]] = {}
            for label in range(len(graph)):
                above = tuple(sorted(graph.graph.predecessors(label)))
                if above not in known:
                    family = _family(graph, above)
                    known[above] = len(families), {one: place for place, one in enumerate(family)}
                    families += [one + start for one in family]
                first, place_of = known[above]
                rows.append((len(parents), len(above) or 1, first, len(place_of), place_of[label]))
                parents += [one + start for one in above or (label,)]
        tables |= {"parents": np.array(parents), "families": np.array(families)}
        columns = ("parent_start", "num_parents", "family_start", "family_size", "own_place")
        tables |= dict(zip(columns, np.array(rows).T.copy(), strict=True))
        for name, values in tables.items():
            self.register_buffer(name, torch.from_numpy(values), persistent=False)

    def forward(self, gold_BC: Tensor) -> Sample:
        """Draws one gold label, and the labels that it is compared with, for each document and head."""
        is_gold_BMA = (gold_BC > 0)[:, self.places] & self.is_there
        is_other_BMA = ~is_gold_BMA & self.is_there
        has_gold_BM, has_other_BM = is_gold_BMA.any(-1), is_other_BMA.any(-1)
        gold_BM = self._any(is_gold_BMA)
        parent_BM = self.parents[self.parent_start[gold_BM] + _below(self.num_parents[gold_BM])]
        others_BM = self.family_size[gold_BM] - 1
        place_BM = _below(others_BM)
        place_BM = place_BM + (place_BM >= self.own_place[gold_BM])
        # A label without siblings may get a place in another family, or none: it is not used.
        relative_BM = self.families[(self.family_start[gold_BM] + place_BM).clamp(max=len(self.families) - 1)]
        sibling_BM = torch.where(others_BM > 0, relative_BM, self._any(is_other_BMA))
        has_sibling_BM = has_gold_BM & ((others_BM > 0) | has_other_BM)
        other_BM = self._any(is_other_BMA)
        return Sample(gold_BM, parent_BM, sibling_BM, other_BM, has_gold_BM, has_sibling_BM, has_gold_BM & has_other_BM)

    def _any(self, is_allowed_BMA: Tensor) -> Tensor:
        """Returns (B, M) allowed labels, drawn uniformly; any label where none is allowed."""
        keys_BMA = torch.rand(is_allowed_BMA.shape, device=is_allowed_BMA.device)
        chosen_BM1 = keys_BMA.masked_fill(~is_allowed_BMA, -1).argmax(-1, keepdim=True)
        return self.places.expand(len(chosen_BM1), -1, -1).gather(2, chosen_BM1).squeeze(2)


def _family(graph: Hierarchy, parents: tuple[int, ...]) -> list[int]:
    """Returns the sorted labels that are siblings: all children of some parents, or all top labels."""
    if not parents:
        return list(graph.roots)
    return sorted({child for parent in parents for child in graph.graph.successors(parent)})


def _below(limits: Tensor) -> Tensor:
    """Returns whole numbers from 0 to below the limits, drawn uniformly; 0 where the limit is 0."""
    return (torch.rand(limits.shape, device=limits.device) * limits).long()


def inter_loss(text: Tensor, gold: Tensor, parent: Tensor) -> Tensor:
    """Returns (...): the distance of texts from a gold label and, beyond a margin, from its parent.

    With D the width, |t - q|^2 / D + max(0, |t - n0|^2 - 0.01) / D.

    Args:
        text: (..., D) vectors of the texts, t.
        gold: (..., D) vectors of gold labels, q.
        parent: (..., D) vectors of their parents, n0.
    """
    near, above = _squared(text, gold), _squared(text, parent)
    return (near + torch.relu(above - PARENT_MARGIN)) / text.shape[-1]


def intra_loss(text: Tensor, gold: Tensor, farther: Tensor, margin: float, *, is_published: bool) -> Tensor:
    """Returns (...): the amount by which a text fails to be nearer to its gold label than to another, by a margin.

    As published max(0, (|t - q|^2 - |t - n|^2) / D + margin); else max(0, |t - q|^2 - |t - n|^2 + margin) / D.

    Args:
        text: (..., D) vectors of the texts, t.
        gold: (..., D) vectors of gold labels, q.
        farther: (..., D) vectors of the other labels, n.
        margin: Margin between the distances.
        is_published: Whether the margin is added to distances that are already divided by D.
    """
    width = text.shape[-1]
    difference = (_squared(text, gold) - _squared(text, farther)) / width
    return torch.relu(difference + (margin if is_published else margin / width))


def _squared(one: Tensor, other: Tensor) -> Tensor:
    return (one - other).pow(2).sum(-1)
