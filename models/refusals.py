"""Refusals before any work: text encoders and models with which every trial of a sweep would fail alike.

Options that name a file, a folder or a pretrained model are found wrong here, once, and not by each trial after its
corpus is tokenised.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from models import STRUCTURE_ENCODERS, TEXT_ENCODERS

CHANGES_NO_NUMBER = "It only refuses."


class Parts(Protocol):
    """What a trial's settings say of its text encoder and its model."""

    @property
    def encoder(self) -> str: ...  # noqa: D102

    @property
    def encoder_options(self) -> Mapping[str, Any]: ...  # noqa: D102

    @property
    def structure(self) -> str: ...  # noqa: D102

    @property
    def structure_options(self) -> Mapping[str, Any]: ...  # noqa: D102


def refuse_unusable(trials: Iterable[Parts]) -> None:
    """Tries each text encoder of some trials, and each model behind it, once.

    Raises:
        ConfigError: If no trial with it could go well, with the way out.
    """
    by_encoder: dict[str, dict[str, Parts]] = {}
    for trial in trials:
        encoder, structure = (
            json.dumps(one, sort_keys=True)
            for one in ((trial.encoder, trial.encoder_options), (trial.structure, trial.structure_options))
        )
        by_encoder.setdefault(encoder, {})[structure] = trial
    for alike in by_encoder.values():
        first = next(iter(alike.values()))
        built = TEXT_ENCODERS[first.encoder].load().try_out(first.encoder_options)
        for trial in alike.values():
            STRUCTURE_ENCODERS[trial.structure].load().try_out(trial.structure_options, built)
