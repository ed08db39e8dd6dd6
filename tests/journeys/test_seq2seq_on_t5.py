"""Label generation behind a pretrained T5: the loss is T5's, and its tokens are constrained too."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from transformers import T5ForConditionalGeneration, T5Tokenizer

from datasets.storage.hierarchy import Hierarchy
from models.objectives.bce import BCE
from models.structure_encoders.seq2seq.seq2seq import Seq2Seq
from models.text_encoders.base import TokenBatch
from models.text_encoders.transformer import Transformer
from tests.models.hierarchies import head_on
from tests.models.structure_encoders.seq2seq.test_seq2seq import generated, gold, loss_of, randomise
from tests.models.tiny_models import options, save_t5
from tests.models.token_batches import batch

BOTH = pytest.mark.parametrize("order", ["bfs", "dfs"])


NAMED = Hierarchy.from_names([("Root", "Bio"), ("Bio", "Bio 1/a"), ("Root", "Law"), ("Law", "the-cat"), ("Law", "x")])


@pytest.fixture(scope="module")
def tiny_t5(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_t5(tmp_path_factory.mktemp("t5"))


def read_texts(folder: str, *texts: str) -> tuple[Transformer, TokenBatch]:
    tokenizer = Transformer.build_tokenizer([], options(folder))
    encoder = Transformer(tokenizer, model=folder, pooling="mean", dropout=0.0).eval()
    return encoder, batch([tokenizer.encode(text).ids for text in texts])


@pytest.mark.parametrize("order", ["dfs", "bfs"])
def test_it_is_t5_with_t5_behind_it(tiny_t5: str, order: Any) -> None:
    published = T5ForConditionalGeneration.from_pretrained(tiny_t5).eval()
    tokenizer = T5Tokenizer.from_pretrained(tiny_t5)
    encoder, tokens = read_texts(tiny_t5, "the cat sat", "cat")
    model = Seq2Seq([head_on(NAMED)], encoder.state_width, model=tiny_t5, order=order, constraint="none").eval()
    assert isinstance(model.bridge, nn.Identity)
    labels = [["Bio", "Bio 1/a"], ["Law", "x"]]
    gold_BC = gold(NAMED, *([NAMED.index[name] for name in names] for names in labels))
    found = loss_of(model, model.read(encoder, tokens), gold_BC)
    written = {"dfs": ["Root Bio Bio1a Pop Pop", "Root Law x Pop Pop"], "bfs": ["Bio/ Bio1a", "Law/ x"]}[order]
    expected = []
    for text, target in zip(["the cat sat", "cat"], written, strict=True):
        ids, target_ids = (tokenizer(one, return_tensors="pt").input_ids for one in (text, target))
        expected.append(published(input_ids=ids, labels=target_ids).loss.item() * target_ids.shape[1])
    assert found.item() == pytest.approx(np.mean(expected), rel=1e-4)


@BOTH
def test_word_tokens_are_constrained_too(tiny_t5: str, order: Any) -> None:
    encoder, tokens = read_texts(tiny_t5, *(f"the cat sat {i}" for i in range(20)))
    model = Seq2Seq([head_on(NAMED)], encoder.state_width, model=tiny_t5, order=order).eval()
    assert model.label_tokens.spelling[NAMED.index["Bio 1/a"]][0] != model.label_tokens.spelling[NAMED.index["Bio"]][0]
    model.longest.fill_(40)
    randomise(model)
    with torch.inference_mode():
        found = generated(model, model.read(encoder, tokens))
        predicted = model.probabilities(model(model.read(encoder, tokens)), BCE(model.heads)).numpy() > 0.5
    for tokens, row in zip(found.tolist(), predicted, strict=True):
        end = tokens.index(1)
        labels = np.flatnonzero(row).tolist()
        assert NAMED.close(labels).tolist() == labels
        assert sum(map(len, (model.label_tokens.spelling[label] for label in labels))) < end
