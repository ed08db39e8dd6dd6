"""What a report makes of records: how a trial ended, on what it was made, and in how many datasets an effect is."""

from pathlib import Path
from typing import Any

import pytest

from harness.analysis.inputs import TrialResult
from harness.analysis.summarise import find
from harness.config.load import load
from harness.reporting.collect import collect
from harness.reporting.markdown import markdown
from harness.stats.multiple_testing import num_effects
from harness.trials.plan import Plan
from harness.trials.store import Failure, Store
from tests.conftest import SweepWriter
from tests.harness.fake_sweep import noisy, summary_of, sweep, the
from tests.harness.trials.test_plan import record

CPU = {"commit": "abc", "device": "cpu", "precision": "fp32", "cpu": "one"}


def outcome_of(write_sweep: SweepWriter, environment: dict[str, str], **changes: Any) -> TrialResult:
    """How the first trial of a sweep ended, whose record has this environment."""
    plan = Plan.open(load(write_sweep()))
    first = plan.trials[0]
    store = Store(Path(plan.sweep.store))
    store.folder(first.key).mkdir(parents=True, exist_ok=True)
    (store.folder(first.key) / "predictions.parquet").touch()
    made = record(first.key, first.settings)
    store.finish(made.model_copy(update={"environment": environment, "predictions_sha256": "x"} | changes))
    findings = find(*collect(Plan.open(load(write_sweep())), is_interim=True))
    (found,) = findings.results
    return found


def test_an_outcome_says_what_the_record_says(write_sweep: SweepWriter) -> None:
    found = outcome_of(write_sweep, CPU, micro_batches=4)
    assert (found.model, found.merge, found.dataset, found.seed) == ("hiagm", "none", "synthetic", 1)
    assert found.scores == {"micro_f1": 70.0, "macro_f1": 50.0} and found.failure is None
    assert (found.seconds, found.num_parameters, found.predictions_sha256) == (5.0, 3, "x")
    assert (found.num_epochs, found.micro_batches) == (2, 4)


@pytest.mark.parametrize(
    ("change", "pairs"),
    [
        ({}, True),
        ({"commit": "def"}, False),
        ({"precision": "bf16"}, False),
        ({"cpu": "another"}, False),
        ({"torch": "another"}, True),
        ({"device": "H100"}, False),
    ],
)
def test_runs_are_alike_by_commit_device_and_arithmetic(
    write_sweep: SweepWriter, change: dict[str, str], pairs: bool
) -> None:
    one, other = (outcome_of(write_sweep, CPU | new).made_on for new in ({}, change))
    assert (one == other) == pairs


def test_the_cpu_behind_a_gpu_does_not_matter(write_sweep: SweepWriter) -> None:
    on_gpu = CPU | {"device": "H100"}
    assert outcome_of(write_sweep, on_gpu).made_on == outcome_of(write_sweep, on_gpu | {"cpu": "another"}).made_on


def test_a_failure_has_its_reason_and_no_scores(write_sweep: SweepWriter) -> None:
    plan = Plan.open(load(write_sweep()))
    store = Store(Path(plan.sweep.store))
    first = plan.trials[0]
    store.folder(first.key).mkdir(parents=True)
    store.fail(Failure(key=first.key, kind="non_finite", message="it diverged", settings={}, attempts=1))
    findings = find(*collect(Plan.open(load(write_sweep())), is_interim=True))
    (found,) = findings.results
    assert found.scores is None and found.seconds is None and "diverged" in (found.failure or "")
    assert "FAILED (1/2)" in markdown(findings)


def test_the_number_of_datasets_with_an_effect_is_that_of_the_printed_p() -> None:
    table = sweep()
    findings = summary_of(table, noisy(table))
    text = markdown(findings)
    for item in findings.replications:
        model = next(row.model for row in findings.rows if row.title == item.title)
        merge = item.title.partition("(")[2].rstrip(")")
        parts = [the(findings, model, merge, f"{key.upper()} {item.metric[:5]}") for key in table.datasets]
        p = [part.test.p for part in parts]
        assert (item.num_effects, item.num_datasets) == (num_effects(p, table.statistics.alpha), 3)
        assert f"{item.title} {item.metric[:5]} {item.num_effects}/3" in text
    found = {item.num_effects for item in findings.replications}
    assert len(findings.replications) == 8 and len(found) > 1 and found <= {0, 1, 2, 3}
