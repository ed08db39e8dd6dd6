"""HiTIN against its dense formulas, the published parameter counts, and one encoder per head."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from models.branch_heads import BranchHeads
from models.head_spec import HeadSpec
from models.layers.dropout import drop
from models.structure_encoders.hitin.coding_tree import coding_tree
from models.structure_encoders.hitin.hitin import HiTIN, coding_trees
from tests.models.encoder_checks import assert_gradients, columns, from_singles
from tests.models.hierarchies import ALIKE, DAG, UNLIKE, WOS_BRANCHES, facts_of, head_on, small_head, stars

LEVELS = {"readout_bias": columns}
"""A row for each level of the tree."""
NO_DROPOUT = {"tree_dropout": 0.0, "final_dropout": 0.0}
STAR = small_head(6, [(0, i) for i in range(1, 6)])


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_parameter_counts_of_the_published_head_and_its_branches_on_wos() -> None:
    graph = stars(WOS_BRANCHES)
    one = head_on(graph)
    branches = [small_head(size, [(0, i) for i in range(1, size)]) for size in WOS_BRANCHES]
    assert count(HiTIN([one], 768)) == 3_304_413
    assert round(count(HiTIN(branches, 768)) / 1e6, 2) == 21.04
    assert count(HiTIN([one] * 7, 768)) == 7 * 3_304_413
    affine = HiTIN([one], 768, leaf_mixing="affine")
    assert count(affine) == 3_304_413 - 141**2 + 141


def level_maps(encoder: HiTIN) -> tuple[Tensor, ...]:
    """Returns each read level's (labels, width) map of an encoder for one head."""
    (shape,) = encoder.readout.shapes
    return encoder.readout.weight.view(shape).chunk(len(encoder.readout_bias), dim=1)


def dense(encoder: HiTIN, one: HeadSpec, text_BD: Tensor, height: int, pooling: str) -> Tensor:
    """The published forward pass in training, without dropout: dense assignment matrices, one head."""
    tree = coding_tree(one.hierarchy, height)
    num_labels, batch = len(one.hierarchy), len(text_BD)
    copies_BNH = encoder.project(text_BD).unsqueeze(1).repeat(1, num_labels, 1)
    mixing = encoder.leaves.weight.view(num_labels, num_labels)
    nodes_BNH = functional.linear(copies_BNH.transpose(1, 2), mixing, encoder.leaves.bias).transpose(1, 2)
    weights, biases = level_maps(encoder), encoder.readout_bias
    levels = [nodes_BNH]
    for parents, size, layer in zip(tree.parents, tree.sizes[1:], encoder.layers, strict=True):
        assignment = functional.one_hot(torch.from_numpy(parents), size).float().T
        rows = (assignment @ levels[-1]).flatten(0, 1)
        for linear, norm in zip(layer.linears, layer.norms, strict=True):
            rows = functional.linear(rows, linear.weight.view(rows.shape[1], -1), linear.bias)
            torch_norm = nn.BatchNorm1d(rows.shape[1])
            torch_norm.weight, torch_norm.bias = nn.Parameter(norm.weight[0]), nn.Parameter(norm.bias[0])
            rows = torch.relu(torch_norm(rows))
        levels.append(rows.view(batch, size, -1))
    how = {"sum": Tensor.sum, "mean": Tensor.mean, "max": Tensor.amax}
    if pooling == "root":
        return levels[-1][:, 0] @ weights[0].T + biases[0]
    pooled = [how[pooling](level, 1) for level in levels]
    return sum(p @ w.T + b for p, w, b in zip(pooled, weights, biases, strict=True))


