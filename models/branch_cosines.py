"""Branch cosines: whether the losses of branch heads pull the shared text encoder in one direction, or in conflict.

HiMTL's branches share nothing but the text encoder, so they can help or hinder each other through its gradient alone.
Measured is the cosine between the gradients of two heads' losses in the text encoder's parameters, as in multi-task
learning (Du et al. 2018, arXiv 1812.02224; Yu et al., *Gradient Surgery for Multi-Task Learning*, NeurIPS 2020,
definition 1, where a negative cosine is a conflict). Gradients are those of evaluation, without dropout and with batch
norm's running statistics: nothing that is trained changes, and no random number that training would draw is drawn.
"""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from harness.core.metric_names import BRANCH_COSINE
from models.classifier import Classifier
from models.text_encoders.base import TokenBatch

CHANGES_NO_NUMBER = "it reads gradients and leaves weights, statistics and random numbers as they were"
NUM_BATCHES = 4
"""Batches of an epoch that are measured."""


def branch_cosines(model: Classifier, batches: Iterable[tuple[TokenBatch, Tensor]]) -> dict[str, float]:
    """Returns the mean and the least cosine over pairs of heads, and the share of pairs below 0.

    A pair's cosine is its mean over the batches; a gradient of 0 has cosine 0 with any other. Takes as much memory as
    one gradient of the text encoder per head. The model is left in the mode that it was in.

    Args:
        model: Text encoder with branch heads; with one head there are no pairs, and nothing is returned.
        batches: Tokens and gold_BL, at least one.
    """
    num_heads = len(model.heads.structure.heads)
    parameters = [one for one in model.text_encoder.parameters() if one.requires_grad]
    if num_heads < 2 or not parameters:
        return {}
    was_training, devices = model.training, [one.device for one in parameters[:1] if one.is_cuda]
    model.eval()
    # Losses that draw, such as HiMatch's, draw from a copy of the generators; cuDNN differentiates no recurrent network
    # in evaluation.
    with torch.random.fork_rng(devices), torch.backends.cudnn.flags(enabled=False):
        means_P = torch.stack([_cosines(model, parameters, *batch) for batch in batches]).mean(0)
    model.train(was_training)
    return {
        f"{BRANCH_COSINE}mean": float(means_P.mean()),
        f"{BRANCH_COSINE}least": float(means_P.min()),
        f"{BRANCH_COSINE}negative": float((means_P < 0).float().mean()),
    }


def _cosines(model: Classifier, parameters: Sequence[Tensor], tokens: TokenBatch, gold_BL: Tensor) -> Tensor:
    """Returns the cosine of each pair of heads."""
    gradients = []
    for loss in model.heads.branch_losses(model(tokens), gold_BL):
        found = torch.autograd.grad(loss, parameters, retain_graph=True, materialize_grads=True)
        gradients.append(functional.normalize(torch.cat([one.flatten() for one in found]), dim=0))
    first, second = torch.triu_indices(len(gradients), len(gradients), 1)
    return torch.stack([gradients[i] @ gradients[j] for i, j in zip(first.tolist(), second.tolist(), strict=True)])
