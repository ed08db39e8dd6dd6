"""Models without a fast tokeniser: trained by the command that runs trials, on the tokens that the library makes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from transformers import (
    ByT5Tokenizer,
    CanineConfig,
    CanineModel,
    CanineTokenizer,
    T5Config,
    T5ForConditionalGeneration,
)

from datasets.storage.corpus import Corpus
from harness import trial as trial_door
from harness.config.load import load
from harness.training.build import Data
from harness.trials.plan import Plan
from tests.conftest import SweepWriter


def save_byt5(folder: Path) -> Any:
    sizes = {"d_model": 8, "d_kv": 4, "d_ff": 16, "num_layers": 1, "num_heads": 2, "vocab_size": 384}
    T5ForConditionalGeneration(T5Config(decoder_start_token_id=0, **sizes)).save_pretrained(folder)
    ByT5Tokenizer().save_pretrained(folder)
    return ByT5Tokenizer()


def save_canine(folder: Path) -> Any:
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    CanineModel(CanineConfig(num_hash_buckets=64, num_hash_functions=2, **sizes)).save_pretrained(folder)
    CanineTokenizer().save_pretrained(folder)
    return CanineTokenizer()


@pytest.mark.parametrize("save", [save_byt5, save_canine], ids=["byt5", "canine"])
def test_a_model_of_bytes_or_characters_is_trained(
    save: Any, write_sweep: SweepWriter, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    library = save(tmp_path / "model")
    options = {"model": str(tmp_path / "model"), "max_length": 24, "pooling": "mean", "prefix": "Classify: "}
    path = write_sweep(
        models={"flat": {}, "himatch": {"options": {"node_width": 4, "match_width": 4}}},
        merges=["none"],
        seeds=[1],
        encoder={"name": "transformer", "options": options},
        trainer={"epochs": 1, "batch_size": 32},
    )
    assert trial_door.main([str(path)]) == 0
    assert "2 of 2 trials done, 0 failed" in capsys.readouterr().out
    one = Plan.open(load(path)).trials[0]
    corpus = Corpus.open(Path(load(path).data_dir) / one.settings.corpus)
    tokens = Data.open(one.settings, corpus).tokens
    rows = np.arange(5)
    expected = [library(f"Classify: {text}", truncation=True, max_length=24).input_ids for text in corpus.texts(rows)]
    assert tokens.gather(rows)[0].tolist() == [number for ids in expected for number in ids]
