"""HMCN-F and HMCN-R against their equations, level by level and label by label, and against one encoder per head."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from models.branch_heads import BranchHeads
from models.head_spec import HeadSpec
from models.objectives.bce import BCE
from models.structure_encoders.hmcn import HMCN, CellFlow
from tests.models.encoder_checks import assert_side_by_side
from tests.models.hierarchies import ALIKE, DAG, UNLIKE, facts_of, head_on, hierarchy, small_head

FORMS = pytest.mark.parametrize("form", ["f", "r"])
CHAIN = hierarchy(4, [(0, 1), (0, 2), (2, 3)])
"""Levels {0}, {1 2}, {3}."""


def randomised(encoder: HMCN) -> HMCN:
    """Random parameters, and running statistics as after some training."""
    for parameter in encoder.parameters():
        nn.init.normal_(parameter, std=0.5)
    for name, values in encoder.named_buffers():
        if "running" in name:
            values.uniform_(0.5, 1.5)
    return encoder


def dense(layer: Any, number: int, features: Tensor) -> Tensor:
    """The layer of one head, in evaluation: linear, ReLU, batch norm."""
    linear, norm = layer.linear, layer.norm
    rows, columns = linear.shapes[number]
    weight = linear.weight.view(-1, rows, columns)[number]
    hidden = torch.relu(features @ weight.T + linear.bias.view(-1, rows)[number])
    scale = norm.weight[number] / torch.sqrt(norm.running_var[number] + 1e-5)
    return (hidden - norm.running_mean[number]) * scale + norm.bias[number]


def test_hmcn_f_level_by_level() -> None:
    encoder = randomised(HMCN([head_on(CHAIN)], 3, width=5)).eval()
    text = torch.randn(6, 3)
    states, state = [], torch.zeros(6, 0)
    for layer in encoder.flow.layers:
        state = dense(layer, 0, torch.cat([state, text], 1))
        states.append(state)
    assert len(states) == 3
    rows = dict(zip([0, 1, 2, 3], encoder.local.weight.view(4, 5), strict=True))
    expected = torch.empty(2, 6, 4)
    for level, labels in enumerate([[0], [1, 2], [3]]):
        hidden = dense(encoder.local_hidden, level, states[level])
        for label in labels:
            expected[0, :, label] = hidden @ rows[label] + encoder.local.bias[label]
    last = encoder.global_classifier
    expected[1] = torch.cat([states[-1], text], 1) @ last.weight.view(4, 8).T + last.bias
    torch.testing.assert_close(encoder(text), expected, rtol=1e-4, atol=1e-5)


def test_hmcn_r_is_torchs_cell_unrolled_over_levels() -> None:
    flow = CellFlow([3], 4, 5, dropout=0.9).eval()
    cell = nn.LSTMCell(4, 5)
    weight = flow.gates.weight.view(20, 9)
    with torch.no_grad():
        cell.weight_hh.copy_(weight[:, :5])
        cell.weight_ih.copy_(weight[:, 5:])
        cell.bias_ih.copy_(flow.gates.bias)
        cell.bias_hh.zero_()
    text = torch.randn(6, 4)
    hidden, expected = (torch.zeros(6, 5), torch.zeros(6, 5)), []
    for _ in range(3):
        hidden = cell(text, hidden)
        expected.append(hidden[0])
    torch.testing.assert_close(flow(text), torch.stack(expected))


@FORMS
def test_every_classifier_reads_the_state_of_its_own_head_and_level(form: Any) -> None:
    # Depths 3, 1 and 2: the states lie level by level, the classifiers head by head.
    heads = [small_head(4, [(0, 1), (1, 2), (1, 3)]), small_head(2), small_head(3, [(2, 0), (2, 1)])]
    encoder = HMCN(heads, 3, form=form, width=2)
    assert encoder.local_states.tolist() == [0, 3, 5, 1, 2, 4]
    assert encoder.last_states.tolist() == [5, 1, 4]
    assert encoder.flow(torch.randn(4, 3)).shape == (6, 4, 2)
    # Label 2 of the last head is its root: its own level comes first, and its column last.
    assert [rows for rows, _ in encoder.local.shapes] == [1, 1, 2, 2, 1, 2]
    assert encoder.order.tolist() == [0, 1, 2, 3, 4, 5, 7, 8, 6]


def test_a_masked_head_has_classifiers_for_levels_with_predicted_labels() -> None:
    # Label 6 of the DAG is a branch of one label, seen in a hierarchy of three levels.
    encoder = HMCN([dataclasses.replace(head_on(DAG), predicted=np.array([6]))], 3, width=2)
    assert len(encoder.flow.layers) == 3
    assert encoder.local.shapes == [(1, 2)] and encoder.local_states.tolist() == [0]
    assert encoder.last_states.tolist() == [2] and encoder.global_classifier.shapes == [(1, 5)]


def papers_loss(encoder: HMCN, graph: Any, logits: Tensor, gold: Tensor) -> Tensor:
    """BCE of the global output, of each level's, and the violations of the mixture, one by one."""
    local, whole_ = torch.sigmoid(logits)
    mixed = encoder.beta * local + (1 - encoder.beta) * whole_
    total = functional.binary_cross_entropy(whole_, gold)
    for level in range(1, int(graph.levels.max()) + 1):
        own = torch.from_numpy(graph.levels == level)
        total = total + functional.binary_cross_entropy(local[:, own], gold[:, own])
    for parent, child in graph.edges.tolist():
        total = total + encoder.violation * torch.relu(mixed[:, child] - mixed[:, parent]).square().mean()
    return total


