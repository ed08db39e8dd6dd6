"""Weights from checkpoints of many makes: whole ones are loaded, and what one lacks is told."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, BertConfig, BertForMaskedLM, BertModel, T5EncoderModel, T5ForConditionalGeneration

from harness.core.errors import ConfigError
from models.structure_encoders.seq2seq.t5_decoder import pretrained_decoder
from models.text_encoders.weights import fetch_whole
from tests.models.tiny_models import save_bert, save_t5


def is_pooler(name: str) -> bool:
    return name.startswith("pooler.")


def test_a_whole_checkpoint_lacks_nothing_and_is_single_precision(tmp_path: Path) -> None:
    folder = save_bert(tmp_path)
    bert, lacking = fetch_whole(AutoModel, folder)
    assert lacking == [] and {one.dtype for one in bert.parameters()} == {torch.float32}
    expected = BertModel.from_pretrained(folder).state_dict()
    assert all(torch.equal(expected[name], value) for name, value in bert.state_dict().items())


def test_names_of_old_checkpoints_and_of_other_heads_are_known(tmp_path: Path) -> None:
    folder = Path(save_bert(tmp_path))
    weights = load_file(folder / "model.safetensors")
    old = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
    for new, name in old.items():
        weights = {f"{key.replace(new, name)}": value for key, value in weights.items()}
    save_file({f"bert.{key}": value for key, value in weights.items()}, folder / "model.safetensors", {"format": "pt"})
    bert, lacking = fetch_whole(AutoModel, str(folder))
    assert lacking == []
    assert torch.equal(bert.embeddings.LayerNorm.weight, weights["embeddings.LayerNorm.gamma"])
    # T5's encoder reads one tensor under two names.
    t5 = tmp_path / "t5"
    t5.mkdir()
    assert fetch_whole(T5EncoderModel, save_t5(t5))[1] == fetch_whole(T5ForConditionalGeneration, str(t5))[1] == []


def test_what_may_be_missing_is_returned_and_what_may_not_is_named(tmp_path: Path) -> None:
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    BertForMaskedLM(BertConfig(vocab_size=20, **sizes)).save_pretrained(tmp_path)
    assert fetch_whole(AutoModel, str(tmp_path), is_pooler)[1] == ["pooler.dense.bias", "pooler.dense.weight"]
    with pytest.raises(ConfigError, match="lacks pooler.dense.bias, pooler.dense.weight, which would start"):
        fetch_whole(AutoModel, str(tmp_path))
    weights = load_file(tmp_path / "model.safetensors")
    kept = {name: value for name, value in weights.items() if "encoder.layer.1." not in name}
    save_file(kept, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(ConfigError, match=r"lacks encoder.layer.1.*, .*, .* and 13 more, .* no whole BertModel"):
        fetch_whole(AutoModel, str(tmp_path), is_pooler)


def test_weights_of_another_shape_are_one_paragraph(tmp_path: Path) -> None:
    folder = save_bert(tmp_path)
    config = BertConfig.from_pretrained(folder)
    config.vocab_size = 99
    config.save_pretrained(folder)
    with pytest.raises(ConfigError, match="do not fit its config.json") as caught:
        fetch_whole(AutoModel, folder)
    assert "\n" not in str(caught.value)


def test_a_t5_that_was_saved_without_its_decoder_is_refused(tmp_path: Path) -> None:
    T5EncoderModel.from_pretrained(save_t5(tmp_path)).save_pretrained(tmp_path)
    with pytest.raises(ConfigError, match="lacks decoder.* which would start from random numbers"):
        pretrained_decoder(str(tmp_path), "main")
