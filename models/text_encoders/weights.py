"""Weights of a pretrained model, all of them from its checkpoint: none is drawn at random without a word."""

from collections.abc import Callable
from typing import Any

import torch

from harness.core.errors import ConfigError
from harness.core.text import one_line
from models.text_encoders.pretrained import fetch

NUMERICS = {"whole weights": 1}


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
