"""Pretrained models from a local folder, and what is said where it holds none."""

from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoModel

from harness.core.errors import ConfigError
from models.text_encoders.pretrained import fetch
from models.text_encoders.transformer import Transformer
from tests.models.tiny_models import options, save_bert


def test_a_folder_is_loaded_with_the_arguments_that_are_passed_on(tmp_path: Path) -> None:
    folder = save_bert(tmp_path)
    assert fetch(AutoConfig, folder).hidden_size == 16
    single, half = (fetch(AutoModel, folder, dtype=dtype) for dtype in (torch.float32, torch.bfloat16))
    weights, rounded = single.state_dict(), half.state_dict()
    assert all(torch.equal(weights[name].bfloat16(), rounded[name]) for name in weights)
    assert {value.dtype for value in rounded.values()} == {torch.bfloat16}


def test_a_model_that_is_not_there_is_one_clear_paragraph() -> None:
    with pytest.raises(ConfigError, match="'no-such-folder/model' cannot be loaded .* local folder") as caught:
        Transformer.build_tokenizer([], options("no-such-folder/model"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["{", '{"model_type": "no-such-kind"}'])
def test_a_folder_that_holds_no_model_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.json").write_text(content, "utf-8")
    with pytest.raises(ConfigError, match=f"'{tmp_path}' cannot be loaded"):
        fetch(AutoConfig, str(tmp_path))


def test_code_of_the_model_is_never_trusted() -> None:
    seen = {}

    class Kind:
        @staticmethod
        def from_pretrained(model: str, **arguments: object) -> str:
            seen.update(arguments)
            return model

    assert fetch(Kind, "a/b", revision="main") == "a/b"
    assert seen == {"trust_remote_code": False, "revision": "main"}


def test_a_tokeniser_that_needs_another_package_is_one_paragraph() -> None:
    class Kind:
        @staticmethod
        def from_pretrained(model: str, **arguments: object) -> str:
            raise ImportError("You need to install fugashi to use MecabTokenizer.")

    with pytest.raises(ConfigError, match="'a/b' cannot be loaded .*install fugashi"):
        fetch(Kind, "a/b")
