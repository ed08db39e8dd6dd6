"""What every objective must be: terms and probabilities of each document alone, and a loss that can be minimised."""

from typing import Any

import pytest
import torch

from models import OBJECTIVES
from models.objectives.base import Objective
from tests.models.hierarchies import DAG, UNLIKE, head_on, stars
from tests.models.objective_checks import closed_gold

GRAPHS = [DAG, stars([2, 3, 1])]
HEADS = [head_on(graph) for graph in GRAPHS]


def gold(batch: int) -> torch.Tensor:
    return torch.cat([closed_gold(graph, batch, seed) for seed, graph in enumerate(GRAPHS)], 1).float()


def options(name: str) -> dict[str, Any]:
    return {field: 1.0 for field in OBJECTIVES[name].options.model_fields}


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_document_has_its_terms_and_probabilities_whatever_is_beside_it(name: str) -> None:
    objective = OBJECTIVES[name].load()(HEADS, **options(name))
    logits_BC, gold_BC = torch.randn(5, 13), gold(5)
    terms_BC, shown_BC = objective.terms(logits_BC, gold_BC), objective.probabilities(logits_BC)
    assert terms_BC.shape == shown_BC.shape == (5, 13) and ((shown_BC >= 0) & (shown_BC <= 1)).all()
    for i in range(5):
        torch.testing.assert_close(objective.terms(logits_BC[i : i + 1], gold_BC[i : i + 1])[0], terms_BC[i])
        torch.testing.assert_close(objective.probabilities(logits_BC[i : i + 1])[0], shown_BC[i])


@pytest.mark.parametrize("name", OBJECTIVES)
def test_heads_do_not_see_each_other(name: str) -> None:
    objective = OBJECTIVES[name].load()(HEADS, **options(name))
    logits_BC, gold_BC = torch.randn(4, 13), gold(4)
    other_BC = logits_BC.clone()
    other_BC[:, 7:] += 1
    for one, other in zip(
        (objective.terms(logits_BC, gold_BC), objective.probabilities(logits_BC)),
        (objective.terms(other_BC, gold_BC), objective.probabilities(other_BC)),
        strict=True,
    ):
        assert torch.equal(one[:, :7], other[:, :7]) and not torch.equal(one[:, 7:], other[:, 7:])


@pytest.mark.parametrize("name", OBJECTIVES)
def test_minimised_terms_rank_one_paths_gold_above_all_else(name: str) -> None:
    objective = OBJECTIVES[name].load()([head_on(DAG)], **options(name))
    gold_BC = torch.zeros(1, 7)
    gold_BC[0, [0, 2]] = 1
    logits_BC = torch.zeros(1, 7, requires_grad=True)
    optimizer = torch.optim.Adam([logits_BC], 0.1)
    for _ in range(300):
        optimizer.zero_grad()
        objective.terms(logits_BC, gold_BC).sum().backward()
        optimizer.step()
    shown = objective.probabilities(logits_BC)[0]
    assert shown[[0, 2]].min() > 0.9 and shown[[1, 3, 4, 5, 6]].max() < 0.2


def test_a_subclass_writes_both_halves() -> None:
    objective = Objective(UNLIKE)
    assert objective.heads == UNLIKE and not list(objective.parameters())
    with pytest.raises(NotImplementedError):
        objective.terms(torch.zeros(1, 17), torch.zeros(1, 17))
    with pytest.raises(NotImplementedError):
        objective.probabilities(torch.zeros(1, 17))
