"""What is said of decision rules: which one is shown, and which verdicts another would change."""

from harness.analysis.summarise import find
from harness.core.metric_names import DECISIONS
from harness.reporting.captions_scores import MEANINGS, changed_verdicts, decisions_note
from harness.reporting.footnotes import footnotes
from harness.reporting.markdown import markdown
from tests.harness.analysis.test_decisions import SWEEP, found, gains
from tests.harness.fake_sweep import facts


def test_changed_verdicts_are_told_one_by_one_and_counted() -> None:
    findings = found(gains(1.0), gains(-1.0), gains(1.2))
    said = list(changed_verdicts(findings))
    assert len(said) == 3 and said[-1] == "claim gain: supported by 0.5, not supported by validation."
    assert "Another rule would change 3 of 3 verdicts (" in decisions_note(findings)
    text = markdown(findings)
    assert "## Decision rules" in text and all(line.replace("▲", "") for line in said)
    assert "- claim gain: supported by 0.5, not supported by validation." in text


def test_where_none_changes_the_report_says_so() -> None:
    findings = found(gains(1.0), gains(1.1), gains(1.2))
    assert list(changed_verdicts(findings)) == []
    assert "Another rule would change 0 of 3 verdicts (" in markdown(findings)
    assert "Decision rules" not in markdown(found(gains(1.0)))


def test_every_rule_has_its_meaning_and_another_than_a_half_has_a_footnote() -> None:
    assert tuple(MEANINGS) == DECISIONS
    assert not any("`decision:" in line for line in footnotes(found(gains(1.0))))
    chosen = SWEEP.model_copy(update={"decision": "per_label"})
    lines = footnotes(find(chosen, gains(1.0), facts(chosen)))
    assert any("SCutFBR.1" in line and "(`decision: per_label`)" in line for line in lines)
