"""Random closed gold, heads of each merge, and checks that hold for every objective."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from datasets.storage.hierarchy import Hierarchy
from models.branch_heads import BranchHeads
from models.head_spec import HeadSpec
from models.objectives.base import Objective
from models.structure_encoders.flat import Flat
from tests.models.hierarchies import DAG, facts_of, head_on, stars


def doubles(values: Any) -> Tensor:
    return torch.tensor(values, dtype=torch.double)


def closed_gold(graph: Hierarchy, batch: int, seed: int) -> Tensor:
    """Random label sets, closed under ancestors; the first document has none."""
    drawn = np.random.default_rng(seed).random((batch, len(graph))) < 0.3
    drawn[0] = False
    return torch.from_numpy((drawn @ graph.ancestors).astype(float))


def masked(graph: Hierarchy) -> list[HeadSpec]:
    return [HeadSpec(graph, facts_of(graph), predicted=branch) for branch in graph.branches()]


def projected(graph: Hierarchy) -> list[HeadSpec]:
    facts = facts_of(graph)
    return [HeadSpec(graph.sub(b), facts.of(graph, b), np.arange(len(b)), graph) for b in graph.branches()]


def assert_heads_see_their_own_labels_only(kind: Any, graph: Hierarchy, seed: int = 0, **options: Any) -> None:
    """Masked and projected heads are one and the same to an objective, and a list is its heads side by side."""
    branches = graph.branches()
    gold_BL = closed_gold(graph, 4, seed)
    gold_BC = gold_BL[:, np.concatenate(branches)]
    logits_BC = torch.from_numpy(np.random.default_rng(seed).normal(size=gold_BC.shape))
    sizes = [len(branch) for branch in branches]
    lists: list[Objective] = [kind(heads, **options) for heads in (masked(graph), projected(graph))]
    singles = [kind([one], **options) for one in projected(graph)]
    parts = list(zip(singles, logits_BC.split(sizes, 1), gold_BC.split(sizes, 1), strict=True))
    terms = torch.cat([one.terms(z, y) for one, z, y in parts], 1)
    probabilities = torch.cat([one.probabilities(z) for one, z, _ in parts], 1)
    for objective in lists:
        torch.testing.assert_close(objective.terms(logits_BC, gold_BC), terms)
        torch.testing.assert_close(objective.probabilities(logits_BC), probabilities)


def assert_one_branch_is_the_base_model(kind: Any, graph: Hierarchy, **options: Any) -> None:
    """Loss and probabilities are equal under every merge where there is but one branch."""
    assert len(graph.branches()) == 1
    results = []
    gold_BL, text_BD = closed_gold(graph, 5, 1).float(), torch.randn(5, 3)
    for merge in ("none", "masking", "projection"):
        torch.manual_seed(1)
        heads = BranchHeads(
            graph,
            facts_of(graph),
            lambda heads: Flat(heads, 3),
            merge=merge,
            objective=lambda heads: kind(heads, **options),
            branch_reduction="mean_global",
        )
        logits_BC = heads(text_BD)
        results.append(torch.cat([heads.loss(logits_BC, gold_BL)[None], heads.probabilities(logits_BC).flatten()]))
    assert torch.equal(results[0], results[1]) and torch.equal(results[0], results[2])


def assert_gradients(objective: Objective, logits_BC: Tensor, gold_BC: Tensor) -> None:
    """Terms, and probabilities, have the gradients of finite differences."""
    logits_BC = logits_BC.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda z: objective.terms(z, gold_BC), logits_BC)
    assert torch.autograd.gradcheck(objective.probabilities, logits_BC)


def assert_huge_logits_are_harmless(objective: Objective, gold_BC: Tensor) -> None:
    """No clamp is needed: terms, their gradients and probabilities stay numbers."""
    signs = torch.where(torch.arange(gold_BC.shape[1]) % 2 == 0, 1.0, -1.0)
    logits_BC = (1e4 * signs).expand_as(gold_BC).clone().requires_grad_()
    terms = objective.terms(logits_BC, gold_BC.float())
    (gradient,) = torch.autograd.grad(terms.sum(), logits_BC)
    assert torch.isfinite(terms).all() and torch.isfinite(gradient).all()
    shown = objective.probabilities(logits_BC)
    assert ((shown >= 0) & (shown <= 1)).all()


def assert_contract_of_one_label_at_a_time(kind: Any) -> None:
    """Gradients, a single branch and huge logits, of an objective without options that knows of no edge."""
    gold_BC = closed_gold(DAG, 3, 0)
    assert_gradients(kind([head_on(DAG)]), torch.randn(3, 7, dtype=torch.double), gold_BC.double())
    assert_one_branch_is_the_base_model(kind, stars([5]))
    assert_huge_logits_are_harmless(kind([head_on(DAG)]), gold_BC)
