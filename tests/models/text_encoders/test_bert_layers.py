"""Layers of BERT in fewer operations, against those of the library: values, gradients, and dropout."""

from pathlib import Path

import pytest
import torch
from transformers import AttentionInterface, AutoModel, BertModel, RobertaConfig

from models.text_encoders.transformer import Transformer
from tests.models.tiny_models import NUM_WORDS, options, save_any, save_bert
from tests.models.token_batches import batch

TEXTS = ["the cat sat on the mat", "a dog", "cats and dogs and cats, again and again"]
SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
SMALL |= {"vocab_size": NUM_WORDS}


@pytest.fixture(scope="module")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_bert(tmp_path_factory.mktemp("bert"))


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


def test_roberta_is_computed_for_its_first_token_alone_too(tmp_path: Path) -> None:
    folder = save_any(tmp_path / "roberta", RobertaConfig(**SMALL, max_position_embeddings=20))
    tokenizer, lists = Transformer.build_tokenizer([], options(folder)), [[6, 11, 12, 13, 7], [6, 14, 7]]
    pooled = Transformer(tokenizer, model=folder).eval()
    first = Transformer(tokenizer, model=folder, pooling="cls").eval()
    assert pooled.reads_first_token and first.reads_first_token
    model = AutoModel.from_pretrained(folder).eval()
    for row, ids in enumerate(lists):
        expected = model(input_ids=torch.tensor([ids]))
        torch.testing.assert_close(pooled(batch(lists))[row], expected.pooler_output[0], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(first(batch(lists))[row], expected[0][0, 0], rtol=1e-4, atol=1e-5)
