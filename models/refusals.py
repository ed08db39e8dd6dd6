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
    """Tries each text encoder of some trials, and each model behind it, once.

    Args:
        trials: For each trial its `encoder` and its `structure`.

    Raises:
        ConfigError: If no trial with it could go well, with the way out.
    """
    encoders: dict[str, Part] = {}
    behind: dict[str, dict[str, Part]] = {}
    for parts in trials:
        encoder, structure = (
            json.dumps([part.name, options], sort_keys=True) for part, options in (parts["encoder"], parts["structure"])
        )
        encoders[encoder] = parts["encoder"]
        behind.setdefault(encoder, {})[structure] = parts["structure"]
    for name, (part, options) in encoders.items():
        built = part.load().try_out(options)
        for structure_encoder, its_options in behind[name].values():
            structure_encoder.load().try_out(its_options, built)
