"""Findings depend on results, and on nothing else."""

import random

from harness.reporting.data_files import json_text
from tests.harness.fake_sweep import (
    noisy,
    summary_of,
    sweep,
)

TABLE = sweep()
FOUND = noisy(TABLE)
SUMMARY = summary_of(TABLE, FOUND)


def test_order_of_outcomes_changes_no_byte():
    shuffled = FOUND[:]
    random.Random(3).shuffle(shuffled)
    assert json_text(summary_of(TABLE, shuffled)) == json_text(SUMMARY)
