"""The generating model against its definition token by token, all sequences there are, and T5 itself."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from datasets.storage.hierarchy import Hierarchy
from harness.core.errors import ConfigError
from harness.scoring.metrics import Tally
from models.objectives.bce import BCE
from models.structure_encoders.seq2seq import seq2seq
from models.structure_encoders.seq2seq.label_orders import DFS
from models.structure_encoders.seq2seq.seq2seq import Seq2Seq
from models.text_encoders.base import States, TextEncoder
from tests.models.hierarchies import DAG, dags, forests, head_on, hierarchy
from tests.models.structure_encoders.seq2seq.test_label_orders import bfs_language, dfs_language
from tests.models.tiny_models import save_t5

TREE = hierarchy(6, [(0, 1), (0, 2), (2, 3), (4, 5)])
TINY: dict[str, Any] = {"width": 8, "layers": 2, "heads": 2, "dropout": 0.0}
BOTH = pytest.mark.parametrize("order", ["bfs", "dfs"])


def states(num: int = 3, width: int = 5) -> States:
    return States(torch.randn(num, 6, width), torch.randint(1, 7, (num,)))


def gold(graph: Hierarchy, *sets: Sequence[int]) -> Tensor:
    rows = torch.zeros(len(sets), len(graph))
    for row, labels in zip(rows, sets, strict=True):
        row[graph.close(labels)] = 1
    return rows


def loss_of(model: Seq2Seq, text: States, gold_BC: Tensor) -> Tensor:
    return model.loss(model(text), gold_BC, torch.ones(gold_BC.shape[1]), BCE(model.heads))


def randomise(model: Seq2Seq) -> None:
    """Makes every document's sequence another one."""
    for parameter in model.parameters():
        nn.init.normal_(parameter)


def generated(model: Seq2Seq, text: States) -> Tensor:
    output = model(text)
    return model._generate(output.states_BTD, output.mask_BT)


def log_likelihood(model: Seq2Seq, text: States, tokens: Sequence[int]) -> float:
    """Of the tokens of one document, one after the other, each decoded anew from all before it, without a mask."""
    total, place = 0.0, model.constraint and model.constraint.start
    for number, token in enumerate(tokens):
        before = torch.tensor([[0, *tokens[:number]]])
        read = model.bridge(text.states_BTD[:, : int(text.lengths_B)])
        decoded = model.t5.decoder(input_ids=before, encoder_hidden_states=read).last_hidden_state[0, -1]
        logits = model.t5.shared.weight @ decoded * model.t5.config.d_model**-0.5
        if model.constraint:
            assert place is not None
            allowed = list(model.constraint.allowed(place))
            total += float(logits[token] - logits[allowed].logsumexp(0))
            place = model.constraint.after(place, token)
        else:
            total += float(logits.log_softmax(0)[token])
    return total


@pytest.mark.parametrize(
    ("order", "constraint"),
    [("dfs", "trie"), ("bfs", "trie"), ("dfs", "none"), ("bottom_up_bfs", "none"), ("bottom_up_dfs", "none")],
)
def test_the_loss_is_the_mean_over_documents_of_what_their_tokens_cost(order: Any, constraint: Any) -> None:
    model = Seq2Seq([head_on(DAG)], 5, order=order, constraint=constraint, **TINY).eval()
    sets = [[5, 6], [], [0], [2, 4]]
    text = states(4)
    gold_BC = gold(DAG, *sets)
    with torch.no_grad():
        expected = [
            -log_likelihood(
                model,
                States(text.states_BTD[i : i + 1], text.lengths_B[i : i + 1]),
                model.label_tokens.write(DAG.close(labels).tolist()),
            )
            for i, labels in enumerate(sets)
        ]
        assert loss_of(model, text, gold_BC).item() == pytest.approx(np.mean(expected), rel=1e-4)
    assert min(expected) > 0 and max(expected) > 2


def test_certain_tokens_cost_nothing() -> None:
    chain = hierarchy(3, [(0, 1), (1, 2)])
    model = Seq2Seq([head_on(chain)], 5, **TINY).eval()
    nn.init.zeros_(model.t5.shared.weight)
    # Root is certain, and so is every Pop after 2. Of 0, 1 and 2, or the way out instead, each is one of two.
    for labels, num_choices in (([2], 3), ([1], 3), ([0], 2), ([], 1)):
        assert loss_of(model, states(1), gold(chain, labels)).item() == pytest.approx(num_choices * math.log(2))


