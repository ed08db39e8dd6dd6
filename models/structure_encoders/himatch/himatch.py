"""HiMatch: HiAGM's text propagation, and a space in which a text is near its labels.

Paper: Chen et al., *Hierarchy-aware Label Semantics Matching Network for Hierarchical Text Classification*, ACL 2021.
What follows is the published program's. Classification is HiAGM-TP's with one GCN layer
(`models/structure_encoders/hiagm.py`). Beside it

* labels are described by words of their documents (`models/structure_encoders/himatch/label_descriptions.py`), which
  the same text encoder reads, with
  dropout and without gradient, anew every 50 batches; a second GCN and two layers of width 200 make label vectors;
* two layers of the same width make a text vector t from all node states of a member.

Both are normalised to length 1, as the published program does with BERT. Each step draws for each document one gold
label q, a parent n0 of it, a sibling n1 (which may be gold), and a label n2 that is not gold. With D = 200 the losses

    inter: |t - q|^2 / D + max(0, |t - n0|^2 - 0.01) / D
    intra: max(0, |t - q|^2 / D - |t - n1|^2 / D + 0.1) + max(0, |t - q|^2 / D - |t - n2|^2 / D + 0.2)

are added to that of the classification, all with weight 1. The parent, too, is pulled. In evaluation they play no part.

A quirk, kept by default: squared distances of normalised vectors are at most 4, 0.02 after the division by D, and
never reach margins of 0.1 and 0.2, so that both hinges are always active and intra is at least 0.26. `margins:
reachable` puts the margin where that of n0 already is, into the division: max(0, |t - q|^2 - |t - n1|^2 + 0.1) / D.

Differs: attention mask and segment ids of BERT are not swapped; logits keep their dropout off, as with BERT (0.5 with
GloVe, which also had `match_dropout: 0.5` and `normalise: false`); where no word of a label's documents is kept, its
name describes it, not only where it has no documents. A document is read once for all its labels. The program has the
recursive regularisation off; here the sweep file says (`trainer: {recursive_penalty: 0}`), and it pulls the rows of the
classifier.

Under branches, of which the paper does not speak, a member matches within its own labels: a branch's top label is its
own parent, and its sibling is any label of the branch that is not gold; without such a label there is no n1 and no n2.
What a document adds is the sum over members, a member none of whose labels it carries adding nothing; the loss is the
mean over all documents, those that add nothing included, so that parts of a batch add up to the whole. All members are
computed at once, without a loop. Where memory has batches cut into parts, each part counts as one of the 50.

Published: with BERT WOS 86.70 / 81.06, RCV1-v2 86.33 / 68.66; with GloVe WOS 86.20 / 80.53, RCV1-v2 84.73 / 64.11. The
program reports the highest test score of all evaluations; its own logs say WOS 86.81 / 81.15 with BERT.
"""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.core.registry import Positive, Share
from models.head_spec import Member
from models.layers.dropout import Dropout
from models.layers.gcn import HierarchyGCN
from models.layers.per_head import MemberLinear, RaggedLinear
from models.objectives.base import Objective
from models.structure_encoders.himatch.label_descriptions import typical_words
from models.structure_encoders.himatch.label_matching import (
    OTHER_MARGIN,
    SIBLING_MARGIN,
    LabelSampler,
    Sample,
    inter_loss,
    intra_loss,
)
from models.structure_encoders.text_propagation import TextPropagation
from models.text_encoders.base import TextEncoder, TokenBatch

NUMERICS = {"himatch": 1}


class Propagated(NamedTuple):
    """What HiMatch makes of a text.

    Attributes:
        logits: (B, C).
        nodes: (B, F) the states of all nodes of the members, which the text vectors are made from.
    """

    logits: Tensor
    nodes: Tensor


