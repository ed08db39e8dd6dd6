"""What every structure encoder has in common: what it reads, its loss as a weighted mean, and full precision."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from harness.core.errors import ConfigError
from models.objectives.bce import BCE
from models.structure_encoders.base import StatesEncoder, StructureEncoder, in_full
from models.text_encoders.bag import Bag
from models.text_encoders.base import TextEncoder, TokenBatch
from tests.models.hierarchies import UNLIKE
from tests.models.token_batches import batch


class Constant(TextEncoder):
    """Every document is a row of ones; there are no states."""

    def forward(self, tokens: TokenBatch) -> Tensor:
        return torch.ones(len(tokens.lengths_B), self.width)


def test_the_loss_weighs_labels_and_averages_documents() -> None:
    encoder = StructureEncoder(UNLIKE, 3)
    logits_BC, gold_BC = torch.randn(4, 17), (torch.rand(4, 17) < 0.5).float()
    weights_C = torch.rand(17)
    found = encoder.loss(logits_BC, gold_BC, weights_C, BCE(UNLIKE))
    terms = [
        weights_C[label] * functional.binary_cross_entropy_with_logits(logits_BC[i, label], gold_BC[i, label])
        for i in range(4)
        for label in range(17)
    ]
    assert found.item() == pytest.approx(torch.stack(terms).sum().item() / 4, rel=1e-5)
    torch.testing.assert_close(encoder.probabilities(logits_BC, BCE(UNLIKE)), torch.sigmoid(logits_BC))
    assert encoder.heads == UNLIKE and encoder.text_width == 3


def test_half_precision_goes_no_further_than_the_logits() -> None:
    encoder, half = StructureEncoder(UNLIKE, 3), torch.randn(4, 17).bfloat16()
    assert in_full(half).dtype == torch.float32 and torch.equal(in_full(half), half.float())
    assert in_full(half.double()).dtype == torch.float64
    exact = encoder.loss(half.float(), torch.zeros(4, 17), torch.ones(17), BCE(UNLIKE))
    assert encoder.loss(half, torch.zeros(4, 17), torch.ones(17), BCE(UNLIKE)) == exact
    assert encoder.probabilities(half, BCE(UNLIKE)).dtype == torch.float32


def test_text_vectors_or_states_are_read_with_their_widths() -> None:
    bag = Bag(Bag.build_tokenizer(["a dog"], {"vocabulary": 280, "max_length": 5}), width=3, dropout=0.0)
    tokens = batch([[5, 6], [7]])
    assert StructureEncoder.width_read(Constant(4)) == 4 and StatesEncoder.width_read(bag) == 3
    assert torch.equal(StructureEncoder(UNLIKE, 4).read(Constant(4), tokens), torch.ones(2, 4))
    states = StatesEncoder(UNLIKE, 3).read(bag, tokens)
    assert torch.equal(states.states_BTD[0], bag.embedding.weight[[5, 6]]) and states.lengths_B.tolist() == [2, 1]
    with pytest.raises(ConfigError, match="Constant makes one vector of a document and has no states"):
        StatesEncoder.width_read(Constant(4))


def test_what_a_model_must_write_itself() -> None:
    encoder = StructureEncoder(UNLIKE, 3)
    for missing in (lambda: encoder(torch.ones(1, 3)), encoder.recursive_penalty):
        with pytest.raises(NotImplementedError):
            missing()