@given(st.one_of(forests(8), dags(6)), st.sampled_from(["bfs", "dfs"]), st.sampled_from([1, 3]), st.integers(0, 99))
@settings(max_examples=30)
def test_random_weights_never_leave_the_hierarchy(graph: Hierarchy, order: Any, beams: int, seed: int) -> None:
    torch.manual_seed(seed)
    model = Seq2Seq([head_on(graph)], 5, order=order, beams=beams, **TINY).eval()
    randomise(model)
    model.longest.fill_(2 * len(graph) + 2)
    with torch.inference_mode():
        found = model.probabilities(model(states(4)), BCE(model.heads)).numpy()
    assert set(np.unique(found)) <= {0, 1}
    predicted = found > 0.5
    for row in predicted:
        for label in np.flatnonzero(row):
            assert label in graph.roots or row[list(graph.graph.predecessors(label))].any()
    if graph.is_tree:
        tally = Tally(graph)
        tally.add(predicted, predicted)
        assert tally.scores()["violations"] == 0


@BOTH
def test_one_beam_takes_the_most_probable_token(order: Any) -> None:
    model = Seq2Seq([head_on(TREE)], 5, order=order, beams=1, **TINY).eval()
    randomise(model)
    model.longest.fill_(20)
    text = states(5)
    with torch.inference_mode():
        together = generated(model, text).tolist()
        assert len({tuple(one) for one in together}) > 1
        for i, found in enumerate(together):
            alone = States(text.states_BTD[i : i + 1], text.lengths_B[i : i + 1])
            tokens: list[int] = []
            assert model.constraint is not None
            place = model.constraint.start
            while allowed := model.constraint.allowed(place):
                costs = {token: log_likelihood(model, alone, [*tokens, token]) for token in allowed}
                tokens.append(max(costs, key=costs.__getitem__))
                place = model.constraint.after(place, tokens[-1])
            assert found[1 : len(tokens) + 1] == tokens and set(found[len(tokens) + 1 :]) <= {0}


@BOTH
def test_wide_beams_find_the_best_of_all_sequences(order: Any) -> None:
    graph = hierarchy(3, [(0, 1)])
    model = Seq2Seq([head_on(graph)], 5, order=order, beams=40, **TINY).eval()
    randomise(model)
    model.longest.fill_(20)
    text = states(15)
    language = dfs_language(graph) if order == "dfs" else bfs_language(graph)
    spelt = [[token for symbol in one for token in model.label_tokens.spelling[symbol]] for one in language]
    with torch.inference_mode():
        found = generated(model, text).tolist()
        assert len({tuple(one) for one in found}) > 1
        for i, tokens in enumerate(found):
            alone = States(text.states_BTD[i : i + 1], text.lengths_B[i : i + 1])
            best = max(spelt, key=lambda one: log_likelihood(model, alone, one) / len(one))
            assert tokens[1 : len(best) + 1] == best


def test_what_is_generated_depends_neither_on_the_batch_nor_on_what_is_behind_a_documents_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = Seq2Seq([head_on(TREE)], 5, **TINY).eval()
    randomise(model)
    model.longest.fill_(20)
    text = states(7)
    with torch.inference_mode():
        together = model.probabilities(model(text), BCE(model.heads))
        text.states_BTD[~text.mask_BT] = 99.0
        monkeypatch.setattr(seq2seq, "_ROWS_AT_ONCE", 7)  # Two documents of three beams at once.
        assert torch.equal(model.probabilities(model(text), BCE(model.heads)), together)
    assert len(together.unique(dim=0)) > 2


def test_a_generation_without_an_end_stops_behind_the_longest_target() -> None:
    model = Seq2Seq([head_on(TREE)], 5, constraint="none", beams=1, **TINY)
    assert generated(model, states(2)).shape[1] <= 1 + 10
    loss_of(model, states(2), gold(TREE, [3], [1, 3, 5]))
    assert model.longest.item() == len(DFS(TREE).write(range(6))) == 14
    loss_of(model.eval(), states(1), gold(TREE, [3]))
    assert model.longest.item() == 14
    nn.init.zeros_(model.t5.shared.weight)  # All tokens are equally probable, and the first is padding.
    assert generated(model, states(2)).shape[1] == 1 + 14 + 10


