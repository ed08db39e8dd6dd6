"""The bench of statistics over documents times what it says, on fewer documents."""

import numpy as np
import pytest

from harness.stats.document_variance import score
from tests.bench.resampling import ADDED, DOCUMENTS, LABELS, MISSED, jobs, runs


def test_runs_look_like_rcv1():
    found, support = runs(4000, 3)
    assert support.size == LABELS and support.sum() / 4000 == pytest.approx(3.1, abs=0.25)
    assert support[0] > 10 * support[-1] > 0
    recall = found[0].right.sum() / support.sum()
    assert 1 - MISSED - 0.02 < recall < 1 - MISSED + ADDED
    assert len({score(one, "micro_f1") for one in found}) == 3
    assert DOCUMENTS == 781_265


def test_jobs_answer_with_errors_and_intervals():
    found = jobs(3000, 300)
    deviations = [found[name]()[0] for name in ("micro", "macro")]
    assert 0 < deviations[0] < deviations[1] < 2, "macro F is the less certain one"
    for low, high in found["crossed"]():
        assert low < high and np.isfinite([low, high]).all()