class HiMatch(TextPropagation):
    """HiAGM with a matching loss between texts and described labels.

    Args:
        members: The list of hierarchies.
        text_width: Width D of the text vectors.
        node_width: Width H of a node's state.
        match_width: Width of the vectors in which texts and labels are compared.
        text_dropout: Dropout on the node states made from the text.
        node_dropout: Dropout on each of a GCN layer's three summands, of both GCNs.
        match_dropout: Dropout between the two layers that make vectors to be compared.
        logit_dropout: Dropout on the logits.
        normalise: Whether compared vectors have length 1.
        margins: As published, where normalised vectors cannot meet them, or so that they can.
        refresh: Training batches after which the text encoder reads the labels' descriptions again.
    """

    label_of: Tensor
    asked_nodes: Tensor
    pieces: Tensor
    offsets: Tensor
    described: Tensor

    def __init__(
        self,
        members: Sequence[Member],
        text_width: int,
        *,
        node_width: Positive = 300,
        match_width: Positive = 200,
        text_dropout: Share = 0.1,
        node_dropout: Share = 0.05,
        match_dropout: Share = 0.1,
        logit_dropout: Share = 0.0,
        normalise: bool = True,
        margins: Literal["published", "reachable"] = "published",
        refresh: Positive = 50,
    ):
        super().__init__(
            members,
            text_width,
            lambda: HierarchyGCN(members, node_width, node_dropout),
            node_width=node_width,
            layers=1,
            text_dropout=text_dropout,
            logit_dropout=logit_dropout,
        )
        sizes, widths = [len(member.hierarchy) for member in members], [match_width] * len(members)
        self.label_graph = HierarchyGCN(members, text_width, node_dropout)
        self.label_net = nn.Sequential(
            MemberLinear(sizes, text_width, match_width),
            nn.ReLU(),
            Dropout(match_dropout),
            MemberLinear(sizes, match_width, match_width),
        )
        self.text_net = nn.Sequential(
            RaggedLinear([size * node_width for size in sizes], widths),
            nn.ReLU(),
            Dropout(match_dropout),
            RaggedLinear(widths, widths),
        )
        self.sampler = LabelSampler(members)
        self.is_normalised, self.is_published = normalise, margins == "published"
        self.refresh, self.num_batches = refresh, 0
        self._register_labels(members, text_width)

    def _register_labels(self, members: Sequence[Member], text_width: int) -> None:
        """Keeps the word pieces and, once read, the vector of each label, which several members may have."""
        places: dict[str, int] = {}
        pieces, label_of = [], []
        for member in members:
            for name, own in zip(member.hierarchy.labels, member.facts.describe(typical_words), strict=True):
                if name not in places:
                    places[name] = len(places)
                    pieces.append(own)
                label_of.append(places[name])
        ends = np.cumsum([len(member.hierarchy) for member in members])
        asked = [member.asked + end - len(member.hierarchy) for member, end in zip(members, ends, strict=True)]
        self.starts = [int(start) for start in np.cumsum([0, *map(len, pieces)])]
        for name, values in {
            "label_of": np.array(label_of),  # (U,) the described label that each node is.
            "asked_nodes": np.concatenate(asked),  # (C,)
            "pieces": np.concatenate(pieces),
            "offsets": np.array(self.starts),
        }.items():
            self.register_buffer(name, torch.from_numpy(values), persistent=False)
        self.register_buffer("described", torch.zeros(len(pieces), text_width))

    def get_extra_state(self) -> Tensor:
        """Returns the number of batches so far; on the CPU, where reading it waits for no device."""
        return torch.tensor(self.num_batches)

    def set_extra_state(self, state: Tensor) -> None:
        """Goes on counting from there."""
        self.num_batches = int(state)

    def read(self, encoder: TextEncoder, tokens: TokenBatch) -> Tensor:
        """Returns text_BD; while training, the encoder reads the labels first where it is time to."""
        if self.training:
            if self.num_batches % self.refresh == 0:
                self._read_labels(encoder, at_once=len(tokens.offsets) - 1)
            self.num_batches += 1
        return encoder(tokens)

    @torch.no_grad()
    def _read_labels(self, encoder: TextEncoder, at_once: int) -> None:
        """Reads as many descriptions at once as the batch has documents, so that this needs no more memory."""
        for first in range(0, len(self.described), at_once):
            last = min(first + at_once, len(self.described))
            start, end = self.starts[first], self.starts[last]
            some = TokenBatch(self.pieces[start:end], self.offsets[first : last + 1] - start)
            self.described[first:last] = encoder(some)

    def forward(self, text_BD: Tensor) -> Propagated:
        """Returns logits_BC and the node states that they come from."""
        nodes_BF = self.node_states(text_BD)
        return Propagated(self.classify(nodes_BF), nodes_BF)

    def loss(self, output: Propagated, gold_BC: Tensor, weights_C: Tensor, objective: Objective) -> Tensor:
        """Returns the classification's loss and the matching losses, the latter summed over members."""
        matching_BM = self.matching(output.nodes.to(self.described.dtype), self.sampler(gold_BC))
        return super().loss(output.logits, gold_BC, weights_C, objective) + matching_BM.sum(1).mean()

    def matching(self, nodes_BF: Tensor, sample: Sample) -> Tensor:
        """Returns (B, M) inter and intra losses; 0 of a member without a gold label."""
        text_BMW = self.text_net(nodes_BF).unflatten(1, (len(self.members), -1))
        labels_CW = self.label_vectors()[self.asked_nodes]
        if self.is_normalised:
            text_BMW, labels_CW = functional.normalize(text_BMW, dim=-1), functional.normalize(labels_CW, dim=-1)
        gold_BMW = labels_CW[sample.gold]
        inter_BM = inter_loss(text_BMW, gold_BMW, labels_CW[sample.parent])
        sibling_BM, other_BM = (
            intra_loss(text_BMW, gold_BMW, labels_CW[label], margin, is_published=self.is_published)
            for label, margin in ((sample.sibling, SIBLING_MARGIN), (sample.other, OTHER_MARGIN))
        )
        return inter_BM * sample.has_gold + sibling_BM * sample.has_sibling + other_BM * sample.has_other

    def label_vectors(self) -> Tensor:
        """Returns (U, W): a vector of each node's label, as long as it comes."""
        described_U1D = self.described[self.label_of].unsqueeze(1)
        vectors_U1W: Tensor = self.label_net(self.label_graph(described_U1D))
        return vectors_U1W.squeeze(1)

    def probabilities(self, output: Any, objective: Objective) -> Tensor:
        """Returns (B, C) probabilities of the asked labels; nothing is matched."""
        return super().probabilities(output.logits, objective)
