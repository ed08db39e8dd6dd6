"""What no trial could use is refused before any work; what is right is tried once for each choice of options."""

from pathlib import Path
from typing import Any

import pytest
from transformers import BertConfig, BertForMaskedLM

from harness.core.errors import ConfigError
from models import STRUCTURE_ENCODERS, TEXT_ENCODERS
from models.refusals import refuse_unusable
from models.text_encoders.transformer import Transformer
from tests.models.tiny_models import NUM_WORDS, save_any, save_t5

SMALL = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}


def trial(encoder: str, structure: str = "flat", model: dict[str, Any] | None = None, **options: Any) -> Any:
    """The parts of a trial."""
    read, behind = TEXT_ENCODERS[encoder], STRUCTURE_ENCODERS[structure]
    return {"encoder": (read, read.resolved(options)), "structure": (behind, behind.resolved(model or {}))}


@pytest.fixture
def masked(tmp_path: Path) -> str:
    """A BERT without a pooler."""
    config = BertConfig(**SMALL, vocab_size=NUM_WORDS, max_position_embeddings=80)
    return save_any(tmp_path / "masked", config, BertForMaskedLM)


def test_each_choice_of_options_is_tried_once(masked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []
    try_out = Transformer.try_out.__func__  # type: ignore[attr-defined]

    def noted(cls: type[Transformer], options: dict[str, Any]) -> Transformer:
        built.append(options["pooling"])
        encoder: Transformer = try_out(cls, options)
        return encoder

    monkeypatch.setattr(Transformer, "try_out", classmethod(noted))
    choices = [("mean", "flat"), ("mean", "hiagm"), ("cls", "flat")]
    right = [trial("transformer", structure, model=None) for _, structure in choices]
    for one, (pooling, _) in zip(right, choices, strict=True):
        one["encoder"][1].update(model=masked, max_length=80, pooling=pooling)
    refuse_unusable(right * 5 + [trial("bag"), trial("textrcnn")])
    assert sorted(built) == ["cls", "mean"]


def test_a_pooler_is_asked_for_by_models_that_read_vectors_alone(masked: str) -> None:
    states = trial("transformer", "seq2seq", model={"width": 8, "heads": 2})
    vectors = trial("transformer", "flat")
    for one in (states, vectors):
        one["encoder"][1].update(model=masked, max_length=80)
    refuse_unusable([states])
    with pytest.raises(ConfigError, match="no weights of one in its checkpoint"):
        refuse_unusable([states, vectors])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (trial("lstm", vectors="nowhere.txt"), "no file of word vectors at nowhere.txt"),
        (trial("textrcnn", vectors="short.txt"), "Line 1 of the word vectors .* has 2 numbers where width is 300"),
        (trial("transformer"), "'bert-base-uncased' cannot be loaded"),
        (trial("bag", "seq2seq", model={"model": "no/t5"}), "'no/t5' cannot be loaded"),
        (trial("bag", "seq2seq", model={"width": 10, "heads": 4}), "10 is none of 4"),
    ],
)
def test_what_is_not_there_or_does_not_fit_is_named(
    wrong: Any, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    (tmp_path / "short.txt").write_text("cat 1 2\n", "utf-8")
    with pytest.raises(ConfigError, match=words):
        refuse_unusable([wrong])


def test_a_t5_behind_its_own_encoder_may_be_used(tmp_path: Path) -> None:
    folder = save_t5(tmp_path)
    both = trial("transformer", "seq2seq", model={"model": folder})
    both["encoder"][1].update(model=folder)
    refuse_unusable([both])
