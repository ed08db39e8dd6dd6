"""What a trial is identified by survives every move of a file."""

import hashlib

from harness.config.load import load
from harness.trials.identity import identity
from harness.trials.settings import expand
from tests.shared import ROOT

SWEEPS = ROOT / "sweeps"
DIGEST = "0feaaf46124e6840"
"""Of the identities of every trial of every sweep file, were the fingerprint of all corpora `x`."""


def test_no_identity_changes_unawares() -> None:
    trials = [trial for path in sorted(SWEEPS.glob("*.yaml")) for trial in expand(load(path))]
    said = "".join(identity(trial, "x") for trial in trials)
    assert (len(trials), hashlib.sha256(said.encode()).hexdigest()[:16]) == (1342, DIGEST)
