"""Tiny pretrained models with random weights, as local folders in the Hugging Face format."""

import json
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    AutoModel,
    BertConfig,
    BertModel,
    PreTrainedConfig,
    PreTrainedTokenizerFast,
    T5Config,
    T5ForConditionalGeneration,
    T5Tokenizer,
)

BERT_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "dog", "##s", "and", "a", "on", "sat", "mat")
T5_WORDS = ("the", "cat", "sat", "Root", "Pop", "Bio", "Bio1", "Law")


def save_bert(folder: Path) -> str:
    """A BERT of two layers."""
    (folder / "vocab.txt").write_text("\n".join(BERT_TOKENS), "utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizer"}), "utf-8")
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    BertModel(BertConfig(vocab_size=len(BERT_TOKENS), **sizes)).save_pretrained(folder)
    return str(folder)


def save_t5(folder: Path) -> str:
    """A T5 of two layers: tokens that words begin with, single letters, and what structures a sequence."""
    tokens = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("-", -4.0), ("/", -4.0), ("▁", -5.0)]
    tokens += [(f"▁{word}", -3.0) for word in T5_WORDS]
    tokens += [(sign, -6.0) for sign in "abcdefghijklmnopqrstuvwxyz0123456789."]
    T5Tokenizer(vocab=tokens, extra_ids=0).save_pretrained(folder)
    torch.manual_seed(0)
    sizes = {"d_model": 16, "d_kv": 4, "d_ff": 32, "num_layers": 2, "num_heads": 4}
    T5ForConditionalGeneration(T5Config(vocab_size=len(tokens), decoder_start_token_id=0, **sizes)).save_pretrained(
        folder
    )
    return str(folder)


NUM_WORDS = 40
"""Tokens of `save_any`, from w0 on; w1 is the padding of RoBERTa, w6 and w7 begin and end a text."""


def save_any(folder: Path, config: PreTrainedConfig, kind: Any = AutoModel, num_words: int = NUM_WORDS) -> str:
    """A model of any kind with random weights, and a tokeniser of numbered words."""
    folder.mkdir(exist_ok=True)
    torch.manual_seed(0)
    make = kind.from_config if kind is AutoModel else kind
    make(config).save_pretrained(folder)
    words = Tokenizer(models.WordLevel({f"w{i}": i for i in range(num_words)}, unk_token="w5"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    ends = [("w6", 6), ("w7", 7)]
    words.post_processor = processors.TemplateProcessing(single="w6 $A w7", special_tokens=ends)
    PreTrainedTokenizerFast(tokenizer_object=words).save_pretrained(folder)
    return str(folder)


def options(folder: str, **changes: Any) -> dict[str, Any]:
    """Options of the text encoder `transformer` on such a folder."""
    return {"model": folder, "revision": "main", "max_length": 12, "prefix": "", **changes}