@pytest.mark.parametrize("pooling", ["sum", "mean", "max", "root"])
@pytest.mark.parametrize(("height", "mlp_layers"), [(2, 2), (3, 1), (4, 2)])
def test_the_published_formulas(pooling: Any, height: int, mlp_layers: int) -> None:
    options = {"node_width": 5, "tree_height": height, "mlp_layers": mlp_layers, "pooling": pooling}
    encoder = HiTIN([STAR], 4, **options, **NO_DROPOUT)
    for layer in encoder.layers:
        for norm in layer.norms:
            nn.init.normal_(norm.weight)
            nn.init.normal_(norm.bias)
    text_BD = torch.randn(8, 4)
    expected = dense(encoder, STAR, text_BD, height, pooling)
    torch.testing.assert_close(encoder(text_BD), expected, rtol=1e-4, atol=1e-4)


def test_leaves_are_one_vector_scaled_and_shifted_when_nothing_is_dropped() -> None:
    encoder = HiTIN([STAR], 4, node_width=5).eval()
    text_MBH = encoder.project(torch.randn(3, 4)).unsqueeze(0)
    leaves = encoder.leaves(text_MBH)
    scale, bias = encoder.leaves.weight.view(6, 6).sum(1), encoder.leaves.bias[:, None, None]
    torch.testing.assert_close(leaves, scale[:, None, None] * text_MBH + bias)
    shifted = (leaves - bias).flatten(1).detach()
    assert torch.linalg.matrix_rank(shifted, rtol=1e-5).item() == 1


@pytest.mark.parametrize("heads", [UNLIKE, ALIKE], ids=["unlike", "alike"])
def test_leaves_mix_copies_that_were_dropped_one_by_one(heads: tuple[HeadSpec, ...]) -> None:
    joint, singles = from_singles(HiTIN, heads, 4, LEVELS, node_width=5, tree_dropout=0.4)
    text_MBH = torch.randn(len(heads), 3, 5)
    torch.manual_seed(1)
    leaves = joint.leaves(text_MBH)
    torch.manual_seed(1)
    sizes = [len(one.hierarchy) for one in heads]
    copies = torch.cat([text.expand(size, -1, -1) for text, size in zip(text_MBH, sizes, strict=True)])
    dropped = drop(copies, 0.4, training=True).split(sizes)
    mixed = [
        torch.einsum("uv,vbh->ubh", one.leaves.weight.view(size, size), own) + one.leaves.bias[:, None, None]
        for one, own, size in zip(singles, dropped, sizes, strict=True)
    ]
    expected = drop(torch.cat(mixed), 0.4, training=True)
    torch.testing.assert_close(leaves, expected)


def test_affine_leaves_keep_the_diagonal() -> None:
    encoder = HiTIN([STAR, UNLIKE[1]], 4, node_width=5, leaf_mixing="affine", **NO_DROPOUT)
    text_MBH = torch.randn(2, 3, 5)
    copies = text_MBH[[0] * 6 + [1]]
    torch.testing.assert_close(encoder.leaves(text_MBH), copies)
    scale, bias = (nn.init.normal_(part).view(-1, 1, 1) for part in (encoder.leaves.weight, encoder.leaves.bias))
    expected = scale * copies + bias
    torch.testing.assert_close(encoder.leaves(text_MBH), expected)


