"""Conditional softmax with logit adjustment: siblings compete for the documents of their parent.

Paper: Plaud et al., *Revisiting Hierarchical Text Classification: Inference and Metrics*, CoNLL 2024. Every sibling
set, the labels below the root included, has a softmax of its own:

    P(v | p) = exp z_v / sum over children u of p of exp z_u
    loss = - sum over gold v of log P(v | p)
    P(v) = P(p) P(v | p)

*Logit adjustment*: z_v + tau log nu(v | p) in the loss and z_v in the probabilities, where nu is the label's share of
the counted documents of its sibling set. As in the published program, a label without documents counts as one document,
so that of siblings with 50, 30, 20 and 0 documents the last has the share 1/101. tau is 1 in the paper.

The method is made **for documents of one path**. With k gold siblings the loss is that of k draws from one softmax, and
its optimum gives each 1/k: of two, neither is above 0.5, so neither is predicted. As published, a set of one label
gives it all of its parent's probability, and where gold ends at an inner label the probabilities still go on to the
leaves.

*On a DAG* the model is a random walk from the root. A label in several sibling sets has one logit in all of them; its
loss is the mean over the sets, since documents do not tell which way they came; P(v) is the sum over its parents of
P(p) P(v | p), the probability that the walk passes v. A label with parents competes only in their sets, even where the
root names it as a child: a document with that label carries all ancestors of v, also those that the walk did not pass.
The max constraint adds these: `coherence` is on by default.

*In a branch* the labels below the root do not compete: documents outside have no label there to choose. Each label
without parents in the branch has a sigmoid and binary cross-entropy instead, without adjustment. So has the only label
below the root of a whole hierarchy, so that one branch is the base model. A document without gold in a branch teaches
that sigmoid that the label is absent, and teaches the softmaxes nothing.

Differs: nu is counted on the splits that the sweep's `priors` names, by default train and val as published. Logarithms
are stable without a clamp. The paper's tables were not at hand, so no score is quoted.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from harness.core.registry import Weight
from models.head_spec import HeadSpec
from models.objectives.base import Objective

NUMERICS = {"conditional_softmax": 2}
COHERENCE = "max_constraint"


class ConditionalSoftmax(Objective):
    """One softmax per sibling set, and their products on the way down.

    Args:
        heads: Specification of each head.
        tau: Weight of the logit adjustment, which favours rare siblings; 0 is none.
    """

    label: Tensor
    parent: Tensor
    sibling_set: Tensor
    share: Tensor
    adjustment: Tensor
    is_free: Tensor

    def __init__(self, heads: Sequence[HeadSpec], *, tau: Weight = 0.0):
        super().__init__(heads)
        ends = np.cumsum([len(head.predicted) for head in heads])
        num_labels = int(ends[-1])
        pairs = [
            _sibling_pairs(head, int(end) - len(head.predicted), root=num_labels + number)
            for number, (head, end) in enumerate(zip(heads, ends, strict=True))
        ]
        every = np.concatenate(pairs, axis=1)
        # Level by level: a label's probability is complete before those of its children are computed.
        parents, labels, levels = every[:, np.argsort(every[2], kind="stable")]
        self.level_sizes = np.unique(levels, return_counts=True)[1].tolist()
        sets, sibling_set = np.unique(parents, return_inverse=True)
        self.num_sets = len(sets)
        num_documents = np.concatenate([head.facts.num_documents[head.predicted] for head in heads])
        counts = np.maximum(num_documents, 1)[labels]
        shares = counts / np.bincount(sibling_set, weights=counts, minlength=self.num_sets)[sibling_set]
        num_sets_of = np.bincount(labels, minlength=num_labels)
        for name, values in {
            # Per pair of a label and a sibling set that holds it, K in all:
            "label": labels,
            "parent": parents,  # Indices after the last label are the heads' roots.
            "sibling_set": sibling_set,
            "share": (1 / num_sets_of[labels]).astype(np.float32),
            "adjustment": (tau * np.log(shares)).astype(np.float32),
            # Per label:
            "is_free": num_sets_of == 0,
        }.items():
            self.register_buffer(name, torch.from_numpy(values), persistent=False)

    def terms(self, logits_BC: Tensor, gold_BC: Tensor) -> Tensor:
        """Returns (B, C): - log P of gold labels given their parent, cross-entropies of labels outside sibling sets."""
        chosen_BK = self._log_conditionals(logits_BC[:, self.label] + self.adjustment) * self.share
        chosen_BC = torch.zeros_like(logits_BC).index_add(1, self.label, chosen_BK)
        free_BC = functional.binary_cross_entropy_with_logits(logits_BC, gold_BC, reduction="none")
        return torch.where(self.is_free, free_BC, -gold_BC * chosen_BC)

    def probabilities(self, logits_BC: Tensor) -> Tensor:
        """Returns (B, C): the probability that the walk passes each label; logits are not adjusted."""
        conditional_BK = self._log_conditionals(logits_BC[:, self.label]).exp()
        reached = torch.where(self.is_free, torch.sigmoid(logits_BC), 0.0)
        reached = torch.cat([reached, reached.new_ones(len(reached), len(self.heads))], dim=1)
        of_pairs = (self.label, self.parent, conditional_BK)
        for label, parent, conditional in zip(*(one.split(self.level_sizes, -1) for one in of_pairs), strict=True):
            reached = reached.index_add(1, label, reached[:, parent] * conditional)
        return reached[:, : len(self.is_free)]

    def _log_conditionals(self, logits_BK: Tensor) -> Tensor:
        """Returns (B, K): the logarithm of the softmax over each sibling set."""
        num_documents = len(logits_BK)
        highest = logits_BK.new_full((num_documents, self.num_sets), -torch.inf)
        highest = highest.scatter_reduce(1, self.sibling_set.expand(num_documents, -1), logits_BK.detach(), "amax")
        powers = (logits_BK - highest[:, self.sibling_set]).exp()
        sums = torch.zeros_like(highest).index_add(1, self.sibling_set, powers)
        return logits_BK - (highest + sums.log())[:, self.sibling_set]


def _sibling_pairs(head: HeadSpec, offset: int, root: int) -> npt.NDArray[np.int64]:
    """Returns (3, pairs): the parent whose children compete, a child, and that child's level.

    Args:
        head: Specification of one head.
        offset: Number of predicted labels of the heads before it.
        root: Index of this head's virtual root, the parent of labels without parents; a branch has no such parent.
    """
    edges = head.predicted_edges
    top = np.setdiff1d(np.arange(len(head.predicted)), edges[:, 1])
    is_whole = len(head.predicted) == len(head.whole or head.hierarchy)
    competing = top if is_whole and len(top) > 1 else top[:0]
    parents = np.concatenate([np.full(len(competing), root), edges[:, 0] + offset])
    children = np.concatenate([competing, edges[:, 1]])
    return np.stack([parents, children + offset, head.hierarchy.levels[head.predicted][children]])
