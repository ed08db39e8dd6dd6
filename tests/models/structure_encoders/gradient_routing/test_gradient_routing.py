"""Gradient routing against stop-gradients written out, the flat layer, and the encoders that it reads."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import BertConfig, BertModel

from datasets.storage.hierarchy import Hierarchy
from harness.core.errors import ConfigError
from models.branch_heads import BranchHeads
from models.objectives.bce import BCE
from models.structure_encoders.flat import Flat
from models.structure_encoders.gradient_routing.gradient_routing import GradientRouting, Routed
from models.text_encoders.base import TextEncoder, TokenBatch
from models.text_encoders.transformer import Transformer
from tests.models.hierarchies import DAG, facts_of, head_on, hierarchy, stars
from tests.models.objective_checks import closed_gold

GRAPH = stars([2, 3, 1])
WIDTH = 8  # Two for each of three branches, two shared.
GOLD = torch.tensor([[1.0, 1, 0, 0, 0, 0], [0, 0, 1, 0, 1, 0], [1, 0, 0, 0, 0, 1], [0] * 6])
CARRIED = torch.tensor([[1.0, 0, 0], [0, 1, 0], [1, 0, 1], [0, 0, 0]])
OF_LABEL = torch.tensor([0, 0, 1, 1, 1, 2])


class Table(TextEncoder):
    """A document's text vector is the row of its only token."""

    def __init__(self, num: int, width: int):
        super().__init__(width)
        self.rows = nn.Parameter(torch.randn(num, width))

    def forward(self, tokens: TokenBatch) -> Tensor:
        return self.rows[tokens.ids]


def documents(num: int, first: int = 0) -> TokenBatch:
    return TokenBatch(torch.arange(first, first + num), torch.arange(num + 1))


def heads_of(graph: Hierarchy = GRAPH, width: int = WIDTH, **options: Any) -> BranchHeads:
    return BranchHeads(
        graph,
        facts_of(graph),
        lambda heads: GradientRouting(heads, width, **options),
        merge="none",
        branch_reduction="mean_global",
        recursive_penalty=0.0,
    )


def loss_of(heads: BranchHeads, encoder: TextEncoder, tokens: TokenBatch, gold: Tensor) -> Tensor:
    return heads.loss(heads(heads.structure.read(encoder, tokens)), gold)


def gradients(heads: BranchHeads, encoder: Any, gold: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of the mean loss, in the text vectors, the classifier's rows and its biases."""
    output = heads.structure.output
    loss = loss_of(heads, encoder, documents(len(gold)), gold)
    return torch.autograd.grad(loss, [encoder.rows, output.weight, output.bias])  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("graph", "gold"), [(GRAPH, GOLD), (DAG, closed_gold(DAG, 4, 0).float())], ids=["tree", "labels in two branches"]
)
def test_gradients_are_those_of_stopped_gradients_written_out(graph: Hierarchy, gold: Tensor) -> None:
    heads, encoder = heads_of(graph, foreign_share=0.0), Table(4, WIDTH)
    found = gradients(heads, encoder, gold)
    branches = [set(branch.tolist()) for branch in graph.branches()]
    carried = [[bool(gold[document, sorted(branch)].any()) for branch in branches] for document in range(4)]
    assert len({tuple(row) for row in carried}) > 2, "documents of unlike branches"
    mask_BD = torch.cat([torch.tensor(carried).float().repeat_interleave(2, 1), torch.ones(4, 2)], 1)
    text = encoder.rows * mask_BD + encoder.rows.detach() * (1 - mask_BD)
    weight, bias = heads.structure.output.weight, heads.structure.output.bias
    loss = torch.zeros(())
    for document in range(4):
        for label in range(len(graph)):
            learns = any(there and label in branch for there, branch in zip(carried[document], branches, strict=True))
            row, shift = (one[label] if learns else one[label].detach() for one in (weight, bias))
            logit = text[document] @ row + shift
            loss = loss + nn.functional.binary_cross_entropy_with_logits(logit, gold[document, label]) / gold.numel()
    torch.testing.assert_close(found, torch.autograd.grad(loss, [encoder.rows, weight, bias]))


