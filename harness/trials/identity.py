"""Identity of a trial: the hash of everything that can change its numbers."""

import hashlib
import json
from functools import cache
from pathlib import Path

from harness.core.files import sha256
from harness.core.registry import Component
from harness.trials.settings import TrialSettings
from models import OBJECTIVES, STRUCTURE_ENCODERS, TEXT_ENCODERS

RUNNER = Component("trial", "harness.training.run:run")
"""What runs a trial, whatever is trained; its numerics are part of every trial's identity."""
NOT_IDENTITY = frozenset({"model", "dataset", "resources"})
"""Fields of a trial that cannot change its numbers: what the sweep calls things, and where it runs."""


def identity(trial: TrialSettings, fingerprint: str) -> str:
    """Returns 16 hex digits of the hash of everything that can change a trial's numbers.

    That is its resolved settings but for `NOT_IDENTITY`, the fingerprint of the prepared data, the content
    of local files and folders that the text encoder and the model are loaded from, and the numerics version of each
    part.
    """
    parts = RUNNER, TEXT_ENCODERS[trial.encoder], STRUCTURE_ENCODERS[trial.structure], OBJECTIVES[trial.objective]
    said = {
        "settings": trial.model_dump(exclude=set(NOT_IDENTITY)),
        "data": fingerprint,
        "folders": {
            f"{part} {name}": content_digest(Path(value).expanduser())
            for part, options in (("encoder", trial.encoder_options), ("structure", trial.structure_options))
            for name, value in options.items()
            if isinstance(value, str) and value and Path(value).expanduser().exists()
        },
        "numerics": {module: version for part in parts for module, version in part.numerics.items()},
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


@cache
def content_digest(place: Path) -> str:
    """Returns a hash of a file's content, or of the names and contents of a folder's files."""
    if place.is_file():
        return sha256(place)
    digest = hashlib.sha256()
    for path in sorted(place.glob("*")):
        if path.is_file():
            digest.update(path.name.encode() + bytes.fromhex(sha256(path)))
    return digest.hexdigest()
