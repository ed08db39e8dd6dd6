"""HiMatch's samples and losses: a document is near a label that it carries, and farther from others.

Labels are drawn for all documents and members at once. A member's label has its parents and siblings among the labels
that the member is asked for, so that a branch is sampled in itself, whether the head sees the other branches or not.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from datasets.storage.hierarchy import Hierarchy
from models.head_spec import Member

NUMERICS = {"label matching": 1}

PARENT_MARGIN, SIBLING_MARGIN, OTHER_MARGIN = 0.01, 0.1, 0.2


class Sample(NamedTuple):
    """What is drawn for B documents and M members: labels as places among the C asked ones, and whether they count.

    Attributes:
        gold: (B, M) a gold label.
        parent: (B, M) a parent of it; itself where it has none.
        sibling: (B, M) a sibling of it, be it gold or not; without one, a label that is not gold.
        other: (B, M) a label that is not gold.
        has_gold: (B, M) whether the document carries a label of the member; else nothing counts.
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
    """Draws from torch's generator of the device.

    Args:
        members: The list of hierarchies; C asked labels in all.
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

    def __init__(self, members: Sequence[Member]):
        super().__init__()
        sizes = [len(member.asked) for member in members]
        starts = np.cumsum([0, *sizes[:-1]])
        tables: dict[str, npt.NDArray[Any]] = {}
        # (M, A): the asked labels of each member, filled up with its first one.
        tables["is_there"] = np.arange(max(sizes)) < np.array(sizes)[:, None]
        tables["places"] = starts[:, None] + tables["is_there"] * np.arange(max(sizes))
        parents: list[int] = []
        families: list[int] = []
        rows: list[tuple[int, int, int, int, int]] = []
        for member, start in zip(members, starts.tolist(), strict=True):
            graph = member.hierarchy.sub(member.asked)
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
        """Draws one gold label, and what it is compared with, for each document and member."""
        is_gold_BMA = (gold_BC > 0)[:, self.places] & self.is_there
        is_other_BMA = ~is_gold_BMA & self.is_there
        has_gold_BM, has_other_BM = is_gold_BMA.any(-1), is_other_BMA.any(-1)
        gold_BM = self._any(is_gold_BMA)
        parent_BM = self.parents[self.parent_start[gold_BM] + _below(self.num_parents[gold_BM])]
        others_BM = self.family_size[gold_BM] - 1
        place_BM = _below(others_BM)
        place_BM = place_BM + (place_BM >= self.own_place[gold_BM])
        # A lone label's next place may be another family's or none: it is not used.
        relative_BM = self.families[(self.family_start[gold_BM] + place_BM).clamp(max=len(self.families) - 1)]
        sibling_BM = torch.where(others_BM > 0, relative_BM, self._any(is_other_BMA))
        has_sibling_BM = has_gold_BM & ((others_BM > 0) | has_other_BM)
        other_BM = self._any(is_other_BMA)
        return Sample(gold_BM, parent_BM, sibling_BM, other_BM, has_gold_BM, has_sibling_BM, has_gold_BM & has_other_BM)

    def _any(self, is_allowed_BMA: Tensor) -> Tensor:
        """Returns (B, M) allowed labels, each as likely as the next; any label where none is allowed."""
        keys_BMA = torch.rand(is_allowed_BMA.shape, device=is_allowed_BMA.device)
        chosen_BM1 = keys_BMA.masked_fill(~is_allowed_BMA, -1).argmax(-1, keepdim=True)
        return self.places.expand(len(chosen_BM1), -1, -1).gather(2, chosen_BM1).squeeze(2)


def _family(graph: Hierarchy, parents: tuple[int, ...]) -> list[int]:
    """Returns labels that are siblings, sorted: all children of some parents, or all top labels."""
    if not parents:
        return list(graph.roots)
    return sorted({child for parent in parents for child in graph.graph.successors(parent)})


def _below(limits: Tensor) -> Tensor:
    """Returns whole numbers from 0 to below the limits, drawn evenly; 0 where the limit is 0."""
    return (torch.rand(limits.shape, device=limits.device) * limits).long()


def inter_loss(text: Tensor, gold: Tensor, parent: Tensor) -> Tensor:
    """Returns (...): how far texts are from a gold label and, beyond a margin, from its parent.

    With D the width, |t - q|^2 / D + max(0, |t - n0|^2 - 0.01) / D.

    Args:
        text: (..., D).
        gold: (..., D).
        parent: (..., D).
    """
    near, above = _squared(text, gold), _squared(text, parent)
    return (near + torch.relu(above - PARENT_MARGIN)) / text.shape[-1]


def intra_loss(text: Tensor, gold: Tensor, farther: Tensor, margin: float, *, is_published: bool) -> Tensor:
    """Returns (...): by how much a text is not nearer to its gold label than to another, by a margin.

    As published max(0, (|t - q|^2 - |t - n|^2) / D + margin); else max(0, |t - q|^2 - |t - n|^2 + margin) / D.

    Args:
        text: (..., D).
        gold: (..., D).
        farther: (..., D).
        margin: Of the distances.
        is_published: Whether the margin stands beside distances that are divided by D.
    """
    width = text.shape[-1]
    difference = (_squared(text, gold) - _squared(text, farther)) / width
    return torch.relu(difference + (margin if is_published else margin / width))


def _squared(one: Tensor, other: Tensor) -> Tensor:
    return (one - other).pow(2).sum(-1)
