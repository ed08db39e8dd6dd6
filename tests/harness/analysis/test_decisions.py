"""The decision rule: scores by each, and the verdicts that depend on it."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from harness.analysis.findings import Findings
from harness.analysis.inputs import TrialResult
from harness.analysis.summarise import find
from tests.harness.fake_sweep import facts, results, sweep, the

SWEEP = sweep(
    published=None,
    models={"hiagm": {"label": "HiAGM"}},
    merges=("none", "masking"),
    datasets={"wos": {"label": "WOS"}},
    claims={"gain": {"text": "It gains.", "kind": "rises", "rows": ("hiagm/masking",), "data": ("wos",)}},
)


def gains(gain: float) -> list[TrialResult]:
    """Masking gains so many points, give or take a little that differs from seed to seed."""
    found = results(SWEEP, lambda *trial: 80 + trial[3] % 3 / 10 + (gain + trial[3] % 4 / 50) * (trial[1] == "masking"))
    return [replace(one, has_decisions=True) for one in found]


def found(shown: Sequence[TrialResult], *others: Sequence[TrialResult]) -> Findings:
    rules = zip(("validation", "per_label"), others, strict=False)
    return find(SWEEP, shown, facts(SWEEP), {}, [(rule, one, {}) for rule, one in rules])  # type: ignore[misc]


def test_verdicts_that_another_rule_changes_are_listed() -> None:
    shown = found(gains(1.0), gains(-1.0), gains(1.2))
    rules = shown.decisions
    assert rules is not None and (rules.num_verdicts, rules.num_alike) == (3, 0)
    assert rules.changes["per_label"] == ()
    by_validation = {one.subject: (one.shown, one.other) for one in rules.changes["validation"]}
    assert by_validation.keys() == {"HiAGM+MTL (masking), WOS micro", "HiAGM+MTL (masking), WOS macro", "claim gain"}
    assert by_validation["claim gain"] == ("supported", "not supported")
    marks = the(shown, "hiagm", "masking", "WOS micro").marks
    said, other = by_validation["HiAGM+MTL (masking), WOS micro"]
    assert said == f"+1.03 {marks}" and marks.startswith("▲") and other.startswith("-0.97 ▼")


def test_a_lost_star_is_a_changed_verdict_and_a_smaller_one_is_not() -> None:
    factor = {"none": 5, "masking": 3}  # Another order of the same numbers, and so no difference.
    noise = [
        replace(one, scores={m: 80.0 + factor[one.merge] * one.seed % 7 for m in one.scores or ()}) for one in gains(0)
    ]
    rules = found(gains(1.0), gains(0.9), noise).decisions
    assert rules is not None and rules.changes["validation"] == ()
    assert [one.other.endswith("without a star") for one in rules.changes["per_label"][:2]] == [True, True]


def test_scores_by_each_rule_are_means_over_seeds() -> None:
    rules = found(gains(1.0), gains(-1.0)).decisions
    assert rules is not None
    cells = {(one.title, one.dataset): one.scores for one in rules.scores}
    masked = cells["HiAGM+MTL (masking)", "WOS"]
    assert list(masked) == [(m, rule) for m in ("micro_f1", "macro_f1") for rule in ("0.5", "validation")]
    assert masked["micro_f1", "0.5"][0] - masked["micro_f1", "validation"][0] == pytest.approx(2)
    assert cells["HiAGM", "WOS"]["micro_f1", "0.5"] == cells["HiAGM", "WOS"]["micro_f1", "validation"]


def test_without_other_rules_there_is_nothing_to_say_and_trials_of_labels_alone_are_counted() -> None:
    assert found(gains(1.0)).decisions is None
    alone = [replace(one, has_decisions=one.merge != "none") for one in gains(1.0)]
    rules = found(alone, alone).decisions
    assert rules is not None and rules.num_alike == len(SWEEP.seeds)
