"""A report has three figures, and others where they are asked for and there is something to draw."""

from harness.analysis.summarise import find
from harness.reporting.figures import draw
from tests.harness.fake_sweep import facts, noisy, sweep
from tests.journeys.test_document_level import ONE, made_up

TABLE = sweep()
SUMMARY = find(TABLE, noisy(TABLE), facts(TABLE))


def names(findings, *which):
    return [one.name for one in draw(findings, *which)]


def test_a_report_has_three_figures_unless_all_are_asked_for():
    assert names(SUMMARY) == names(SUMMARY, "main") == ["differences", "seeds", "published"]
    assert names(SUMMARY, "all") == ["differences", "seeds", "published", "power"], "no predictions, no others"
    assert all(one.caption.endswith(".") for one in draw(SUMMARY, "all"))


def test_figures_of_documents_need_predictions():
    sample, found = made_up({"none": 0.9, "masking": 0.95})
    findings = find(ONE, found, facts(ONE), {"wos": sample})
    assert names(findings, "all") == ["differences", "seeds", "variances", "power", "labels"]


def test_nothing_to_draw():
    assert names(find(TABLE, [], facts(TABLE)), "all") == []
    one_seed = sweep(seeds=(1,), published=None)
    assert names(find(one_seed, noisy(one_seed), facts(one_seed)), "all") == ["seeds"]