class ExactNorm(nn.Module):
    """T5's norm, which the library computes in single precision, in any."""

    def __init__(self, norm: Any):
        super().__init__()
        self.weight, self.epsilon = norm.weight, norm.variance_epsilon

    def forward(self, values: Tensor) -> Tensor:
        return self.weight * values * (values.square().mean(-1, keepdim=True) + self.epsilon).rsqrt()


@BOTH
def test_gradients_by_finite_differences_on_a_dag(order: Any) -> None:
    model = Seq2Seq([head_on(DAG)], 3, order=order, **{**TINY, "width": 4, "layers": 1})
    text = States(torch.randn(2, 3, 3), torch.tensor([3, 2]))
    gold_BC = gold(DAG, [5], [6])
    before = loss_of(model, text, gold_BC)
    for module in list(model.modules()):
        for name, child in module.named_children():
            if type(child).__name__ == "T5LayerNorm":
                setattr(module, name, ExactNorm(child))
    torch.testing.assert_close(loss_of(model, text, gold_BC), before)
    model = model.double()
    parameters = tuple(model.parameters())
    states_BTD = text.states_BTD.double().requires_grad_()

    def loss(*_: Tensor) -> Tensor:
        return loss_of(model, States(states_BTD, text.lengths_B), gold_BC.double()) + model.recursive_penalty()

    assert torch.autograd.gradcheck(loss, (states_BTD, *parameters))


def test_parts_of_a_batch_add_up_to_it() -> None:
    model = Seq2Seq([head_on(TREE)], 5, **TINY)
    text, gold_BC = states(5), gold(TREE, [3], [], [5, 1], [0], [4])
    whole_batch = torch.autograd.grad(loss_of(model, text, gold_BC), list(model.parameters()))
    parts = [
        loss_of(model, States(text.states_BTD[some], text.lengths_B[some]), gold_BC[some]) * num / 5
        for some, num in ((slice(0, 3), 3), (slice(3, 5), 2))
    ]
    torch.testing.assert_close(torch.autograd.grad(sum(parts), list(model.parameters())), whole_batch)  # type: ignore[arg-type]


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ConfigError, match="cannot be constrained in the order bottom_up_bfs.*Set `constraint: none`"):
        Seq2Seq([head_on(TREE)], 5, order="bottom_up_bfs")
    with pytest.raises(ConfigError, match="multiple of its heads: 10 is none of 4"):
        Seq2Seq([head_on(TREE)], 5, width=10)
    with pytest.raises(ConfigError, match="has no states of its tokens, which this model reads"):
        Seq2Seq.width_read(TextEncoder(3))


NAMED = Hierarchy.from_names([("Root", "Bio"), ("Bio", "Bio 1/a"), ("Root", "Law"), ("Law", "the-cat"), ("Law", "x")])


@pytest.fixture(scope="module")
def tiny_t5(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_t5(tmp_path_factory.mktemp("t5"))


def test_another_encoder_passes_a_map_and_a_norm(tiny_t5: str) -> None:
    model = Seq2Seq([head_on(NAMED)], 5, model=tiny_t5)
    read = model(states(2)).states_BTD
    assert read.shape[2] == 16
    torch.testing.assert_close(read.square().mean(-1), torch.ones(read.shape[:2]), rtol=1e-2, atol=1e-2)


def test_the_decoder_of_a_loss_computes_as_the_encoder_did() -> None:
    model = Seq2Seq([head_on(TREE)], 5, **TINY)
    text, gold_BC = states(2), gold(TREE, [3], [5])
    seen = []
    model.t5.lm_head.register_forward_hook(lambda module, inputs, output: seen.append(output.dtype))
    for is_half in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=is_half):
            output = model(text)
        loss = model.loss(output, gold_BC, torch.ones(6), BCE(model.heads))
        assert loss.dtype == torch.float32
    assert seen == [torch.float32, torch.bfloat16]
