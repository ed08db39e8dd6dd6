"""Weights of a pretrained model, all of them from its checkpoint: none is drawn at random without a word.

A saved model of this project has a pretrained part's config.json and no weights beside it: all of its weights are in
one file (`models/saved.py`), and the part is built in its shape, to be filled from there.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig

from harness.core.errors import ConfigError
from harness.core.files import write_atomically
from harness.core.text import one_line
from models.text_encoders.pretrained import fetch

NUMERICS = {"whole weights": 1}
_ELSEWHERE = "weights_elsewhere"
"""Field of a config.json whose weights are those of a saved model."""


def save_shape(config: Any, folder: Path) -> None:
    """Writes the config.json of a pretrained model whose weights will be elsewhere.

    Args:
        config: The model's config as its own config.json says it, with nothing set since.
        folder: Folder to make.
    """
    folder.mkdir()
    said = {**config.to_dict(), _ELSEWHERE: True}
    said.pop("_name_or_path", None)  # A path of the machine that it was read on.
    write_atomically(folder / "config.json", (json.dumps(said, indent=2, sort_keys=True) + "\n").encode())


def fetch_whole(
    kind: Any, model: str, may_lack: Callable[[str], bool] = lambda name: False, **arguments: Any
) -> tuple[Any, list[str]]:
    """Returns a pretrained model in single precision, and which of the weights that it may lack it lacks.

    Weights are read from safetensors only. Those that the checkpoint has and the class does not, such as the head of
    a language model, are left out.

    Args:
        kind: Class of the Transformers library to load with.
        model: Hugging Face id, or a local folder.
        may_lack: Returns whether a weight, by its name in the class, may be missing; it is then drawn at random.
        arguments: Further arguments of `from_pretrained`.

    Raises:
        ConfigError: If the model cannot be found, the class cannot load it, or a weight is missing or of another shape.
    """
    config = fetch(AutoConfig, model, **{name: arguments[name] for name in ("revision",) if name in arguments})
    if getattr(config, _ELSEWHERE, False):
        return _shaped(kind, config, **arguments), []
    arguments |= {"use_safetensors": True, "dtype": torch.float32, "output_loading_info": True}
    try:
        loaded, report = fetch(kind, model, **arguments)
    except RuntimeError as error:
        raise ConfigError(
            f"The weights of the pretrained model {model!r} do not fit its config.json ({one_line(error, 300)}). Get "
            "the model anew, or name another."
        ) from None
    lacking = sorted(report["missing_keys"])
    if missing := [name for name in lacking if not may_lack(name)]:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise ConfigError(
            f"The checkpoint of the pretrained model {model!r} lacks {', '.join(missing[:3])}{more}, which would start "
            f"from random numbers: it is no whole {type(loaded).__name__}. Name a model whose checkpoint has them."
        )
    return loaded, lacking


def _shaped(kind: Any, config: Any, **arguments: Any) -> Any:
    """Returns a model of a config with random weights."""
    arguments.pop("revision", None)
    build = kind.from_config if hasattr(kind, "from_config") else kind._from_config
    return build(config, dtype=torch.float32, **arguments)
