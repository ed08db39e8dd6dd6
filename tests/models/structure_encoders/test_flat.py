"""The control: a linear layer, and nothing else."""

import torch

from models.structure_encoders.flat import Flat
from tests.models.encoder_checks import assert_model
from tests.models.hierarchies import UNLIKE


def test_logits_are_one_linear_map_of_the_text() -> None:
    encoder = Flat(UNLIKE, 3, logit_dropout=0.9).eval()
    text_BD = torch.randn(4, 3)
    torch.testing.assert_close(encoder(text_BD), text_BD @ encoder.output.weight.T + encoder.output.bias)
    assert sum(parameter.numel() for parameter in encoder.parameters()) == 17 * (3 + 1)


def test_it_is_a_model_like_any_other() -> None:
    assert_model(Flat)


def test_the_text_is_not_dropped_out_again_and_logits_are_where_asked() -> None:
    encoder = Flat(UNLIKE, 3, logit_dropout=0.5)
    text_BD = torch.randn(200, 3)
    dropped, undropped = encoder(text_BD), encoder.eval()(text_BD)
    is_dropped = dropped == 0
    assert 0.4 < is_dropped.float().mean().item() < 0.6
    torch.testing.assert_close(dropped[~is_dropped], 2 * undropped[~is_dropped])
    again = Flat(UNLIKE, 3)
    assert torch.equal(again(text_BD), again(text_BD))
