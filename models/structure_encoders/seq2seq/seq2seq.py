"""Seq2seq label generation: a T5 decoder reads the text and writes its labels as a sequence (Torba et al. 2024).

Paper: Torba et al. 2024 ("SHTC"). A document's labels are written as a sequence in one of four orders
(`models/structure_encoders/seq2seq/label_orders.py`), and the decoder is trained by its negative log-likelihood, the
sum of -log p(token | text, tokens before), a mean over documents. With `constraint: trie`, in the orders `bfs` and
`dfs`, probabilities are those over the tokens that may come next, in training after the true tokens, in evaluation
after the generated ones. Evaluation is a beam search, with scores divided by lengths as in the Transformers library.
*The prediction is a set*: a label's probability is 1 if it is generated, else 0, so curves over thresholds make no
sense.

The published system is the text encoder `transformer` with `model: t5-base`, `max_length: 512` and `prefix:
"Classify:"`, `model: t5-base` here, and as `trainer` `encoder_lr: 5e-5`, `head_lr: 5e-5`, `batch_size: 16`, `epochs:
12` and `warmup: 0.0`; a label is then spelt in the tokens of its name without blanks, hyphens and slashes. Without
`model` the decoder is a small T5, trained from scratch behind any text encoder with states, and each label is one
token. A decoder that was not made for the encoder's states reads them through a linear map and T5's norm.

Differs, and why:

* The constraint in training follows the true prefix; the published program's follows the model's own choices, so that
  true tokens outside it add a constant without a gradient. Disallowed tokens have probability 0, not 1e-32.
* Beam scores are renormalised over the allowed tokens, as they are trained.
* The grammar allows no label twice, and a level to follow if any label of the last one has children.
* On a DAG a label may follow any of its parents. Constrained output is then closed under ancestors on trees only.
* The encoder's word vectors and the decoder's start equal and are trained apart; the published ones are one tensor.
* The learning rate falls linearly, as for every model here; the published one is constant. Generation ends ten tokens
  after the length of the longest target so far; the published program has a limit per corpus.
* Labels are spelt as the corpus names them: codes of RCV1 remain codes, where the paper writes their descriptions.

There is no recursive regularisation, since no row of weights belongs to a label. Published scores were not found.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoConfig, AutoTokenizer, LogitsProcessorList
from transformers.modeling_outputs import BaseModelOutput
from transformers.models.t5.modeling_t5 import T5LayerNorm

from harness.core.errors import ConfigError
from harness.core.registry import Loaded, Positive, Share
from models.head_spec import HeadSpec
from models.objectives.base import Objective
from models.structure_encoders.base import StatesEncoder, in_full
from models.structure_encoders.seq2seq.label_orders import END, ORDERS, Grammar
from models.structure_encoders.seq2seq.label_tokens import Constraint, LabelTokens, own_spelling, pretrained_spelling
from models.structure_encoders.seq2seq.t5_decoder import PAD, AllowedTokens, new_decoder, pairs, pretrained_decoder
from models.text_encoders.base import States, TextEncoder
from models.text_encoders.pretrained import fetch
from models.text_encoders.weights import save_shape

NUMERICS = {"seq2seq": 1}
REFUSES = {
    "masking": "it writes one sequence for the whole hierarchy, and a set of labels has no probabilities to be masked",
    "projection": "it writes one sequence for the whole hierarchy; a decoder for each branch is another model",
    "objective": "it is trained by the likelihood of a sequence of labels, and labels have no logits",
}

_FOLDER = "decoder"
"""Folder of a pretrained decoder's config and tokeniser in a saved model."""
_TOKENS_BEYOND_LONGEST = 10
_IGNORED = -100
_ROWS_AT_ONCE = 256
"""Sequences that are searched side by side: a beam keeps as much of the text as a document."""


class Source(NamedTuple):
    """Input of the decoder for B documents.

    Attributes:
        states_BTD: States, as wide as the decoder.
        mask_BT: Mask of the states within a document.
        is_autocast: Whether the decoder is to compute in bfloat16.
    """

    states_BTD: Tensor
    mask_BT: Tensor
    is_autocast: bool


