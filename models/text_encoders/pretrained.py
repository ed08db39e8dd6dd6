"""Loading of pretrained models from the Hugging Face hub, its cache, or a local folder; never remote code."""

from pathlib import Path
from typing import Any

from harness.core.errors import ConfigError

NUMERICS = {"pretrained weights": 1}


def fetch(kind: Any, model: str, **arguments: Any) -> Any:
    """Returns the object that a class of the Transformers library loads.

    Args:
        kind: Class to load with, such as `AutoConfig`.
        model: Hugging Face id, or a local folder.
        arguments: Further arguments of `from_pretrained`.

    Raises:
        ConfigError: If the model cannot be found, its files are damaged, or the class cannot load it.
    """
    folder = Path(model).expanduser()  # The library itself knows no `~`.
    try:
        return kind.from_pretrained(str(folder) if folder.is_dir() else model, trust_remote_code=False, **arguments)
    except (RuntimeError, MemoryError):  # Weights of another shape, and want of memory: no damaged files.
        raise
    except Exception as error:  # The libraries raise what a damaged file makes them meet first.
        raise ConfigError(
            f"The pretrained model {model!r} cannot be loaded ({' '.join(str(error).split())[:300]}). "
            "Name a local folder with config.json, tokenizer.json and model.safetensors, or an id of the "
            "Hugging Face hub that this machine can reach or has in its cache."
        ) from None
