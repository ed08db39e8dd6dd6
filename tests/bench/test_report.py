"""The bench of reports makes up sweeps that the report believes."""

from pathlib import Path

from harness.analysis.summarise import find
from harness.config.load import load
from harness.reporting.collect import collect
from harness.trials.plan import Plan
from tests.bench.report import SIZES, Size, make, measure


def test_made_up_predictions_give_the_recorded_scores_and_a_document_level(tmp_path: Path) -> None:
    path = make(tmp_path, Size(documents=300, labels=20, labels_per_document=3.0, seeds=3, goal=60.0))
    plan = Plan.open(load(path))
    assert len(plan.of_state("done")) == len(plan.trials) == 2 * 3 * 3
    summary = find(*collect(plan))
    assert {item.test.status for item in summary.comparisons} == {"tested"}
    assert all(item.documents is not None for item in summary.comparisons)
    seconds, gigabytes = measure(path)
    assert 0 < gigabytes < 4 and seconds > 0
    assert (tmp_path / "reports" / "made-up.md").exists()


def test_the_sizes_are_those_of_the_corpora() -> None:
    eurlex, table1 = SIZES.values()
    assert (eurlex.documents, eurlex.labels, 6 * eurlex.seeds) == (6_000, 148, 30)
    assert (table1.documents, table1.labels, 6 * table1.seeds) == (781_265, 103, 60)
