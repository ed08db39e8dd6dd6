"""T5's decoder without its encoder, and the search that its constraint keeps among allowed tokens."""

from pathlib import Path

import pytest
import torch

from datasets.storage.hierarchy import Hierarchy
from harness.core.errors import ConfigError
from harness.training.memory import unallocated
from models.layers.dropout import Dropout
from models.structure_encoders.seq2seq.label_orders import DFS, END, POP, ROOT
from models.structure_encoders.seq2seq.label_tokens import Constraint, own_spelling
from models.structure_encoders.seq2seq.seq2seq import Seq2Seq
from models.structure_encoders.seq2seq.t5_decoder import PAD, AllowedTokens, new_decoder, pairs
from tests.models.hierarchies import head_on, hierarchy
from tests.models.tiny_models import save_t5

NAMED = Hierarchy.from_names([("Root", "Bio"), ("Bio", "Bio 1/a"), ("Root", "Law"), ("Law", "the-cat"), ("Law", "x")])


@pytest.fixture(scope="module")
def tiny_t5(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_t5(tmp_path_factory.mktemp("t5"))


def test_a_new_decoder_has_the_published_proportions_and_no_encoder() -> None:
    decoder = new_decoder(11, width=8, layers=3, heads=2, dropout=0.25)
    config = decoder.config
    assert (config.d_model, config.d_kv, config.d_ff, config.num_decoder_layers) == (8, 4, 32, 3)
    assert decoder.shared.weight.shape == (11, 8) and len(decoder.decoder.block) == 3
    assert not any("encoder." in name.removeprefix("decoder.") for name, _ in decoder.named_parameters())
    rates = {(type(module), module.p) for module in decoder.modules() if isinstance(module, torch.nn.Dropout)}
    assert rates == {(Dropout, 0.25)}
    with pytest.raises(ConfigError, match="multiple of its heads: 8 is none of 3"):
        new_decoder(11, width=8, layers=1, heads=3, dropout=0.0)


def test_pairs_of_lists_and_their_items() -> None:
    rows, items = pairs([[7, 8], [], [9]], torch.device("cpu"))
    assert rows.tolist() == [0, 0, 2] and items.tolist() == [7, 8, 9]


def test_probabilities_of_allowed_tokens_add_up_to_one_at_every_step() -> None:
    graph = hierarchy(3, [(0, 1)])
    spelling = own_spelling(DFS(graph), graph.labels)
    constraint = Constraint(DFS(graph), spelling)
    processor = AllowedTokens(constraint)
    place, prefix = constraint.start, [PAD]
    for symbol in (ROOT, 0, POP, END):
        scores = torch.randn(2, 1 + len(spelling))
        found = processor(torch.tensor([prefix, prefix]), scores)
        allowed = list(constraint.allowed(place))
        assert found.exp().sum(1).tolist() == pytest.approx([1, 1]) and spelling[symbol][0] in allowed
        assert (found > -torch.inf).nonzero()[:, 1].tolist() == 2 * allowed
        torch.testing.assert_close(found[:, allowed], scores[:, allowed].log_softmax(1))
        place, prefix = constraint.after(place, spelling[symbol][0]), [*prefix, spelling[symbol][0]]
    after_end = processor(torch.tensor([prefix]), torch.randn(1, 1 + len(spelling)))
    assert after_end[0].exp().tolist() == [1.0] + [0.0] * len(spelling), "only padding follows the end"


def test_a_pretrained_decoder_is_counted_without_its_weights(tiny_t5: str) -> None:
    build = lambda: Seq2Seq([head_on(NAMED)], 5, model=tiny_t5)  # noqa: E731
    ghost, real = (dict(one.named_parameters()) for one in (unallocated(build), build()))
    assert {name: one.shape for name, one in ghost.items()} == {name: one.shape for name, one in real.items()}
    assert all(one.is_meta for one in ghost.values()) and not any("encoder." in name for name in real)


def test_other_models_and_labels_that_t5_cannot_tell_are_refused(tiny_t5: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(ConfigError, match="is a bert, not a T5. Name a T5"):
        Seq2Seq([head_on(NAMED)], 5, model=str(tmp_path))
    twins = Hierarchy(["x y", "x-y"], [])
    with pytest.raises(ValueError, match="cannot write the label 'x.y': .* are also those of 'x.y'"):
        Seq2Seq([head_on(twins)], 5, model=tiny_t5)