@pytest.mark.parametrize("heads", [UNLIKE, ALIKE, UNLIKE[:1]], ids=["unlike", "alike", "one"])
@pytest.mark.parametrize(
    "options", [{}, {"tree_height": 3, "pooling": "mean"}, {"pooling": "root", "leaf_mixing": "affine"}], ids=str
)
def test_a_list_is_its_heads_side_by_side(heads: tuple[HeadSpec, ...], options: dict[str, Any]) -> None:
    joint, singles = from_singles(HiTIN, heads, 6, LEVELS, node_width=5, **NO_DROPOUT, **options)
    for is_training in (True, True, False):
        joint.train(is_training)
        text = torch.randn(9, 6, requires_grad=True)
        looped = torch.cat([single.train(is_training)(text) for single in singles], dim=1)
        torch.testing.assert_close(joint(text), looped, rtol=1e-4, atol=1e-4)
    gradient, looped_gradient = (torch.autograd.grad(z.sin().sum(), text)[0] for z in (joint(text), looped))
    torch.testing.assert_close(gradient, looped_gradient, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(
        joint.recursive_penalty(), torch.stack([single.recursive_penalty() for single in singles]).sum()
    )


def test_the_penalty_adds_up_over_levels() -> None:
    encoder = HiTIN([STAR], 4, node_width=5)
    weights = [level.detach() for level in level_maps(encoder)]
    by_hand = sum(0.5 * float((level[0] - level[i]).pow(2).sum()) for level in weights for i in range(1, 6))
    assert len(weights) == 3
    assert encoder.recursive_penalty().item() == pytest.approx(by_hand, rel=1e-5)


@pytest.mark.parametrize("is_training", [True, False])
def test_gradients_by_finite_differences_on_a_dag(is_training: bool) -> None:
    heads = [head_on(DAG), UNLIKE[1]]
    encoder = HiTIN(heads, 3, node_width=2, **NO_DROPOUT).double().train(is_training)
    assert_gradients(encoder, num_documents=5)


def test_dropout_falls_on_the_pooled_states() -> None:
    encoder = HiTIN([small_head(1)], 4, node_width=1, tree_dropout=0.0, pooling="root").train()
    for norm in encoder.layers[-1].norms:
        norm.eval()
    nn.init.ones_(encoder.layers[-1].norms[-1].bias)
    logits = encoder(torch.zeros(300, 4)).flatten()
    assert set((logits == encoder.readout_bias.item()).tolist()) == {True, False}
    assert 100 < (logits == encoder.readout_bias.item()).sum() < 200


def test_training_on_one_document_is_finite() -> None:
    encoder = HiTIN(UNLIKE, 4, node_width=5)
    encoder(torch.randn(1, 4)).sum().backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in encoder.parameters())
    assert all(torch.isfinite(buffer).all() for buffer in encoder.buffers())


def test_evaluation_is_deterministic_and_alone_for_each_document() -> None:
    encoder = HiTIN(UNLIKE, 4, node_width=5)
    encoder(torch.randn(16, 4))
    encoder.eval()
    text_BD = torch.randn(3, 4)
    logits = encoder(text_BD)
    assert torch.equal(encoder(text_BD), logits)
    torch.testing.assert_close(encoder(text_BD[1:2]), logits[1:2])


def test_a_branch_takes_its_own_coding_tree_or_its_part_of_the_whole_one() -> None:
    graph = stars(WOS_BRANCHES)
    sizes: dict[str, Any] = {}
    for tree in ("branch", "global"):

        def build(heads: Sequence[HeadSpec], tree: Any = tree) -> HiTIN:
            return HiTIN(heads, 4, node_width=3, tree=tree)

        for merge in ("none", "masking", "projection"):
            heads = BranchHeads(graph, facts_of(graph), build, merge=merge, branch_reduction="mean_global")  # type: ignore[arg-type]
            sizes[tree, merge] = [tuple(level) for level in zip(*heads.structure.sizes, strict=True)]
    # A star falls apart into the hub with some leaves, and single leaves; in the whole tree a domain is one cluster.
    clusters = (9, 33, 5, 9, 5, 5, 13)
    assert sizes["branch", "projection"] == list(zip(WOS_BRANCHES, clusters, [1] * 7, strict=True))
    assert sizes["global", "projection"] == [(size, 1, 1) for size in WOS_BRANCHES]
    for merge in ("none", "masking"):
        assert sizes["global", merge] == sizes["branch", merge] == [(141, 7, 1)] * (7 if merge == "masking" else 1)


def test_a_label_keeps_its_cluster_of_the_whole_tree_in_every_branch_of_a_dag() -> None:
    tree = coding_tree(DAG, 2)
    branches = [HeadSpec(DAG.sub(b), facts_of(DAG).of(DAG, b), np.arange(len(b)), whole=DAG) for b in DAG.branches()]
    for labels, part in zip(DAG.branches(), coding_trees(branches, 2, "global"), strict=True):
        inside = tree.parents[0][labels]
        assert np.array_equal(inside[:, None] == inside, part.parents[0][:, None] == part.parents[0])
