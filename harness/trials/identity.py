"""Identity of a trial: the hash of everything that can change its numbers."""

import hashlib
import json

from harness.core.registry import Component
from harness.trials.settings import TrialSettings

RUNNER = Component("trial", "harness.training.run:run")
"""What runs a trial of any kind; its numerics are part of every trial's identity."""


def identity(trial: TrialSettings, fingerprint: str) -> str:
    """Returns 16 hex digits of the hash of everything that can change a trial's numbers.

    That is its resolved settings but for `NOT_IDENTITY`, with the content of files in place of their paths, the
    fingerprint of the prepared data, and the numerics version of each part.
    """
    said = {"settings": trial.counting, "data": fingerprint, "numerics": versions(trial)}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


def cell_identity(trial: TrialSettings, fingerprint: str) -> str:
    """Returns what the identities of all trials that differ from this one only in seed have in common, as a hash."""
    return identity(trial.model_copy(update={"seed": None}), fingerprint)


def versions(trial: TrialSettings) -> dict[str, int]:
    """Returns the numerics version of everything that computes a trial, by name."""
    parts = RUNNER, trial.kind, *trial.components
    return {name: version for part in parts for name, version in part.numerics.items()}
