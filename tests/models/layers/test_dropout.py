"""Dropout: which elements, how often, by what the others are scaled, and where it is put."""

import pytest
import torch
from torch import nn
from transformers import BertConfig, BertModel

from models.layers.dropout import Dropout, drop, keep_mask, replace_dropout


@pytest.mark.parametrize("probability", [0.05, 0.1, 0.5, 0.9])
def test_elements_are_dropped_as_often_as_said_and_the_others_scaled(probability: float) -> None:
    mask = keep_mask(torch.Size([1000, 1000]), probability, torch.ones(()))
    assert torch.equal(mask.unique(), torch.tensor([0.0, 1 / (1 - probability)]))
    dropped = (mask == 0).double()
    four_deviations = 4 * (probability * (1 - probability) / 1e6) ** 0.5
    assert dropped.mean().item() == pytest.approx(probability, abs=four_deviations)


def test_elements_are_dropped_independently() -> None:
    # Four elements share a drawn number: neighbours, and elements 2, 3 and 4 apart, must know nothing of each other.
    dropped = (keep_mask(torch.Size([1_000_000]), 0.3, torch.ones(())) == 0).double()
    for lag in (1, 2, 3, 4):
        together = (dropped[lag:] * dropped[:-lag]).mean().item()
        assert together == pytest.approx(0.09, abs=4 * (0.09 * 0.91 / 1e6) ** 0.5 + 4 * 0.3 * (0.21 / 1e6) ** 0.5)


def test_sizes_that_no_drawn_number_fills() -> None:
    for shape in ((), (1,), (3,), (5, 1), (0, 4)):
        assert drop(torch.ones(shape), 0.5, training=True).shape == shape


def test_gradients_go_where_values_went() -> None:
    values = torch.randn(50, 20, requires_grad=True)
    out = drop(values, 0.4, training=True)
    (gradient,) = torch.autograd.grad(out.sum(), values)
    torch.testing.assert_close(gradient * values, out)


def test_nothing_is_dropped_in_evaluation_or_with_probability_zero_and_all_with_one() -> None:
    values = torch.randn(7, requires_grad=True)
    assert drop(values, 0.4, training=False) is values and drop(values, 0.0, training=True) is values
    assert Dropout(0.4).eval()(values) is values
    everything = drop(values, 1.0, training=True)
    (gradient,) = torch.autograd.grad(everything.sum(), values)
    assert torch.equal(everything, torch.zeros(7)) and torch.equal(gradient, torch.zeros(7))


def test_the_same_seed_drops_the_same_elements() -> None:
    masks = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        masks.append(keep_mask(torch.Size([100]), 0.5, torch.ones(())))
    assert torch.equal(masks[0], masks[1]) and not torch.equal(masks[0], masks[2])


def test_a_mask_has_the_type_it_is_multiplied_with() -> None:
    assert drop(torch.ones(8, dtype=torch.bfloat16), 0.5, training=True).dtype == torch.bfloat16


def test_every_dropout_of_a_model_is_replaced() -> None:
    model = BertModel(
        BertConfig(vocab_size=5, hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=8)
    )
    before = sum(isinstance(module, nn.Dropout) for module in model.modules())
    replace_dropout(model)
    assert sum(isinstance(module, Dropout) for module in model.modules()) == before == 7
