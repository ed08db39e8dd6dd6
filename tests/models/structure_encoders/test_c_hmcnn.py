"""C-HMCNN's network by hand, a list of them side by side, and what the max constraint makes of branches."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch

from models import STRUCTURE_ENCODERS
from models.branch_heads import BranchHeads
from models.head_spec import HeadSpec
from models.objectives.max_constraint import MaxConstraint
from models.structure_encoders.c_hmcnn import CHMCNN
from tests.models.encoder_checks import assert_side_by_side
from tests.models.hierarchies import ALIKE, DAG, UNLIKE, facts_of, head_on, stars


def heads(merge: Any, graph: Any = DAG, reduction: Any = "mean_local", **options: Any) -> BranchHeads:
    def build(heads: Sequence[HeadSpec]) -> CHMCNN:
        return CHMCNN(heads, 3, node_width=2, dropout=0.0, **options)

    return BranchHeads(
        graph,
        facts_of(graph),
        build,
        merge=merge,
        objective=MaxConstraint,
        branch_reduction=reduction,
        recursive_penalty=0.1,
        coherence="max_constraint",
    )


def test_three_layers_by_hand() -> None:
    encoder = CHMCNN([head_on(DAG)], 3, node_width=5, dropout=0.0)
    text_BD = torch.randn(4, 3)
    states = text_BD
    for layer in encoder.hidden:
        states = (states @ layer.weight.view(5, -1).T + layer.bias).clamp(min=0)
    torch.testing.assert_close(encoder(text_BD), states @ encoder.output.weight.view(7, 5).T + encoder.output.bias)
    assert sum(one.numel() for one in encoder.parameters()) == (3 + 1) * 5 + (5 + 1) * 5 + (5 + 1) * 7


def test_one_layer_is_linear() -> None:
    encoder = CHMCNN(UNLIKE, 3, layers=1).eval()
    text_BD = torch.randn(4, 3)
    logits_BC = text_BD @ encoder.output.weight.view(-1, 3).T + encoder.output.bias
    torch.testing.assert_close(encoder(text_BD), logits_BC)


@pytest.mark.parametrize("heads", [UNLIKE, ALIKE, UNLIKE[:1]], ids=["unlike", "alike", "one"])
@pytest.mark.parametrize("layers", [1, 2, 4])
def test_a_list_is_its_heads_side_by_side(heads: Sequence[HeadSpec], layers: int) -> None:
    assert_side_by_side(CHMCNN, heads, layers=layers, node_width=3, dropout=0.0)


def test_dropout_is_the_published_one_and_falls_on_hidden_layers() -> None:
    assert STRUCTURE_ENCODERS["c_hmcnn"].default_objective == "max_constraint"
    assert STRUCTURE_ENCODERS["c_hmcnn"].options().model_dump()["dropout"] == 0.7
    encoder = CHMCNN([head_on(DAG)], 3, layers=2, node_width=1, dropout=0.7)
    torch.nn.init.ones_(encoder.hidden[0].weight)
    logits_BC = encoder(torch.ones(2000, 3))
    is_dropped = torch.isclose(logits_BC, encoder.output.bias.expand_as(logits_BC)).all(1)
    assert is_dropped.float().mean().item() == pytest.approx(0.7, abs=0.04)


@pytest.mark.parametrize("merge", ["none", "masking", "projection"])
def test_gradients_by_finite_differences_on_a_dag(merge: Any) -> None:
    built = heads(merge).double()
    text = torch.randn(2, 3, dtype=torch.double, requires_grad=True)
    gold_BL = torch.tensor([[1, 0, 1, 0, 0, 0, 0], [1, 1, 0, 1, 0, 1, 1]], dtype=torch.double)
    parameters = tuple(built.parameters())
    assert torch.autograd.gradcheck(lambda text, *_: built.loss(built(text), gold_BL), (text, *parameters))


def test_masking_and_projection_differ_by_weights_alone_and_no_answer_is_incoherent() -> None:
    masked, projected = heads("masking", reduction="mean_global"), heads("projection", reduction="mean_global")
    projected.load_state_dict(masked.state_dict())
    text_BD = torch.randn(6, 3)
    gold_BL = (torch.rand(6, 7) < 0.3).float() @ torch.from_numpy(DAG.ancestors).float() > 0
    losses = [one.loss(one(text_BD), gold_BL.float()) for one in (masked, projected)]
    torch.testing.assert_close(*losses)
    shown = masked.probabilities(masked(text_BD))
    torch.testing.assert_close(shown, projected.probabilities(projected(text_BD)))
    parents, children = DAG.edges.T
    assert (shown[:, children] <= shown[:, parents]).all()


def test_on_a_tree_the_constraint_of_the_branches_is_that_of_the_whole() -> None:
    graph = stars([4, 1, 6])
    built = heads("projection", graph)
    logits_BC = torch.randn(5, 11)
    torch.testing.assert_close(built.probabilities(logits_BC), MaxConstraint([head_on(graph)]).probabilities(logits_BC))