@pytest.mark.parametrize("graph", [CHAIN, DAG, hierarchy(3)], ids=["tree", "dag", "no edges"])
def test_the_loss_of_a_whole_hierarchy_is_the_papers(graph: Any) -> None:
    encoder = HMCN([head_on(graph)], 3, beta=0.3, violation=2.0)
    logits, gold = torch.randn(2, 5, len(graph)), (torch.rand(5, len(graph)) < 0.4).float()
    weights = torch.full((len(graph),), 1 / len(graph))
    found = encoder.loss(logits, gold, weights, BCE(encoder.heads))
    torch.testing.assert_close(found, papers_loss(encoder, graph, logits, gold))
    mixed = 0.3 * torch.sigmoid(logits[0]) + 0.7 * torch.sigmoid(logits[1])
    torch.testing.assert_close(encoder.probabilities(logits, BCE(encoder.heads)), mixed)


@pytest.mark.parametrize("reduction", ["mean_local", "mean_global"])
def test_a_branch_has_the_papers_loss_or_its_share_of_it(reduction: Any) -> None:
    heads = BranchHeads(
        DAG, facts_of(DAG), lambda m: HMCN(m, 3, violation=2.0), merge="projection", branch_reduction=reduction
    )
    gold = (torch.rand(5, 7) < 0.4).float()
    logits = torch.randn(2, 5, 9)
    expected = torch.zeros(())
    for branch, own in zip(DAG.branches(), logits.split([4, 4, 1], dim=2), strict=True):
        share = 1 if reduction == "mean_local" else len(branch) / 7
        expected = expected + share * papers_loss(heads.structure, DAG.sub(branch), own, gold[:, branch])
    without = heads.loss(logits, gold) - 1e-6 * heads.structure.recursive_penalty()
    torch.testing.assert_close(without, expected)


def test_only_labels_above_their_parents_are_penalised() -> None:
    encoder = HMCN([head_on(CHAIN)], 3, violation=1.0)
    none = HMCN([head_on(CHAIN)], 3, violation=0.0)
    weights, objective = torch.full((4,), 0.25), BCE(encoder.heads)

    def penalty(probabilities: list[float]) -> float:
        logits = torch.logit(torch.tensor(probabilities)).expand(2, 1, 4)
        losses = [one.loss(logits, torch.zeros(1, 4), weights, objective) for one in (encoder, none)]
        return float(losses[0] - losses[1])

    assert penalty([0.9, 0.5, 0.5, 0.5]) == pytest.approx(0, abs=1e-6)
    # 0>1 by 0.2 and 2>3 by 0.3.
    assert penalty([0.5, 0.7, 0.4, 0.7]) == pytest.approx(0.04 + 0.09, abs=1e-5)


@pytest.mark.parametrize("heads", [UNLIKE, ALIKE, UNLIKE[:1]], ids=["unlike", "alike", "one"])
@FORMS
def test_a_list_is_its_heads_side_by_side(heads: tuple[HeadSpec, ...], form: str) -> None:
    assert_side_by_side(HMCN, heads, form=form, width=5, dropout=0.0)


@FORMS
def test_gradients_by_finite_differences_on_a_dag(form: Any) -> None:
    heads = [head_on(DAG), UNLIKE[1]]
    encoder = randomised(HMCN(heads, 3, form=form, width=2, violation=1.0, dropout=0.0)).double()
    gold = (torch.rand(3, 8) < 0.4).double()
    weights, objective = torch.rand(8).double(), BCE(heads)

    def loss(text: Tensor, *_: Tensor) -> Tensor:
        return encoder.loss(encoder(text), gold, weights, objective) + encoder.recursive_penalty()

    text = torch.randn(3, 3, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(loss, (text, *encoder.parameters()))


@FORMS
def test_every_parameter_learns_and_a_lone_document_too(form: Any) -> None:
    encoder = HMCN(UNLIKE, 3, form=form, width=6, dropout=0.2)
    weights, objective = torch.full((17,), 0.1), BCE(UNLIKE)
    for batch in (1, 6):
        encoder.zero_grad()
        output = encoder(torch.randn(batch, 3))
        encoder.loss(output, torch.ones(batch, 17), weights, objective).backward()
        gradients = {name: parameter.grad for name, parameter in encoder.named_parameters()}
        assert all(grad is not None and torch.isfinite(grad).all() for grad in gradients.values())
    assert all(bool(grad.abs().max() > 0) for grad in gradients.values() if grad is not None), gradients.keys()


@FORMS
def test_dropout_falls_while_training_and_each_document_is_alone_in_evaluation(form: Any) -> None:
    encoder = HMCN(UNLIKE, 3, form=form, width=4)
    text = torch.randn(8, 3)
    assert not torch.equal(encoder(text), encoder(text))
    encoder.eval()
    torch.testing.assert_close(encoder(text)[:, 2:3], encoder(text[2:3]))


def test_parameters_of_the_published_size() -> None:
    # Three levels, 7 labels, texts of 100: layers, batch norms, local layers and classifiers, the global classifier.
    counts = {}
    for form in ("f", "r"):
        encoder = HMCN([head_on(DAG)], 100, form=form)  # type: ignore[arg-type]
        counts[form] = {name: sum(p.numel() for p in part.parameters()) for name, part in encoder.named_children()}
    shared = {"local_hidden": 3 * (384 * 385 + 768), "local": 7 * 385, "global_classifier": 7 * 485}
    assert counts["f"] == shared | {"flow": 384 * 101 + 2 * 384 * 485 + 3 * 768}
    assert counts["r"] == shared | {"flow": 4 * 384 * 485}