def test_a_block_learns_nothing_from_documents_of_other_branches() -> None:
    text_grad, weight_grad, _ = gradients(heads_of(foreign_share=0.0), Table(4, WIDTH), GOLD)
    blocks = text_grad[:, :6].view(4, 3, 2).abs()
    assert torch.equal(blocks.amax(2) > 0, CARRIED > 0) and (blocks[CARRIED == 0] == 0).all()
    assert (text_grad[:, 6:] != 0).all(), "the shared block learns from every document, also one without labels"
    # No document of the third branch: its rows learn nothing at all.
    _, without, biases = gradients(heads_of(foreign_share=0.0), Table(2, WIDTH), GOLD[:2])
    assert not without[5].any() and not biases[5].any() and without[:5].any(1).all() and weight_grad[5].any()


def test_all_documents_and_one_branch_are_the_flat_layer() -> None:
    for graph, gold in ((GRAPH, GOLD), (hierarchy(3, [(0, 1), (0, 2)]), torch.tensor([[1.0, 0, 0], [1, 1, 0]]))):
        heads, encoder = heads_of(graph, foreign_share=1.0), Table(len(gold), WIDTH)
        flat = BranchHeads(
            graph,
            facts_of(graph),
            lambda heads: Flat(heads, WIDTH),
            merge="none",
            branch_reduction="mean_global",
            recursive_penalty=0.0,
        )
        flat.load_state_dict(heads.state_dict())
        output = flat.structure.output
        expected = torch.autograd.grad(flat.loss(flat(encoder.rows), gold), [encoder.rows, output.weight, output.bias])
        text_grad, *row_grads = gradients(heads, encoder, gold)
        # With all documents the rows are the flat layer's, and with one branch, which all carry, so is the text.
        assert all(torch.equal(one, other) for one, other in zip(row_grads, expected[1:], strict=True))
        assert torch.equal(text_grad, expected[0]) == (graph is not GRAPH)


@pytest.mark.parametrize("is_training", [True, False])
def test_what_is_computed_is_the_flat_layer_to_the_bit(is_training: bool) -> None:
    heads, encoder = heads_of().train(is_training), Table(30, WIDTH)
    flat = Flat([head_on(GRAPH)], WIDTH).train(is_training)
    flat.load_state_dict(heads.structure.state_dict())
    routed, logits = (head(head.read(encoder, documents(30))) for head in (heads.structure, flat))
    assert isinstance(routed, Routed) and torch.equal(routed.logits, logits)
    objective = BCE([head_on(GRAPH)])
    assert torch.equal(heads.structure.probabilities(routed, objective), flat.probabilities(logits, objective))


def test_the_share_of_foreign_documents_holds_and_is_drawn_with_the_trials_seed() -> None:
    num, share = 40_000, 0.3
    gold = torch.zeros(num, 6)
    gold[:, [0, 1]] = 1
    counts = []
    for seed in (5, 5, 6):
        heads, encoder = heads_of(foreign_share=share), Table(num, WIDTH)
        torch.nn.init.zeros_(heads.structure.output.weight)
        torch.nn.init.zeros_(heads.structure.output.bias)
        torch.manual_seed(seed)
        bias_grad = gradients(heads, encoder, gold)[2]
        # Each document that a label learns from pulls its bias by (1/2 - y) / 6, over the number of all.
        counts.append(bias_grad / (0.5 - gold[0]) * 6)
    deviation = 5 * (share * (1 - share) / num) ** 0.5
    expected = torch.tensor([1.0, 1, share, share, share, share])
    torch.testing.assert_close(counts[0], expected, rtol=0, atol=deviation)
    assert torch.equal(counts[0], counts[1]) and not torch.equal(counts[0], counts[2])
    assert counts[0][2] == counts[0][3] == counts[0][4] != counts[0][5], "a branch's labels learn together"


def test_a_label_in_two_branches_learns_from_the_documents_of_both() -> None:
    # Branches {0 2 3 5}, {1 3 4 5}, {6}; the documents carry 0 and 2, 1 and 4, and 6.
    gold = torch.zeros(3, 7)
    gold[0, [0, 2]] = gold[1, [1, 4]] = gold[2, 6] = 1
    heads, encoder = heads_of(DAG, foreign_share=0.0), Table(3, WIDTH)
    torch.nn.init.zeros_(heads.structure.output.weight)
    torch.nn.init.zeros_(heads.structure.output.bias)
    documents_of_row = gradients(heads, encoder, gold)[2].abs() * 2 * 7 * 3
    torch.testing.assert_close(documents_of_row, torch.tensor([1.0, 1, 1, 2, 1, 2, 1]))


