"""Footnotes on the protocol name the rule of the best epoch, the looks, and what became of the frozen plan."""

import dataclasses
from typing import get_args

import pytest

from harness.config.schema import BestEpoch
from harness.reporting.footnotes_protocol import BEST_EPOCH, best_epoch, looks, pre_registration
from tests.harness.fake_sweep import facts
from tests.harness.reporting.reports import TABLE, summary_of


def test_the_rule_of_the_best_epoch_is_named():
    (text,) = best_epoch(summary_of(TABLE, [], selection=("macro", "per_metric")))
    macro, per_metric = text.split(" / ")
    assert macro == "Best epoch: every metric from the epoch with the best validation macro F"
    assert per_metric.startswith("micro F from the epoch with the best validation micro F, macro F from the one")


def test_every_rule_of_a_sweep_file_has_words():
    assert set(BEST_EPOCH) == set(get_args(BestEpoch))


@pytest.mark.parametrize(("number", "is_more"), [(0, False), (1, False), (2, True)])
def test_looks_are_counted_and_more_than_one_is_told(number, is_more):
    counted, *more = looks(summary_of(TABLE, [], looks=number))
    assert counted == f"Planned n = 10, looks = {number}."
    assert [text.partition(":")[0] for text in more] == ["More looks than the planned one"] * is_more


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "yes (plan 0123456789ab, frozen 2026-01-01T00:00:00+00:00), and followed."),
        ({"frozen": ""}, "no; no plan was frozen before the first trial."),
        ({"num_older": 3}, "no; 3 results are older than the plan 0123456789ab, frozen 2026-01-01T00:00:00+00:00."),
        ({"changes": ("seeds: 1 -> 2", "x")}, "and not followed: seeds: 1 -> 2, x."),
    ],
)
def test_a_plan_is_frozen_and_followed_or_not(change, words):
    registration = dataclasses.replace(facts(TABLE).registration, **change)
    (text,) = pre_registration(summary_of(TABLE, [], registration=registration))
    assert text.startswith("Pre-registered: ") and text.endswith(words)
