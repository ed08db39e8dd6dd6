"""What counts as a score, as a seed, and as a trial of the sweep."""

import dataclasses
import math

import pytest

from harness.reporting.markdown import markdown
from tests.harness.fake_sweep import (
    cell,
    noisy,
    summary_of,
    sweep,
    the,
)

TABLE = sweep()
FOUND = noisy(TABLE)
FIXED = {"micro_f1": 80.0, "macro_f1": 70.0}


def test_a_column_is_called_by_its_label_and_else_by_its_key():
    table = sweep(
        datasets={"mine": {"reader": "jsonl"}, "theirs": {"reader": "jsonl", "label": "Theirs"}}, published=None
    )
    findings = summary_of(table, noisy(table))
    assert [column.title.rpartition(" ")[0] for column in findings.columns[::2]] == ["mine", "Theirs", "Avg"]
    assert findings.dataset_titles == {"mine": "mine", "theirs": "Theirs"}


def test_scores_that_are_not_numbers_count_as_missing():
    found = FOUND[:]
    found[0] = dataclasses.replace(found[0], scores={"micro_f1": math.nan, "macro_f1": 81.0})
    findings = summary_of(TABLE, found)
    assert findings.num_odd_scores == 1
    assert cell(findings, "hiagm", "none", "WOS micro").num_done == (9,)
    assert cell(findings, "hiagm", "none", "WOS macro").num_done == (10,)


@pytest.mark.parametrize("how", ["digests", "scores"])
def test_a_seed_without_effect_counts_as_one(how):
    found = [
        dataclasses.replace(one, predictions_sha256="same", scores=dict(FIXED) if how == "scores" else one.scores)
        if (one.model, one.merge) == ("hiagm", "none")
        else one
        for one in FOUND
    ]
    findings = summary_of(TABLE, found)
    item = the(findings, "hiagm", "masking", "WOS micro")
    assert cell(findings, "hiagm", "none", "WOS micro").one_seed
    assert (item.test.status, item.marks) == ("one seed", "")
    assert math.isnan(item.test.p)
    assert "seed had no effect" in item.obstacle
    assert not cell(findings, "hitin", "none", "WOS micro").one_seed


@pytest.mark.parametrize("digest", ["its own", None])
def test_equal_scores_of_different_predictions_are_no_seed_without_effect(digest):
    found = [
        dataclasses.replace(one, scores=dict(FIXED), predictions_sha256=digest and one.predictions_sha256)
        if (one.model, one.merge) in (("hiagm", "none"), ("hitin", "none"), ("hitin", "masking"))
        else one
        for one in FOUND
    ]
    findings = summary_of(TABLE, found)
    base = cell(findings, "hiagm", "none", "WOS micro")
    assert not base.one_seed and base.sd == 0 and base.prediction == "degenerate"
    # The other arm varies, and with it the difference; where neither does, there is nothing to test against.
    assert the(findings, "hiagm", "masking", "WOS micro").test.status == "tested"
    both = the(findings, "hitin", "masking", "WOS micro")
    assert (both.test.status, both.marks, both.test.p) == ("identical", "", 1.0)
    text = markdown(findings)
    assert "The seed had no effect" not in text and "seeds alike" not in text
    assert (
        "Equal scores on every seed, from predictions that differ, so that there is no spread: HiAGM on WOS micro, "
        "HiAGM on WOS macro" in text
    )


def test_two_outcomes_of_one_trial_and_strangers_are_refused():
    with pytest.raises(ValueError, match="hiagm/none/wos/1 .* has two outcomes"):
        summary_of(TABLE, [*FOUND, FOUND[0]])
    with pytest.raises(ValueError, match="hiagm/none/wos/77 .* is not part of the sweep"):
        summary_of(TABLE, [dataclasses.replace(FOUND[0], seed=77)])
