"""Refusals before any work: text encoders and models with which every trial of a sweep would fail alike.

Options that name a file, a folder or a pretrained model are found wrong here, once, and not by each trial after its
corpus is tokenised.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from harness.core.registry import Component

CHANGES_NO_NUMBER = "It only refuses."

Part = tuple[Component, Mapping[str, Any]]
"""A component and the value of each of its options."""


def refuse_unusable(trials: Iterable[Mapping[str, Part]]) -> None:
    """Tries each text encoder of some trials, and each model or system behind it, once.

    Args:
        trials: For each trial its parts: the `structure` or the `system`, and the `encoder` that this reads, if any.

    Raises:
        ConfigError: If no trial with it could go well, with the way out.
    """
    encoders: dict[str, Part | None] = {}
    behind: dict[str, dict[str, Part]] = {}
    for parts in trials:
        encoder, (other,) = parts.get("encoder"), [part for role, part in parts.items() if role != "encoder"]
        encoders[_name(encoder)] = encoder
        behind.setdefault(_name(encoder), {})[_name(other)] = other
    for name, encoder in encoders.items():
        built = encoder[0].load().try_out(encoder[1]) if encoder else None
        for part, options in behind[name].values():
            part.load().try_out(options, built)


def _name(part: Part | None) -> str:
    return json.dumps([part[0].name, part[1]], sort_keys=True) if part else ""