class Seq2Seq(StatesEncoder):
    """Generates a document's labels with T5's decoder.

    Args:
        specs: Specification of the one head; `heads` are the attention heads.
        text_width: Width of the text encoder's states.
        model: Hugging Face id or local folder of a T5 whose decoder to start from; empty for a new one.
        revision: Branch, tag or commit of the Hugging Face repository.
        order: Order in which a set of labels is written.
        constraint: Whether tokens that the hierarchy does not allow are ruled out; `bfs` and `dfs` can be constrained.
        beams: Number of beams of the search; 1 takes the most probable token each time.
        width: Width of a new decoder, a multiple of `heads`.
        layers: Number of layers of a new decoder.
        heads: Number of attention heads of a new decoder.
        dropout: Dropout in a new decoder.
    """

    meaning = "labels"
    longest: Tensor

    def __init__(
        self,
        specs: Sequence[HeadSpec],
        text_width: int,
        *,
        model: Loaded = "",
        revision: str = "main",
        order: Literal["bfs", "dfs", "bottom_up_bfs", "bottom_up_dfs"] = "dfs",
        constraint: Literal["none", "trie"] = "trie",
        beams: Positive = 3,
        width: Positive = 128,
        layers: Positive = 2,
        heads: Positive = 4,
        dropout: Share = 0.1,
    ):
        super().__init__(specs, text_width)
        (spec,) = self.heads
        labels, written = spec.hierarchy.labels, ORDERS[order](spec.hierarchy)
        if model:
            self.t5 = pretrained_decoder(model, revision)
            tokenizer = fetch(AutoTokenizer, model, revision=revision, use_fast=True)
            spelling = pretrained_spelling(written, labels, tokenizer)
        else:
            spelling = own_spelling(written, labels)
            self.t5 = new_decoder(1 + len(spelling), width, layers, heads, dropout)
        self.label_tokens = LabelTokens(written, labels, spelling)
        self.constraint: Constraint | None = None
        if constraint == "trie":
            if not isinstance(written, Grammar):
                raise ConfigError(
                    f"seq2seq cannot be constrained in the order {order}, which names labels before their parents. "
                    "Set `constraint: none`, or `order: bfs` or `dfs`."
                )
            self.constraint = Constraint(written, spelling)
        self.beams = beams
        self.bridge: nn.Module = nn.Identity()
        decoder_width = self.t5.config.d_model
        if not model or text_width != decoder_width:
            self.bridge = nn.Sequential(nn.Linear(text_width, decoder_width, bias=False), T5LayerNorm(decoder_width))
        self.register_buffer("longest", torch.zeros((), dtype=torch.int64))

    @classmethod
    def portable(cls, options: Mapping[str, Any], folder: Path) -> dict[str, Any]:
        """See `StructureEncoder`: of a pretrained decoder the config is kept, and the tokeniser that spells labels."""
        if not options["model"]:
            return dict(options)
        named = {"model": options["model"], "revision": options["revision"]}
        save_shape(fetch(AutoConfig, **named), folder / _FOLDER)
        fetch(AutoTokenizer, **named, use_fast=True).save_pretrained(folder / _FOLDER)
        return {**options, "model": _FOLDER, "revision": "main"}

    @classmethod
    def try_out(cls, options: Mapping[str, Any], encoder: TextEncoder | None) -> None:
        """Loads the decoder, or makes one; see `StructureEncoder`."""
        super().try_out(options, encoder)
        if options["model"]:
            pretrained_decoder(options["model"], options["revision"])
        else:
            new_decoder(2, options["width"], options["layers"], options["heads"], options["dropout"])

    def forward(self, text: States) -> Source:  # type: ignore[override]
        """Returns the decoder's input."""
        states_BTD = self.bridge(text.states_BTD)
        return Source(states_BTD, text.mask_BT, torch.is_autocast_enabled(states_BTD.device.type))

    def loss(self, output: Source, gold_BC: Tensor, weights_C: Tensor, objective: Objective) -> Tensor:
        """Returns the negative log-likelihood of the documents' sequences, a mean over documents.

        Args:
            output: Output of `forward`.
            gold_BC: 0 or 1, closed under ancestors.
            weights_C: Not used: a sequence is no sum over labels.
            objective: Not used: labels have no logits.
        """
        device = gold_BC.device
        targets = [self.label_tokens.write(row.nonzero().flatten().tolist()) for row in gold_BC.cpu()]
        target_BS = pad_sequence([torch.tensor(one) for one in targets], True, _IGNORED).to(device)
        if self.training:
            self.longest.clamp_(min=target_BS.shape[1])
        with torch.autocast(device.type, torch.bfloat16, enabled=output.is_autocast):
            logits_BSV = self.t5(
                encoder_outputs=BaseModelOutput(output.states_BTD),
                attention_mask=output.mask_BT.long(),
                decoder_input_ids=functional.pad(target_BS.clamp(min=PAD), (1, -1), value=PAD),
                use_cache=False,
            ).logits
        logits_BSV = in_full(logits_BSV)
        if self.constraint is not None:
            logits_BSV = logits_BSV.masked_fill(~self._allowed(targets, target_BS, logits_BSV.shape[2]), -torch.inf)
        terms_BS = functional.cross_entropy(
            logits_BSV.transpose(1, 2), target_BS, reduction="none", ignore_index=_IGNORED
        )
        return terms_BS.sum(1).mean()

    def _allowed(self, targets: Sequence[Sequence[int]], target_BS: Tensor, num_tokens: int) -> Tensor:
        """Returns (B, S, V): the tokens that may come next after the true ones; after their end all are allowed."""
        assert self.constraint is not None
        allowed: list[tuple[int, ...]] = []
        for tokens in targets:
            place = self.constraint.start
            for token in tokens:
                allowed.append(self.constraint.allowed(place))
                place = self.constraint.after(place, token)
        is_behind_BS = target_BS == _IGNORED
        rows, columns = pairs(allowed, target_BS.device)
        document, place_S = (~is_behind_BS).nonzero()[rows].unbind(1)
        allowed_BSV = is_behind_BS[..., None].repeat(1, 1, num_tokens)
        allowed_BSV[document, place_S, columns] = True
        return allowed_BSV

    def probabilities(self, output: Source, objective: Objective) -> Tensor:
        """Returns (B, C): 1 for the labels that are generated, else 0."""
        (spec,) = self.heads
        probabilities_BC = torch.zeros(len(output.states_BTD), len(spec.hierarchy))
        at_once = max(1, _ROWS_AT_ONCE // self.beams)
        for start in range(0, len(probabilities_BC), at_once):
            part = slice(start, start + at_once)
            generated = self._generate(output.states_BTD[part], output.mask_BT[part])
            for row_C, tokens in zip(probabilities_BC[part], generated.tolist(), strict=True):
                row_C[list(self.label_tokens.read(tokens[1:]))] = 1
        return probabilities_BC.to(output.states_BTD.device)

    def _generate(self, states_BTD: Tensor, mask_BT: Tensor) -> Tensor:
        """Returns (B, S) tokens, the first of which is padding."""
        processors = LogitsProcessorList([AllowedTokens(self.constraint)] if self.constraint else [])
        tokens_BS: Tensor = self.t5.generate(
            encoder_outputs=BaseModelOutput(states_BTD),
            attention_mask=mask_BT.long(),
            logits_processor=processors,
            num_beams=self.beams,
            do_sample=False,
            max_new_tokens=int(self.longest) + _TOKENS_BEYOND_LONGEST,
            decoder_start_token_id=PAD,
            pad_token_id=PAD,
            eos_token_id=self.label_tokens.spelling[END][0],
        )
        return tokens_BS

    def recursive_penalty(self) -> Tensor:
        """Returns 0, since no row of weights belongs to a label."""
        return self.longest.new_zeros((), dtype=torch.float32)
