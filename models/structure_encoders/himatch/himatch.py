"""HiMatch: text propagation, and semantic matching of texts with described labels (Chen et al. 2021).

Paper: Chen et al., *Hierarchy-aware Label Semantics Matching Network for Hierarchical Text Classification*, ACL 2021.
What follows is the published program's. Classification is HiAGM-TP's with one GCN layer
(`models/structure_encoders/hiagm.py`). Beside it

* labels are described by words of their documents, in the order in which they first occur and without 179 stop words
  (`label_descriptions.py`), which the same text encoder reads, with dropout and without gradient, anew every 50
  batches; a second GCN and two layers of width 200 make label vectors;
* two layers of the same width make a text vector t from all node states of a head.

Both are normalised to length 1, as the published program does with BERT. Each step draws for each document one gold
label q, a parent n0 of it, a sibling n1 (which may be gold), and a label n2 that is not gold. With D = 200 the losses

    inter: |t - q|^2 / D + max(0, |t - n0|^2 - 0.01) / D
    intra: max(0, |t - q|^2 / D - |t - n1|^2 / D + 0.1) + max(0, |t - q|^2 / D - |t - n2|^2 / D + 0.2)

are added to that of the classification, all with weight 1. The parent is pulled closer, too. Evaluation ignores them.

A quirk, kept by default: squared distances of normalised vectors are at most 4, 0.02 after the division by D, and never
reach margins of 0.1 and 0.2, so that both hinges are always active and intra is at least 0.26. `margins: reachable`
moves the margin into the division, where that of n0 already is: max(0, |t - q|^2 - |t - n1|^2 + 0.1) / D.

Differs: attention mask and segment ids of BERT are not swapped; logits have no dropout, as with BERT (0.5 with GloVe,
which also had `match_dropout: 0.5` and `normalise: false`); a label's name describes it where no word of its documents
is kept, not only where it has none; a document is read once for all its labels. The program has the recursive
regularisation off; here `trainer: {recursive_penalty: 0}` does that, and it pulls the rows of the classifier.

Under branches, which the paper leaves open, a head matches within its own labels: a branch's top label is its own
parent, and its sibling is any label of the branch that is not gold; without such a label there are no n1 and n2. A
document's matching loss is the sum over the heads that have one of its labels; the loss is the mean over all documents,
so that parts of a batch add up to the whole. If memory has batches cut into parts, each part counts as one of the 50.

Published: with BERT (`bert-base-cased`, on lower-cased text) WOS 86.70 / 81.06, RCV1-v2 86.33 / 68.66; with GloVe WOS
86.20 / 80.53, RCV1-v2 84.73 / 64.11. The program reports the highest test score of all evaluations; its own logs say
WOS 86.81 / 81.15 with BERT.
"""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.core.registry import Positive, Share
from models.head_spec import HeadSpec
from models.layers.dropout import Dropout
from models.layers.gcn import HierarchyGCN
from models.layers.per_head import PerHeadLinear, PerHeadReadout
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
    """Output of HiMatch for a batch of texts.

    Attributes:
        logits: (B, C).
        nodes: (B, F) states of all nodes of the heads, from which the text vectors are made.
    """

    logits: Tensor
    nodes: Tensor


