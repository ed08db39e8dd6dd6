"""Cosines of the branches' gradients from the sweep file to the record: one an epoch, and no trained bit differs."""

from pathlib import Path
from statistics import fmean

import pytest

from harness.trials.store import Store
from tests.conftest import SweepWriter
from tests.harness.training.small_trials import FAST, planned, ran

MODELS = {
    "hiagm": {"options": {"node_width": 4}},
    "hitin": {"options": {"node_width": 4}},
    # Read anew every 25 batches, its labels are next read in the middle of an epoch of 14.
    "himatch": {"options": {"node_width": 4, "match_width": 8, "refresh": 25}},
}


@pytest.mark.parametrize(
    ("model", "merge"),
    [("hiagm", "masking"), ("hitin", "projection"), ("himatch", "projection"), ("hiagm", "none")],
)
def test_cosines_change_nothing_that_is_trained(
    write_sweep: SweepWriter, data_dir: Path, tmp_path: Path, model: str, merge: str
) -> None:
    merges, found = ["none", "masking", "projection"], {}
    for is_measured in (False, True):
        trainer = {**FAST, "branch_cosines": is_measured}
        one = planned(write_sweep, model, merge, models=MODELS, merges=merges, trainer=trainer)
        store = Store(tmp_path / str(is_measured))
        record = ran(one, data_dir, store)
        history = store.history(one.key)
        cosines = [{k: v for k, v in entry.items() if k.startswith("branch_cosine")} for entry in history]
        rest = [{k: v for k, v in entry.items() if k not in cosines[0] and k != "train_seconds"} for entry in history]
        found[is_measured] = record, cosines, rest
    (plain, none, before), (measured, cosines, after) = found[False], found[True]
    assert not any(none) and before == after and len(after) == FAST["epochs"]
    assert plain.predictions_sha256 == measured.predictions_sha256
    means = {name: fmean(entry[name] for entry in cosines) for name in cosines[0]}
    assert measured.scores == plain.scores | means
    if merge == "none":
        assert not any(cosines), "one head has no pair"
        return
    for entry in cosines:
        assert -1 <= entry["branch_cosine_least"] <= entry["branch_cosine_mean"] <= 1
        assert 0 <= entry["branch_cosine_negative"] <= 1
    assert cosines[0] != cosines[1], "each epoch measures its own weights"
