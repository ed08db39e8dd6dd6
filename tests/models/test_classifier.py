"""A classifier is its text encoder, what the structure encoder reads of it, and its heads, one after the other."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from models.branch_heads import BranchHeads
from models.classifier import Classifier
from models.structure_encoders.base import StatesEncoder
from models.structure_encoders.flat import Flat
from models.structure_encoders.hitin.hitin import HiTIN
from models.text_encoders.bag import Bag
from models.text_encoders.base import States
from tests.models.hierarchies import DAG, facts_of
from tests.models.token_batches import batch

LISTS = [[4, 7, 4], [9], []]


class LastState(StatesEncoder):
    """Adds the last state of a document to every logit's bias."""

    def __init__(self, heads: Any, text_width: int):
        super().__init__(heads, text_width)
        self.bias = nn.Parameter(torch.arange(sum(len(head.predicted) for head in heads)).float())

    def forward(self, text: States) -> Tensor:  # type: ignore[override]
        last_BD = text.states_BTD[torch.arange(len(text.lengths_B)), text.lengths_B - 1]
        return last_BD.sum(1, keepdim=True) + self.bias


def built(kind: Any, merge: Any) -> tuple[Bag, Classifier]:
    tokenizer = Bag.build_tokenizer(["a dog"], {"vocabulary": 280, "max_length": 5})
    encoder = Bag(tokenizer, width=3, dropout=0.0)
    heads = BranchHeads(
        DAG,
        facts_of(DAG),
        lambda specs: kind(specs, kind.width_read(encoder)),
        merge=merge,
        branch_reduction="mean_global",
    )
    return encoder, Classifier(encoder, heads)


@pytest.mark.parametrize(("merge", "num_logits"), [("none", 7), ("masking", 9), ("projection", 9)])
def test_logits_of_a_model_that_reads_text_vectors(merge: str, num_logits: int) -> None:
    encoder, model = built(Flat, merge)
    logits_BC = model(batch(LISTS))
    assert logits_BC.shape == (3, num_logits)
    table, output = encoder.embedding.weight, model.heads.structure.output
    for row, ids in zip(logits_BC, LISTS, strict=True):
        vector = table[ids].mean(0) if ids else torch.zeros(3)
        torch.testing.assert_close(row, output.weight @ vector + output.bias)


def test_logits_of_a_model_that_reads_states() -> None:
    encoder, model = built(LastState, "projection")
    table = encoder.embedding.weight
    last = [table[4].sum(), table[9].sum(), torch.tensor(0.0)]
    torch.testing.assert_close(model(batch(LISTS)), torch.stack(last)[:, None] + torch.arange(9.0))


def test_parameters_are_those_of_both_parts_and_one_loss_reaches_all_of_them() -> None:
    encoder, model = built(Flat, "masking")
    assert [name for name, _ in model.named_parameters()] == [
        *("text_encoder.embedding.weight", "heads.structure.output.weight", "heads.structure.output.bias")
    ]
    model.heads.loss(model(batch(LISTS)), torch.zeros(3, 7)).backward()
    assert model.heads.structure.output.weight.grad.abs().sum() > 0
    touched = encoder.embedding.weight.grad.abs().sum(1).nonzero().flatten().tolist()  # type: ignore[union-attr]
    assert touched == [4, 7, 9]


def test_counts_of_parameters_and_of_documents_that_a_step_needs() -> None:
    encoder, model = built(Flat, "projection")
    assert model.num_parameters == {"encoder": encoder.embedding.weight.numel(), "heads": 9 * 3 + 9}
    assert model.fewest_documents == 1 and model.device == torch.device("cpu")
    assert built(HiTIN, "projection")[1].fewest_documents == 2, "its batch norm takes statistics"