class HiMatch(TextPropagation):
    """HiAGM with a matching loss between texts and described labels.

    Args:
        heads: Specification of each head.
        text_width: Width D of the text vectors.
        node_width: Width H of a node's state.
        match_width: Width of the vectors in which texts and labels are compared.
        text_dropout: Dropout on the node states made from the text.
        node_dropout: Dropout on each of a GCN layer's three summands, in both GCNs.
        match_dropout: Dropout between the two layers that make vectors to be compared.
        logit_dropout: Dropout on the logits.
        normalise: Whether compared vectors have length 1.
        margins: Margins as published, which normalised vectors cannot meet, or reachable ones.
        refresh: Number of training batches after which the text encoder reads the labels' descriptions again.
    """

    label_of: Tensor
    predicted_nodes: Tensor
    tokens: Tensor
    offsets: Tensor
    described: Tensor

    def __init__(
        self,
        heads: Sequence[HeadSpec],
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
            heads,
            text_width,
            lambda: HierarchyGCN(heads, node_width, node_dropout),
            node_width=node_width,
            layers=1,
            text_dropout=text_dropout,
            logit_dropout=logit_dropout,
        )
        sizes, widths = [len(head.hierarchy) for head in heads], [match_width] * len(heads)
        self.label_graph = HierarchyGCN(heads, text_width, node_dropout)
        self.label_net = nn.Sequential(
            PerHeadLinear(sizes, text_width, match_width),
            nn.ReLU(),
            Dropout(match_dropout),
            PerHeadLinear(sizes, match_width, match_width),
        )
        self.text_net = nn.Sequential(
            PerHeadReadout([size * node_width for size in sizes], widths),
            nn.ReLU(),
            Dropout(match_dropout),
            PerHeadReadout(widths, widths),
        )
        self.sampler = LabelSampler(heads)
        self.is_normalised, self.is_published = normalise, margins == "published"
        self.refresh, self.num_batches = refresh, 0
        self._register_labels(heads, text_width)

    def _register_labels(self, heads: Sequence[HeadSpec], text_width: int) -> None:
        """Registers the tokens and the vector, still to be read, of each label, which several heads may have."""
        places: dict[str, int] = {}
        tokens, label_of = [], []
        for head in heads:
            for name, own in zip(head.hierarchy.labels, head.facts.describe(typical_words), strict=True):
                if name not in places:
                    places[name] = len(places)
                    tokens.append(own)
                label_of.append(places[name])
        ends = np.cumsum([len(head.hierarchy) for head in heads])
        predicted = [head.predicted + end - len(head.hierarchy) for head, end in zip(heads, ends, strict=True)]
        self.starts = [int(start) for start in np.cumsum([0, *map(len, tokens)])]
        for name, values in {
            "label_of": np.array(label_of),  # (U,) index into `described` of each node's label.
            "predicted_nodes": np.concatenate(predicted),  # (C,)
            "tokens": np.concatenate(tokens),
            "offsets": np.array(self.starts),
        }.items():
            self.register_buffer(name, torch.from_numpy(values), persistent=False)
        self.register_buffer("described", torch.zeros(len(tokens), text_width))

    def get_extra_state(self) -> Tensor:
        """Returns the number of batches so far, on the CPU, where reading it waits for no device."""
        return torch.tensor(self.num_batches)

    def set_extra_state(self, state: Tensor) -> None:
        """Continues counting from there."""
        self.num_batches = int(state)

    def read(self, encoder: TextEncoder, tokens: TokenBatch) -> Tensor:
        """Returns text_BD; in training the encoder first reads the labels, if it is time to."""
        if self.training:
            if self.num_batches % self.refresh == 0:
                self._read_labels(encoder, at_once=len(tokens.offsets) - 1)
            self.num_batches += 1
        return encoder(tokens)

    @torch.no_grad()
    def _read_labels(self, encoder: TextEncoder, at_once: int) -> None:
        """Reads at most as many descriptions at once as the batch has documents, so that it needs no more memory."""
        for first in range(0, len(self.described), at_once):
            last = min(first + at_once, len(self.described))
            start, end = self.starts[first], self.starts[last]
            some = TokenBatch(self.tokens[start:end], self.offsets[first : last + 1] - start)
            self.described[first:last] = encoder(some)

    def forward(self, text_BD: Tensor) -> Propagated:
        """Returns logits_BC and the node states that they are computed from."""
        nodes_BF = self.node_states(text_BD)
        return Propagated(self.classify(nodes_BF), nodes_BF)

    def loss(self, output: Propagated, gold_BC: Tensor, weights_C: Tensor, objective: Objective) -> Tensor:
        """Returns the classification's loss and the matching losses, the latter summed over heads with any weight."""
        matching_BM = self.matching(output.nodes.to(self.described.dtype), self.sampler(gold_BC))
        counts_M = ((weights_C[self.sampler.places] > 0) & self.sampler.is_there).any(1)
        return super().loss(output.logits, gold_BC, weights_C, objective) + (matching_BM * counts_M).sum(1).mean()

    def matching(self, nodes_BF: Tensor, sample: Sample) -> Tensor:
        """Returns (B, M) inter and intra losses; 0 for a head without a gold label."""
        text_BMW = self.text_net(nodes_BF).unflatten(1, (len(self.heads), -1))
        labels_CW = self.label_vectors()[self.predicted_nodes]
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
        """Returns (U, W): a vector of each node's label, of any length."""
        described_U1D = self.described[self.label_of].unsqueeze(1)
        vectors_U1W: Tensor = self.label_net(self.label_graph(described_U1D))
        return vectors_U1W.squeeze(1)

    def probabilities(self, output: Any, objective: Objective) -> Tensor:
        """Returns (B, C) probabilities of the predicted labels; nothing is matched."""
        return super().probabilities(output.logits, objective)
