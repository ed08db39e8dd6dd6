"""What weight decay spares in the families of pretrained models and in every model here: sets of names, exactly."""

from typing import Any

import pytest
import torch
from torch import nn
from torch_geometric.nn import GraphNorm
from transformers import (
    AlbertConfig,
    AutoModel,
    BertConfig,
    DebertaV2Config,
    DistilBertConfig,
    ElectraConfig,
    GPT2Config,
    LlamaConfig,
    ModernBertConfig,
    MPNetConfig,
    PreTrainedConfig,
    RobertaConfig,
    T5Config,
    T5EncoderModel,
    XLNetConfig,
)

from models import STRUCTURE_ENCODERS
from models.weight_decay import spared
from tests.golden.numbers import trials
from tests.models.hierarchies import DAG, UNLIKE, head_on

SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32, "vocab_size": 40}
ENDS = {"pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3}
DISENTANGLED = {"relative_attention": True, "norm_rel_ebd": "layer_norm", "pos_att_type": ["p2c", "c2p"]}
FAMILIES: dict[str, tuple[PreTrainedConfig, set[str]]] = {
    "bert": (BertConfig(**SMALL), {"LayerNorm.weight"}),
    "roberta": (RobertaConfig(**SMALL), {"LayerNorm.weight"}),
    "electra": (ElectraConfig(**SMALL, embedding_size=8), {"LayerNorm.weight"}),
    "mpnet": (MPNetConfig(**SMALL), {"LayerNorm.weight"}),
    "deberta": (DebertaV2Config(**SMALL, **DISENTANGLED), {"LayerNorm.weight"}),
    "distilbert": (
        DistilBertConfig(dim=16, n_layers=2, n_heads=2, hidden_dim=32, vocab_size=40),
        {"LayerNorm.weight", "sa_layer_norm.weight", "output_layer_norm.weight"},
    ),
    "albert": (AlbertConfig(**SMALL, embedding_size=8), {"LayerNorm.weight", "full_layer_layer_norm.weight"}),
    "xlnet": (XLNetConfig(d_model=16, n_layer=2, n_head=2, d_inner=32, vocab_size=40, **ENDS), {"layer_norm.weight"}),
    "modernbert": (ModernBertConfig(**SMALL, **ENDS, cls_token_id=2, sep_token_id=3), {"norm.weight"}),
    "t5": (T5Config(d_model=16, d_kv=8, d_ff=32, num_heads=2, num_layers=2, vocab_size=40), {"layer_norm.weight"}),
    "gpt2": (
        GPT2Config(n_embd=16, n_layer=2, n_head=2, vocab_size=40, **ENDS),
        {"ln_1.weight", "ln_2.weight", "ln_f.weight"},
    ),
    "llama": (
        LlamaConfig(**SMALL, num_key_value_heads=2),
        {"input_layernorm.weight", "post_attention_layernorm.weight", "norm.weight"},
    ),
}
"""Configurations, and what the names of all norms' weights end with."""


def by_name(module: nn.Module) -> set[str]:
    """What the published programs spare."""
    return {name for name, _ in module.named_parameters() if "bias" in name or "LayerNorm.weight" in name}


@pytest.mark.parametrize("name", FAMILIES)
def test_biases_and_the_weights_of_all_norms_are_spared_and_nothing_else(name: str) -> None:
    config, norms = FAMILIES[name]
    model = T5EncoderModel(config) if name == "t5" else AutoModel.from_config(config)
    sizes = {name: parameter.ndim for name, parameter in model.named_parameters()}
    found = spared(model)
    assert {one for one in found if one.endswith(".weight")} == {one for one in sizes if one.endswith(tuple(norms))}
    others = found - {one for one in found if one.endswith(".weight")}
    assert others == {one for one in sizes if "bias" in one.rpartition(".")[2]}
    # A table of relative positions is no bias, whatever its name; XLNet's biases of queries are.
    assert not [one for one in found if "relative_attention_bias" in one]
    assert [one for one in sizes if sizes[one] == 1 and one not in found] == []


def test_nothing_changes_for_bert() -> None:
    bert = AutoModel.from_config(BertConfig(**SMALL))
    assert spared(bert) == by_name(bert) and len(spared(bert)) == 23


HAVE_NORMS = {"hitin", "hmcn", "hybrid_loss", "seq2seq"}
"""Models with norms; none of them is named as BERT names its own."""


@pytest.mark.parametrize("name", [name for name, trial in trials().items() if trial.objective == "bce"])
def test_the_models_here(name: str) -> None:
    trial = trials()[name]
    kind: Any = STRUCTURE_ENCODERS[trial.structure].load()
    # A head of one label has no edges, which the ungated GCN refuses.
    heads = [head_on(DAG)] if trial.merge == "none" or "ungated" in name else list(UNLIKE)
    model = kind(heads, 32, **trial.structure_options)
    found, before = spared(model), by_name(model)
    changed = found ^ before
    kinds = {path: type(part).__name__ for path, part in model.named_modules()}
    norms = {f"{path}.weight" for path, kind in kinds.items() if kind.endswith(("Norm", "BatchNorm1d"))}
    assert {one for one in found if "bias" not in one} == norms
    assert bool(changed) == (trial.structure in HAVE_NORMS), changed


def test_norms_of_every_library_by_their_class() -> None:
    class NormedEmbedding(nn.Embedding):
        """An embedding whose rows are normalised."""

    class MyNorm(nn.LayerNorm):
        """A norm of one's own."""

    class Plain(MyNorm):
        """One that only its base class tells."""

    kinds = {
        "batch": nn.BatchNorm1d(4),
        "group": nn.GroupNorm(2, 4),
        "rms": nn.RMSNorm(4),
        "instance": nn.InstanceNorm1d(4, affine=True),
        "graph": GraphNorm(4),
        "plain": Plain(4),
        "embedding": NormedEmbedding(3, 4),
        "linear": nn.Linear(4, 4),
        "lstm": nn.LSTM(4, 4, bidirectional=True),
        "normalised": nn.utils.parametrizations.weight_norm(nn.Linear(4, 4)),
    }
    module = nn.ModuleDict(kinds)
    module.register_parameter("bias", nn.Parameter(torch.zeros(1)))
    decayed = {name for name, _ in module.named_parameters()} - spared(module)
    weights = {f"lstm.weight_{part}_l0{way}" for part in ("ih", "hh") for way in ("", "_reverse")}
    halves = {f"normalised.parametrizations.weight.original{half}" for half in (0, 1)}
    assert decayed == {"embedding.weight", "linear.weight", *weights, *halves}
