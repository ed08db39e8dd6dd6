"""Cosines of the branches' gradients: closed forms, one backward pass per branch, and that nothing else changes."""

from itertools import combinations
from typing import Any

import pytest
import torch

from models.branch_cosines import branch_cosines
from models.branch_heads import BranchHeads
from models.classifier import Classifier
from models.structure_encoders.flat import Flat
from models.structure_encoders.himatch.himatch import HiMatch
from models.structure_encoders.hitin.hitin import HiTIN
from models.structure_encoders.hmcn import HMCN
from models.text_encoders.bag import Bag
from tests.models.hierarchies import DAG, facts_of, hierarchy
from tests.models.token_batches import batch

LISTS = [[4, 7, 4], [9], [5, 7], [8]]
SMALL: dict[Any, dict[str, Any]] = {
    Flat: {},
    HiTIN: {"node_width": 4},
    HMCN: {"width": 4},
    HiMatch: {"node_width": 2, "match_width": 4, "refresh": 3},
}


def built(kind: Any, merge: Any, graph: Any = DAG) -> Classifier:
    encoder = Bag(Bag.build_tokenizer(["a dog"], {"vocabulary": 280, "max_length": 5}), width=6, dropout=0.3)
    heads = BranchHeads(
        graph,
        facts_of(graph),
        lambda specs: kind(specs, 6, **SMALL[kind]),
        merge=merge,
        branch_reduction="mean_local",
    )
    return Classifier(encoder, heads)


def gold() -> torch.Tensor:
    return torch.from_numpy(DAG.ancestors[[5, 4, 2, 6]]).float()


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        # A document of one token: the gradient of a head is (sigmoid(0) - y) times its row of weights.
        ([[1, 0], [2, 0], [3, 0]], [1, 1, 1]),
        ([[1, 0], [0, 1], [0, 2]], [0, 0, 1]),
        ([[1, 0], [-2, 0], [1, 3**0.5]], [-1, 0.5, -0.5]),
    ],
)
def test_three_heads_of_a_label_each(rows: list[list[float]], expected: list[float]) -> None:
    model = built(Flat, "projection", hierarchy(3))
    with torch.no_grad():
        model.text_encoder.embedding.weight.zero_()
        model.heads.structure.output.bias.zero_()
        model.heads.structure.output.weight.zero_()[:, :2] = torch.tensor(rows)
    found = branch_cosines(model, [(batch([[4]]), torch.zeros(1, 3))])
    mean, negative = sum(expected) / 3, sum(one < -1e-6 for one in expected) / 3
    assert found["branch_cosine_mean"] == pytest.approx(mean, abs=1e-6)
    assert found["branch_cosine_least"] == pytest.approx(min(expected), abs=1e-6)
    assert found["branch_cosine_negative"] == pytest.approx(negative, abs=1e-6)
    # A gold label turns its head's gradient round.
    turned = branch_cosines(model, [(batch([[4]]), torch.tensor([[1.0, 0.0, 0.0]]))])
    assert turned["branch_cosine_mean"] == pytest.approx((expected[2] - expected[0] - expected[1]) / 3, abs=1e-6)


@pytest.mark.parametrize("merge", ["masking", "projection"])
@pytest.mark.parametrize("kind", [Flat, HiTIN, HMCN])
def test_one_backward_pass_per_branch_gives_the_same(kind: Any, merge: Any) -> None:
    model = built(kind, merge).eval()
    batches = [(batch(LISTS), gold()), (batch(LISTS[::-1]), gold())]
    cosines = torch.zeros(len(batches), 3)
    for number, (tokens, gold_BL) in enumerate(batches):
        gradients = []
        for i in range(3):
            model.zero_grad()
            kept = model.heads.weights.clone()
            model.heads.weights *= model.heads.head == i
            penalty, model.heads.recursive_penalty = model.heads.recursive_penalty, 0.0
            model.heads.loss(model(tokens), gold_BL).backward()
            model.heads.weights, model.heads.recursive_penalty = kept, penalty
            gradients.append(model.text_encoder.embedding.weight.grad.flatten().clone())
        for pair, (one, other) in enumerate(combinations(gradients, 2)):
            cosines[number, pair] = one @ other / (one.norm() * other.norm())
    found = branch_cosines(model, batches)
    by_pair = cosines.mean(0)
    assert found["branch_cosine_mean"] == pytest.approx(by_pair.mean().item(), abs=1e-5)
    assert found["branch_cosine_least"] == pytest.approx(by_pair.min().item(), abs=1e-5)
    assert found["branch_cosine_negative"] == pytest.approx((by_pair < 0).float().mean().item())


@pytest.mark.parametrize("kind", SMALL)
def test_nothing_changes_and_nothing_is_drawn(kind: Any) -> None:
    model = built(kind, "projection").train()
    model.heads.loss(model(batch(LISTS)), gold()).backward()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    gradients = {name: one.grad.clone() for name, one in model.named_parameters() if one.grad is not None}
    random = torch.get_rng_state()
    found = branch_cosines(model, [(batch(LISTS), gold())])
    assert found["branch_cosine_least"] <= found["branch_cosine_mean"] <= 1 and model.training
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(torch.equal(dict(model.named_parameters())[name].grad, value) for name, value in gradients.items())


def test_himatch_counts_a_branchs_matching_losses_with_that_branch() -> None:
    model = built(HiMatch, "projection").eval()
    model.heads.structure.described.normal_()
    output = model(batch(LISTS))
    torch.manual_seed(1)
    losses = model.heads.branch_losses(output, gold())
    for i, loss in enumerate(losses):
        (gradient,) = torch.autograd.grad(loss, output.nodes, retain_graph=True)
        own = gradient.view(4, 9, 2).abs().sum((0, 2)).nonzero().flatten().tolist()
        # Nodes 0 to 3, 4 to 7, and 8. Those of a branch alone; not all have a gradient, where ReLU is 0.
        assert own and set(own) <= set([range(4), range(4, 8), range(8, 9)][i])


def test_one_head_has_no_pair_and_a_frozen_encoder_no_gradient() -> None:
    assert branch_cosines(built(Flat, "none"), [(batch(LISTS), gold())]) == {}
    frozen = built(Flat, "projection")
    frozen.text_encoder.requires_grad_(False)
    assert branch_cosines(frozen, [(batch(LISTS), gold())]) == {}
