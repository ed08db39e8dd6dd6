"""Rehearsals of many kinds of models: the longest text that goes, tokens without embeddings, what is no encoder."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AlbertConfig,
    BartConfig,
    BertConfig,
    DebertaV2Config,
    DistilBertConfig,
    ElectraConfig,
    GPT2Config,
    LlamaConfig,
    ModernBertConfig,
    MPNetConfig,
    OPTConfig,
    PreTrainedConfig,
    RobertaConfig,
    T5Config,
    ViTConfig,
    XLNetConfig,
)

from harness.core.errors import ConfigError
from models.text_encoders.rehearsal import rehearse, sees_what_follows
from models.text_encoders.transformer import Transformer
from tests.models.tiny_models import NUM_WORDS, options, save_any

WORDS = {"vocab_size": NUM_WORDS, "bos_token_id": 2, "eos_token_id": 3}
SMALL = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32, **WORDS}
HALVES = {"encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2, "decoder_attention_heads": 2}
POSITIONS = {"max_position_embeddings": 34}
MODERN = {"cls_token_id": 2, "sep_token_id": 3, "pad_token_id": 0}
DISENTANGLED = {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_biased_input": False}
KINDS: dict[str, tuple[PreTrainedConfig, int, bool]] = {
    "bert": (BertConfig(**SMALL, **POSITIONS), 34, True),
    "roberta": (RobertaConfig(**SMALL, **POSITIONS), 32, True),
    "mpnet": (MPNetConfig(**SMALL, **POSITIONS), 32, True),
    "electra": (ElectraConfig(**SMALL, **POSITIONS), 34, True),
    "albert": (AlbertConfig(**SMALL, **POSITIONS, embedding_size=8), 34, True),
    "distilbert": (DistilBertConfig(dim=16, n_layers=1, n_heads=2, hidden_dim=32, **WORDS, **POSITIONS), 34, True),
    "bart": (BartConfig(d_model=16, encoder_ffn_dim=32, decoder_ffn_dim=32, **HALVES, **WORDS, **POSITIONS), 34, True),
    "gpt2": (GPT2Config(n_embd=16, n_layer=1, n_head=2, n_positions=34, **WORDS), 34, False),
    # Relative and rotary positions have no end.
    "deberta": (DebertaV2Config(**SMALL, **POSITIONS, **DISENTANGLED), 0, True),
    "modernbert": (ModernBertConfig(**(SMALL | MODERN), **POSITIONS), 0, True),
    "t5": (T5Config(d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2, vocab_size=NUM_WORDS), 0, True),
    "xlnet": (XLNetConfig(d_model=16, n_layer=1, n_head=2, d_inner=32, **WORDS), 0, True),
    "llama": (LlamaConfig(**SMALL, **POSITIONS, num_key_value_heads=2), 0, False),
}
"""Configuration, the longest text in tokens or 0, and whether the first token sees the others."""


def tried(folder: str, **changes: Any) -> Transformer:
    return Transformer.try_out({**options(folder), "pooling": "mean", "dropout": 0.1, **changes})


@pytest.mark.parametrize("name", KINDS)
def test_the_longest_text_that_a_kind_of_model_reads(name: str, tmp_path: Path) -> None:
    config, longest, sees = KINDS[name]
    folder = save_any(tmp_path / name, config)
    assert sees_what_follows(tried(folder, max_length=longest or 100)) == sees
    if longest:
        problem = f"reads texts of {longest} tokens at most, .* `max_length` is 300. Set .*max_length: {longest}"
        with pytest.raises(ConfigError, match=problem):
            tried(folder, max_length=300)
        with pytest.raises(ConfigError, match=f"`max_length` is {longest + 1}. Set .*max_length: {longest}"):
            tried(folder, max_length=longest + 1)


def test_a_token_without_an_embedding_is_refused(tmp_path: Path) -> None:
    config = BertConfig(**SMALL)
    tried(save_any(tmp_path / "fits", config))
    larger = save_any(tmp_path / "larger", config, num_words=NUM_WORDS + 1)
    with pytest.raises(ConfigError, match="numbers its tokens up to 40, added ones included, and .* up to 39. Name a"):
        tried(larger)


def test_what_reads_no_text_is_refused_in_one_paragraph(tmp_path: Path) -> None:
    images = ViTConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32)
    with pytest.raises(ConfigError, match="cannot be run as a text encoder, .* Name an encoder") as caught:
        tried(save_any(tmp_path / "vit", images))
    assert "\n" not in str(caught.value)
    # Its states are as wide as its word embeddings, and not as its name says.
    narrow = OPTConfig(hidden_size=16, ffn_dim=32, num_attention_heads=2, num_hidden_layers=1, word_embed_proj_dim=8)
    with pytest.raises(ConfigError, match="its states are 8 wide, not 16"):
        tried(save_any(tmp_path / "opt", narrow))


def test_a_rehearsal_leaves_the_encoder_and_the_random_numbers_as_they_were(tmp_path: Path) -> None:
    folder = save_any(tmp_path / "bert", BertConfig(**SMALL))
    tokenizer = Transformer.build_tokenizer([], options(folder))
    encoder = Transformer(tokenizer, model=folder).train()
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    state = torch.get_rng_state()
    rehearse(encoder, tokenizer, folder, 12)
    assert torch.equal(torch.get_rng_state(), state) and encoder.training and encoder.bert.training
    assert all(torch.equal(before[name], value) for name, value in encoder.state_dict().items())


def test_positions_are_counted_where_padding_is_the_last_token(tmp_path: Path) -> None:
    config = RobertaConfig(**SMALL, pad_token_id=NUM_WORDS - 1, max_position_embeddings=60)
    folder = save_any(tmp_path / "padding last", config)
    tried(folder, max_length=20)
    with pytest.raises(ConfigError, match="reads texts of 20 tokens at most, .* `max_length` is 300"):
        tried(folder, max_length=300)


def test_a_length_below_the_special_tokens_is_refused(tmp_path: Path) -> None:
    folder = save_any(tmp_path / "bert", BertConfig(**SMALL, **POSITIONS))
    with pytest.raises(ConfigError, match="puts 2 tokens into an empty text, and `max_length` is 1, .*max_length: 3"):
        tried(folder, max_length=1)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("model.safetensors", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 440449768\n"),
        ("model.safetensors", b""),
        ("tokenizer.json", b'{"version": "1.0", "model": {"type": "Brandnew"}}'),
        ("tokenizer_config.json", b"[]"),
        ("config.json", b"[]"),
    ],
)
def test_damaged_files_are_refused_in_a_paragraph(file: str, content: bytes, tmp_path: Path) -> None:
    folder = save_any(tmp_path / "bert", BertConfig(**SMALL, **POSITIONS))
    (tmp_path / "bert" / file).write_bytes(content)
    with pytest.raises(ConfigError, match="cannot be loaded .* Name a local folder"):
        tried(folder)
