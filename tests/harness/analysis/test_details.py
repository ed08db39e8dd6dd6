"""Cost and other metrics of each cell."""

import dataclasses
import math

import pytest

from tests.harness.analysis.test_ranking import flat_sweep, runs
from tests.harness.fake_sweep import (
    noisy,
    summary_of,
    sweep,
)

TABLE = sweep()
FOUND = noisy(TABLE)


def test_times_are_compared_by_the_geometric_mean_of_paired_ratios():
    found = [
        dataclasses.replace(
            one, train_seconds=100.0 * one.seed * ((1.2, 1.8)[one.seed % 2] if one.merge == "masking" else 1)
        )
        for one in FOUND
    ]
    details = {(item.title, item.dataset): item for item in summary_of(TABLE, found).details}
    ratio, low, high = details["HiAGM+MTL (masking)", "WOS"].ratio
    assert ratio == pytest.approx(math.sqrt(1.2 * 1.8))
    assert math.sqrt(low * high) == pytest.approx(ratio)
    assert details["HiAGM", "WOS"].seconds[0] == pytest.approx(550)


def test_what_has_no_epochs_has_no_time_per_epoch():
    planned = flat_sweep(merges=("none", "projection"), statistics={"base": "projection"})
    found = [dataclasses.replace(one, train_seconds=3.0, num_epochs=0) for one in runs(planned)]
    assert all(math.isnan(item.ratio[0]) for item in summary_of(planned, found).details)


def test_other_metrics_are_summarised_apart():
    found = [
        dataclasses.replace(one, scores={**one.scores, "hier_f1": 50.0 + one.seed, "macro_f1_by_per_label": 40.0})
        for one in FOUND
    ]
    detail = summary_of(TABLE, found).details[0]
    assert detail.metrics == {"hier_f1": (55.5, pytest.approx(math.sqrt(110 / 12)))}