def test_gradients_of_parts_of_a_batch_add_up() -> None:
    heads, encoder = heads_of(foreign_share=0.0), Table(4, WIDTH)
    loss_of(heads, encoder, documents(4), GOLD).backward()
    leaves = [encoder.rows, *heads.parameters()]
    whole_batch = [leaf.grad.clone() for leaf in leaves]  # type: ignore[union-attr]
    for leaf in leaves:
        leaf.grad = None
    # Two forward passes before either loss: each keeps a way back of its own.
    outputs = [(heads(heads.structure.read(encoder, documents(2, at))), GOLD[at : at + 2]) for at in (0, 2)]
    for output, gold in outputs:
        (heads.loss(output, gold) / 2).backward()
    torch.testing.assert_close([leaf.grad for leaf in leaves], whole_batch)


def test_gradients_by_finite_differences_where_nothing_is_stopped() -> None:
    graph = hierarchy(4, [(0, 1), (0, 2), (1, 3), (2, 3)])
    heads, encoder = heads_of(graph, 5, foreign_share=1.0).double(), Table(3, 5).double()
    gold = torch.tensor([[1.0, 1, 0, 0], [1, 1, 1, 1], [1, 0, 0, 0]], dtype=torch.double)
    heads.recursive_penalty = 0.1
    leaves = (encoder.rows, *heads.parameters())
    assert torch.autograd.gradcheck(lambda *_: loss_of(heads, encoder, documents(3), gold), leaves)


def test_backward_without_the_gold_labels_is_a_fault() -> None:
    heads, encoder = heads_of(), Table(2, WIDTH)
    with pytest.raises(AssertionError, match="before the loss"):
        heads(heads.structure.read(encoder, documents(2))).logits.sum().backward()


def test_vectors_too_narrow_for_the_branches_are_one_clear_paragraph() -> None:
    assert heads_of(width=4).structure.block_of.tolist() == [0, 1, 2, 3]
    with pytest.raises(ConfigError, match="width 3 into blocks for 3 branches beside a shared 25%.* `min_branch`"):
        heads_of(width=3)
    assert heads_of(width=10, shared=0.0).structure.block_of.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3]


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Transformer:
    """Three layers of width 8 with random weights and no dropout."""
    folder = tmp_path_factory.mktemp("bert")
    torch.manual_seed(0)
    sizes = {"hidden_size": 8, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 16}
    config = BertConfig(vocab_size=30, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, **sizes)
    BertModel(config).save_pretrained(folder)
    return Transformer(None, model=str(folder), dropout=0.0)  # type: ignore[arg-type]


def layer_gradients(encoder: Transformer, where: Any) -> list[Tensor]:
    """Gradients that leave each layer's output backwards, of four documents of five tokens, by document."""
    heads = heads_of(where=where, foreign_share=0.0)
    arrived: dict[int, Tensor] = {}

    def note(number: int) -> Any:
        def keep(module: nn.Module, inputs: Any, states: Tensor) -> None:
            states.register_hook(lambda gradient: arrived.update({number: gradient}))

        return keep

    hooks = [layer.register_forward_hook(note(i)) for i, layer in enumerate(encoder.bert.encoder.layer)]
    tokens = TokenBatch(torch.arange(20) + 1, torch.arange(0, 21, 5))
    loss_of(heads, encoder, tokens, GOLD).backward()
    for hook in hooks:
        hook.remove()
    return [arrived[number] for number in range(3)]


def test_the_last_two_layers_learn_in_blocks_only_where_they_are_routed(bert: Transformer) -> None:
    mask = torch.cat([CARRIED.repeat_interleave(2, 1), torch.ones(4, 2)], 1)[:, None]
    first, second, third = layer_gradients(bert, "last_layers")
    assert third.shape == (4, 1, 8) and second.shape == (4, 5, 8)
    for states in (second, third):
        assert (states[(mask == 0).expand_as(states)] == 0).all()
        assert (states[(mask == 1).expand_as(states)] != 0).all()
    assert (first != 0).all(), "layers before them learn from everything that comes through"
    for states in layer_gradients(bert, "pooled"):
        assert (states != 0).all()


def test_routing_layers_changes_no_bit_of_what_is_computed(bert: Transformer) -> None:
    tokens = TokenBatch(torch.arange(20) + 1, torch.tensor([0, 3, 20]))
    heads = heads_of(where="last_layers")
    assert torch.equal(heads.structure.read(bert, tokens).text, bert(tokens))


def test_an_encoder_without_layers_is_refused_where_they_are_asked_for() -> None:
    with pytest.raises(ConfigError, match="The text encoder Table has no layers of hidden states"):
        heads_of(where="last_layers").structure.read(Table(2, WIDTH), documents(2))
