"""The control: a linear layer, and nothing else."""

import torch

from models.flat import Flat
from tests.models.lists import UNLIKE, from_singles


def test_logits_are_one_linear_map_of_the_text() -> None:
    encoder = Flat(UNLIKE, 3, dropout=0.9).eval()
    text_BD = torch.randn(4, 3)
    torch.testing.assert_close(encoder(text_BD), text_BD @ encoder.output.weight.T + encoder.output.bias)
    assert sum(parameter.numel() for parameter in encoder.parameters()) == 17 * (3 + 1)


def test_a_list_is_its_members_side_by_side() -> None:
    joint, singles = from_singles(Flat, UNLIKE, 3, dropout=0.0)
    text_BD = torch.randn(4, 3)
    torch.testing.assert_close(joint(text_BD), torch.cat([single(text_BD) for single in singles], dim=1))
    torch.testing.assert_close(
        joint.recursive_penalty(), torch.stack([single.recursive_penalty() for single in singles]).sum()
    )


def test_dropout_falls_on_the_text() -> None:
    encoder = Flat(UNLIKE[:1], 1, dropout=0.5)
    logits = encoder(torch.ones(200, 1))
    weight, bias = encoder.output.weight.flatten(), encoder.output.bias
    kept = torch.isclose(logits, bias + 2 * weight).all(dim=1)
    dropped = torch.isclose(logits, bias.expand_as(logits)).all(dim=1)
    assert (kept | dropped).all() and 60 < kept.sum() < 140
